"""`streamcodec encode IN OUT`."""

from typing import TYPE_CHECKING, Any

import click

from streamcodec.cli.common import (
    STREAM_SUFFIX,
    is_stream_name,
    say,
    say_notes,
    source_argument,
    written,
)
from streamcodec.cli.options import (
    encode_settings,
    options_from,
    overwrite_option,
    psnr_option,
    quiet_option,
    range_options,
    source_error_option,
    threads_option,
)
from streamcodec.errors import UsageError
from streamcodec.progress import phases
from streamcodec.runtime import prepare
from streamcodec.stream.options import EncodeOptions
from streamcodec.text import human_bytes

if TYPE_CHECKING:
    from streamcodec import EncodeReport


@click.command()
@source_argument
@click.argument("out", metavar="OUT")
@options_from(EncodeOptions)
@range_options("Encode")
@source_error_option
@psnr_option
@click.option(
    "--resume",
    is_flag=True,
    help="Go on from what an earlier run of this command had done when it was killed, to the same bytes.",
)
@threads_option
@overwrite_option
@quiet_option
def encode(source: str, out: str, threads: int | None, quiet: bool, **options: Any) -> None:
    """Encode a video into an .ssf stream.

    IN is any video that FFmpeg reads, or - for y4m on standard input. OUT is a file, or - for
    standard output.

    At most one of -q, --target-psnr, --target-bpp and --bitrate. For a target the quality is
    searched for on a sample of the file; from standard input it is adapted from frame to frame.
    """
    settings = encode_settings(options)
    if not is_stream_name(out):
        raise UsageError(
            f"OUT is {out}; a stream's name ends in {STREAM_SUFFIX} (or is - for standard output)"
        )
    prepare(threads)
    import streamcodec

    with phases("search", "encode", quiet=quiet) as (advance_search, advance):
        report = streamcodec.encode(
            source,
            out,
            progress=advance,
            search_progress=advance_search,
            **settings,
            **options,
        )
    if report.shortfall is not None:
        say(f"streamcodec: warning: {report.shortfall}", err=True)
    if not quiet:
        say_notes(source, report.notes)
        say(summary(out, report), err=True)


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
