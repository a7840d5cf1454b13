"""`evaluate`: our rate-distortion curves beside those of x264, x265 and SVT-AV1, on Ray or in this
process.

    evaluate(["clips/"], "report", qualities=[0, 16, 32, 48, 63])

The folder gets report.md, curves as PNG and SVG, and the rows as rows.jsonl, rows.csv and
rows.parquet. A row that rows.jsonl has is not measured again (same clip, models, options, setting
and version): what was interrupted goes on where it was.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from streamcodec.errors import PARTLY_FAILED, SourceError, UsageError
from streamcodec.files import VIDEO_SUFFIXES, replace_on_success, writing
from streamcodec.video.source import STREAM_START

from ..plots import can_draw
from .anchors import ANCHORS, anchor_named
from .jobs import plan
from .report import NO_CURVES, markdown, write_tables
from .rows import OURS, Clip, Measurement, Row, Store, latest, read_rows
from .tables import names

__all__ = ["QUALITIES", "Evaluation", "evaluate", "find_clips", "other_rows"]

QUALITIES = (0, 8, 16, 24, 32, 40, 48, 56, 63)

Paths = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Evaluation:
    """`rows`: of this evaluation, also those that were there. `failures`: what could not be
    measured, a line each. `report`: its file."""

    rows: tuple[Row, ...]
    failures: tuple[str, ...]
    report: Path

    @property
    def exit_code(self) -> int:
        """0: all is measured; 4: a part could not be."""
        return PARTLY_FAILED if self.failures else 0


def evaluate(
    clips: Paths,
    out: str | os.PathLike[str],
    *,
    qualities: Iterable[int] = QUALITIES,
    anchors: Mapping[str, Iterable[int]] | Iterable[str] = tuple(ANCHORS),
    options: Mapping[str, Any] | None = None,
    max_frames: int | None = None,
    also: Iterable[Row] = (),
    figures: bool = True,
    local: bool = False,
    workers: int | None = None,
    address: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Evaluation:
    """Measure what is missing, then write the report into `out`.

    `clips`: videos and folders of videos, on a cluster under the same path everywhere. `qualities`:
    of ours, 0..63. `anchors`: names of `ANCHORS`, or name -> CRFs. `options`: fields of
    EncodeOptions for ours; `gop` is the anchors' too. `max_frames`: of every clip. `also`: further
    curves, of `other_rows`. `local`: in this process, one after another: for speeds that shall be
    told, on a machine that does nothing else. Otherwise on Ray: `workers` at a time (None = as many
    as there is room for) on the cluster at `address` (None = this machine). `say` is told of every
    row. Without matplotlib there are no `figures`, which the report says.

    What cannot be measured is in the report, and the rest goes on. Raises UsageError before
    anything is measured where that can be told, and SourceError if nothing could be measured.
    """
    if workers is not None and (local or workers < 1):
        raise UsageError(
            f"workers are {workers}{' in this process alone' if local else ''}; accepted: 1 or more, on Ray"
        )
    curves = (
        dict(anchors)
        if isinstance(anchors, Mapping)
        else {name: anchor_named(name).crfs for name in anchors}
    )
    jobs = plan(
        find_clips([Path(clip) for clip in clips]), qualities, curves, options or {}, max_frames
    )
    folder = Path(out)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder / "rows.jsonl")
    missing = [job for job in jobs if store.get(job) is None]
    failures = _fill(
        store, len(missing), _measured(missing, local, workers, address), say or (lambda text: None)
    )
    rows = [row for row in map(store.get, jobs) if row is not None]
    if not rows:
        raise SourceError(f"nothing could be measured: {failures[0]}")
    rows += [row for row in also if row.clip_sha256 in names(rows, "clip_sha256")]
    if figures and not can_draw() and say is not None:
        say(NO_CURVES)
    return Evaluation(tuple(rows), tuple(failures), _write(rows, failures, folder, figures=figures))


def find_clips(paths: Sequence[Path]) -> list[Clip]:
    """Files, and the videos of folders in order of name. Raises UsageError if there are none, or
    two of one name, or for an .ssf stream."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist; accepted: videos and folders of videos")
        if path.is_dir():
            files += sorted(
                file for file in path.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES
            )
        else:
            _check_no_stream(path)
            files.append(path)
    names = [file.stem for file in files]
    if not files:
        where = ", ".join(map(str, paths)) or "nothing"
        raise UsageError(
            f"no video is found in {where}; accepted: videos, and folders with files of {', '.join(VIDEO_SUFFIXES)}"
        )
    if len(set(names)) < len(names):
        raise UsageError(f"the clips are {names}; accepted: at least one, each of its own name")
    return [Clip.of(file) for file in files]


def _check_no_stream(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(STREAM_START)) == STREAM_START:
            raise UsageError(
                f"{path} is an .ssf stream; accepted: videos, which are coded to be measured; "
                "`streamcodec compare` measures streams"
            )


def _measured(
    jobs: Sequence[Measurement], local: bool, workers: int | None, address: str | None
) -> Iterator[tuple[Measurement, Row | str]]:
    if local or not jobs:
        from .measure import row_of

        return ((job, row_of(job)) for job in jobs)
    from .ray_tasks import measure_on_ray

    return measure_on_ray(jobs, workers, address)


def _fill(
    store: Store,
    count: int,
    measured: Iterable[tuple[Measurement, Row | str]],
    say: Callable[[str], None],
) -> list[str]:
    """Keep each row as soon as it is there; returns what failed."""
    failures = []
    for number, (job, row) in enumerate(measured, 1):
        what = f"{job.clip.path.stem}, {job.codec} at {job.setting}"
        if isinstance(row, str):
            failures.append(f"{what}: {row}")
            say(f"{number}/{count} failed: {failures[-1]}")
        else:
            store.add(row)
            say(
                f"{number}/{count} {what}: {row.bpp:.4f} bpp, {row.mean_psnr_yuv_db:.2f} dB, MS-SSIM {row.ms_ssim:.4f}"
            )
    return failures


def _write(rows: Sequence[Row], failures: Sequence[str], folder: Path, *, figures: bool) -> Path:
    drawn: Sequence[Path] = []
    if figures and can_draw():
        from .figures import draw

        drawn = draw(rows, folder)
    write_tables(rows, folder)
    report = folder / "report.md"
    with replace_on_success(report, overwrite=True) as part:
        part.write_text(
            markdown(rows, drawn, failures, lacks_curves=figures and not drawn), encoding="utf-8"
        )
    return report


def other_rows(text: str) -> list[Row]:
    """LABEL=ROWS.jsonl: our curve of another evaluation, under that label. Raises UsageError."""
    label, equals, path = text.partition("=")
    if not (label and equals) or label in (OURS, *ANCHORS) or not Path(path).is_file():
        raise UsageError(
            f"another curve is {text!r}; accepted: LABEL=FILE, a label of its own and the rows.jsonl of another evaluation"
        )
    return latest(replace(row, codec=label) for row in read_rows(Path(path)) if row.codec == OURS)
