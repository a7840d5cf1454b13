"""Our rate-distortion curves beside those of x264 and x265, and BD-rates: a report in Markdown with figures.

    python tools/rd_report.py CLIP_OR_FOLDER... --out FOLDER [--jobs 2] [--quality 0 32 63] [--encode-options gop=16 intra=FILE]

FOLDER gets report.md, curves as PNG and SVG (pip install 'streamcodec[report]'), and rows.jsonl. A row that is there is not measured again
(same clip, models, options, setting and version), so an interrupted report goes on where it was. All codecs run through PyAV or
streamcodec with one thread, the anchors with preset medium, constant rate factor, the same GOP length and no scene cuts. Bits are those
of our whole .ssf file, made without sound, and of the anchors' packets without their container. Speeds are of wall time, ours with
reading the source: for figures to publish, leave --jobs at 1 and the machine alone.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

from rd.measure import PRESET, measure
from rd.plan import parse_options, plan
from rd.rows import ANCHORS, OURS, Job, Row, Store, find_clips, latest, read_rows
from rd.tables import METRICS, bd_table, drop_table, names, points_table

from streamcodec.errors import StreamCodecError, UsageError

QUALITIES = [0, 8, 16, 24, 32, 40, 48, 56, 63]
CRFS = [15, 19, 23, 27, 31, 35, 39, 43, 47]


def main() -> None:
    arguments = parse(sys.argv[1:])
    try:
        run(arguments)
    except StreamCodecError as error:
        sys.exit(f"rd_report: {error}")


def run(arguments: argparse.Namespace) -> None:
    """Measure what is missing, then write the report. Raises UsageError before anything is measured where that can be told."""
    if arguments.figures and find_spec("matplotlib") is None:
        raise UsageError("matplotlib is not installed; accepted: pip install 'streamcodec[report]', or --no-figures")
    if arguments.jobs < 1:
        raise UsageError(f"--jobs is {arguments.jobs}; accepted: 1 or more")
    others = [row for other in arguments.also for row in other_rows(other)]
    options = parse_options(arguments.encode_options)
    jobs = plan(find_clips(arguments.clips), arguments.quality, arguments.anchors, arguments.crf, options, arguments.frames)
    arguments.out.mkdir(parents=True, exist_ok=True)
    store = Store(arguments.out / "rows.jsonl")
    fill(store, jobs, arguments.jobs)
    rows = [row for row in map(store.get, jobs) if row is not None]
    rows += [row for row in others if row.clip_sha256 in names(rows, "clip_sha256")]
    figures = draw_figures(rows, arguments.out) if arguments.figures else []
    (arguments.out / "report.md").write_text(report(rows, figures))
    print(arguments.out / "report.md")


def fill(store: Store, jobs: Sequence[Job], processes: int) -> None:
    """Measure the jobs that the store has no row of; each row is kept as soon as it is there."""
    missing = [job for job in jobs if store.get(job) is None]
    for number, row in enumerate(results(missing, processes), 1):
        store.add(row)
        figures = f"{row.bpp:.4f} bpp, {row.mean_psnr_yuv_db:.2f} dB, MS-SSIM {row.ms_ssim:.4f}"
        print(f"{number}/{len(missing)} {row.clip}, {row.codec} at {row.setting}: {figures}", file=sys.stderr, flush=True)


def results(jobs: Sequence[Job], processes: int) -> Iterator[Row]:
    if processes == 1:
        yield from map(measure, jobs)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(measure, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def other_rows(text: str) -> list[Row]:
    """LABEL=ROWS.jsonl: our curve of another report, under that label."""
    label, equals, path = text.partition("=")
    if not (label and equals) or label in (OURS, *ANCHORS) or not Path(path).is_file():
        raise UsageError(f"--also has {text!r}; accepted: LABEL=FILE, a label of its own and the rows.jsonl of another report")
    return latest(replace(row, codec=label) for row in read_rows(Path(path)) if row.codec == OURS)


def draw_figures(rows: Sequence[Row], folder: Path) -> list[Path]:
    from rd.figures import draw

    return draw(rows, folder)


def report(rows: Sequence[Row], figures: Sequence[Path]) -> str:
    """The whole of report.md."""
    parts = ["# Rate and distortion", conditions(rows)]
    for metric in METRICS:
        for codec in names(rows, "codec"):
            if codec not in ANCHORS:
                parts += [f"## BD-rate of {codec}, {metric.label}", "Bits more (+) or fewer (-) than the anchor's for the same quality."]
                parts.append(bd_table(rows, codec, metric))
    parts += [f"![{figure.stem}]({figure.name})" for figure in figures]
    parts += ["## PSNR lost from the first P-frame to the last frame of the first GOP, dB", drop_table(rows)]
    for clip in names(rows, "clip"):
        parts += [f"## {clip}", points_table(rows, clip)]
    return "\n\n".join(parts) + "\n"


def conditions(rows: Sequence[Row]) -> str:
    """Under which the rows were measured."""
    lines = {f"- {row.codec}: {row.version}, GOP {row.gop}{_options(row.options)}": None for row in rows}
    return f"One thread each. Anchors: preset {PRESET}, constant rate factor, no scene cuts.\n\n" + "\n".join(lines)


def _options(options: dict[str, object]) -> str:
    return "".join(f", {name} {value}" for name, value in options.items())


def parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP", help="videos, or folders of videos")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--quality", type=int, nargs="*", default=QUALITIES, metavar="Q")
    parser.add_argument("--crf", type=int, nargs="+", default=CRFS, help="of the anchors")
    parser.add_argument("--anchors", nargs="*", choices=ANCHORS, default=list(ANCHORS))
    parser.add_argument("--frames", type=int, metavar="N", help="of every clip; default: all")
    parser.add_argument("--encode-options", nargs="*", default=[], metavar="KEY=VALUE", help="fields of streamcodec.EncodeOptions")
    parser.add_argument("--also", nargs="+", default=[], metavar="LABEL=ROWS", help="curves of other reports' rows.jsonl")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--no-figures", dest="figures", action="store_false", help="tables only; matplotlib is not needed")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
