"""`streamcodec encode IN OUT`, or several videos with --out."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamcodec.cli.common import (
    check_inputs,
    code_all,
    finite,
    pair_of,
    pairs_below,
    say,
    say_json,
    say_notes,
    written,
)
from streamcodec.cli.options import (
    encode_settings,
    json_option,
    names_and_out,
    options_from,
    overwrite_option,
    psnr_option,
    quiet_option,
    range_options,
    source_error_option,
    threads_option,
)
from streamcodec.errors import UsageError
from streamcodec.files import STANDARD_STREAM, VIDEO_SUFFIXES
from streamcodec.progress import phases
from streamcodec.runtime import prepare
from streamcodec.stream.options import EncodeOptions
from streamcodec.text import human_bytes

if TYPE_CHECKING:
    from streamcodec import EncodeReport


@click.command()
@names_and_out("videos", "streams")
@options_from(EncodeOptions)
@range_options("Encode")
@source_error_option
@psnr_option
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Processes that code parts of a file at the same time, to the same bytes.  [default: 1]",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on from what an earlier run of this command had done when it was killed, to the same bytes.",
)
@click.option(
    "--low-latency",
    is_flag=True,
    help="For live sources: write every frame as soon as it is coded, under OUT's own name from the "
    "beginning (`decode --follow` reads along).",
)
@json_option
@threads_option
@overwrite_option
@quiet_option
def encode(
    names: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    threads: int | None,
    quiet: bool,
    **options: Any,
) -> int:
    """Encode a video into an .ssf stream.

    IN is any video that FFmpeg reads, or - for standard input: y4m, or whatever FFmpeg reads without
    going back. OUT is a file, or - for standard output. With --out, every IN is a video or a folder
    of them, and each becomes FOLDER/NAME.ssf; one that fails does not stop the others. What is there
    already is kept, unless -y is given.

    \b
    At most one of -q, --target-psnr, --target-bpp and --bitrate. For a target the quality is
    searched for on a sample of the file; from standard input it is adapted from frame to frame.
    Exit codes: 0 all done, 1 failure, 2 usage, 4 some videos failed, 130 interrupted.
    """
    settings = {**encode_settings(options), **options, "threads": threads}
    if out is None:
        source, target = pair_of(names, "video")
        check_inputs([source])
        _check_jobs(source, settings)
        prepare(threads)
        report = _encode_one(source, target, settings, quiet=quiet or as_json)
        if as_json:
            say_json(facts(source, target, report), err=target == STANDARD_STREAM)
        return 0
    check_inputs(names)
    pairs = pairs_below(out, names, VIDEO_SUFFIXES, "video")
    for source in pairs:
        _check_jobs(source, settings)
    prepare(threads)

    def code(source: str, target: str) -> dict[str, Any]:
        return facts(source, target, _encode_one(source, target, settings, quiet=quiet or as_json))

    return code_all(
        pairs,
        code,
        what="video",
        verb="encodes",
        overwrite=settings["overwrite"],
        quiet=quiet,
        as_json=as_json,
    )


def _check_jobs(source: str, settings: dict[str, Any]) -> None:
    if settings["jobs"] == 1:
        return
    for other in ("resume", "low_latency"):
        if settings[other]:
            flag = other.replace("_", "-")
            raise UsageError(f"--jobs and --{flag} are given; accepted: one of them")
    if source == STANDARD_STREAM:
        raise UsageError("--jobs reads IN several times; accepted: a file, not standard input")


def _encode_one(
    source: str, target: str, settings: dict[str, Any], *, quiet: bool
) -> "EncodeReport":
    """Warnings are not to be kept quiet."""
    common = {name: value for name, value in settings.items() if name not in ("jobs", "threads")}
    if settings["jobs"] == 1:
        from streamcodec import encode as encode_video

        with phases("search", "encode", quiet=quiet) as (search, advance):
            report = encode_video(
                source, target, progress=advance, search_progress=search, **common
            )
    else:
        report = _in_jobs(source, target, settings, common, quiet=quiet)
    if report.shortfall is not None:
        say(f"streamcodec: warning: {report.shortfall}", err=True)
    if not quiet:
        say_notes(source, report.notes)
        say(summary(target, report), err=True)
    return report


def _in_jobs(
    source: str,
    target: str,
    settings: dict[str, Any],
    common: dict[str, Any],
    *,
    quiet: bool,
) -> "EncodeReport":
    from streamcodec.parts import encode_in_jobs

    del common["resume"], common["low_latency"]
    with phases("search", "plan", "encode", quiet=quiet) as (search, plan, advance):
        return encode_in_jobs(
            source,
            target,
            jobs=settings["jobs"],
            threads_per_job=settings["threads"],
            progress=advance,
            plan_progress=plan,
            search_progress=search,
            **common,
        )


def facts(source: str, target: str, report: "EncodeReport") -> dict[str, Any]:
    """The report, ready for JSON."""
    found = asdict(report)
    del found["search"]
    found |= {
        "target": None if report.target is None else str(report.target),
        "bpp": report.bpp,
        "kbit_per_second": report.kbit_per_second,
        "fps": report.fps,
        "shortfall": report.shortfall,
    }
    return finite({"source": source, "out": target, **found})


def summary(out: str, report: "EncodeReport") -> str:
    """One line on the output, its size, rate and quality, and the speed."""
    parts = [written(out, report.frames, report.gops, report.size_bytes)]
    if report.track_bytes:
        parts.append(f"{human_bytes(report.track_bytes)} of it sound and subtitles")
    parts += [f"{report.width}x{report.height}", f"{report.bpp:.4f} bpp"]
    if report.kbit_per_second:
        parts.append(f"{report.kbit_per_second:.0f} kbit/s")
    if report.psnr_db is not None:
        parts.append(
            f"PSNR {report.psnr_db:.2f} dB{' of RGB' if report.frame_format == 'rgb' else ''}"
        )
    if report.target is not None:
        parts.append("quality varies" if report.quality is None else f"quality {report.quality}")
    parts.append(f"{report.fps:.2f} fps")
    return ", ".join(parts)
