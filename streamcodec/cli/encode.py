"""`streamcodec encode IN OUT`."""

from typing import TYPE_CHECKING, Any

import click

from streamcodec.cli.common import (
    STREAM_SUFFIX,
    device_options,
    is_stream_name,
    overwrite_option,
    parse_seconds,
    quiet_option,
    say,
)
from streamcodec.cli.rate import coding_options, target_options, targets
from streamcodec.errors import UsageError
from streamcodec.progress import phases
from streamcodec.runtime import prepare
from streamcodec.text import human_bytes

if TYPE_CHECKING:
    from streamcodec import EncodeReport


@click.command()
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT")
@click.option(
    "-q",
    "--quality",
    type=click.IntRange(0, 63),
    help="Higher is better and larger.  [default: 32]",
)
@target_options
@coding_options
@click.option(
    "--on-error",
    type=click.Choice(["raise", "stop", "skip"]),
    default="raise",
    show_default=True,
    help="At damage in IN: fail, keep what came before it, or leave out what is damaged.",
)
@click.option(
    "--psnr",
    is_flag=True,
    help="Measure the quality: PSNR of YUV, weighted 6:1:1; of RGB with models of RGB.",
)
@click.option(
    "--hash/--no-hash",
    default=True,
    show_default=True,
    help="Store a hash of every GOP's decoded frames (for `verify`).",
)
@device_options
@overwrite_option
@quiet_option
def encode(
    source: str,
    out: str,
    quality: int | None,
    target_psnr: float | None,
    target_bpp: float | None,
    bitrate: str | None,
    start: str | None,
    duration: str | None,
    max_frames: int | None,
    psnr: bool,
    threads: int | None,
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Encode a video into an .ssf stream.

    IN is any video that FFmpeg reads, or - for y4m on standard input. OUT is a file, or - for standard output.

    At most one of -q, --target-psnr, --target-bpp and --bitrate. For a target the quality is searched for on a sample of the file; from
    standard input it is adapted from frame to frame.
    """
    start_seconds, duration_seconds = parse_seconds(start) or 0.0, parse_seconds(duration)
    goal = targets(quality=quality, psnr=target_psnr, bpp=target_bpp, bitrate=bitrate)
    if not is_stream_name(out):
        raise UsageError(
            f"OUT is {out}; a stream's name ends in {STREAM_SUFFIX} (or is - for standard output)"
        )
    prepare(threads)
    import streamcodec

    settings = {
        name: value
        for name, value in {"quality": quality, **goal, **options}.items()
        if value is not None
    }
    with phases("search", "encode", quiet=quiet) as (advance_search, advance):
        report = streamcodec.encode(
            source,
            out,
            start_seconds=start_seconds,
            duration_seconds=duration_seconds,
            max_frames=max_frames,
            overwrite=overwrite,
            psnr=psnr,
            progress=advance,
            search_progress=advance_search,
            **settings,
        )
    if report.shortfall is not None:
        say(f"streamcodec: warning: {report.shortfall}", err=True)
    if not quiet:
        for note in report.notes:
            say(f"streamcodec: note: {source}: {note}", err=True)
        say(summary(report), err=True)


def summary(report: "EncodeReport") -> str:
    """One line on size, rate, quality and speed."""
    parts = [
        f"{report.frames} frames in {report.gops} GOPs",
        f"{report.width}x{report.height}",
        human_bytes(report.size_bytes),
        f"{report.bpp:.4f} bpp",
    ]
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
