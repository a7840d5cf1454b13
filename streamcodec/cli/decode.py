"""`streamcodec decode IN OUT`."""

from typing import Any, get_args

import click

from streamcodec.cli.common import (
    decoder_precision_option,
    device_options,
    header_option,
    limits_of,
    limits_option,
    max_pixels_option,
    overwrite_option,
    parse_seconds,
    quiet_option,
    say,
    weights_options,
)
from streamcodec.progress import frames_done
from streamcodec.runtime import prepare
from streamcodec.types import OnDamage

__all__ = ["decode"]


@click.command()
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT")
@click.option(
    "--codec", help="FFmpeg's encoder: h264, hevc, ffv1 (lossless, in mkv), ...  [default: H.264]"
)
@click.option(
    "--crf", type=click.FloatRange(0, 63), help="Quality of that encoder; lower is better."
)
@click.option("--start", metavar="TIME", help="Begin here: seconds, MM:SS or HH:MM:SS.")
@click.option("--duration", metavar="TIME", help="Decode no more than this.")
@click.option(
    "--frames", "max_frames", type=click.IntRange(1), help="Decode no more than this many frames."
)
@click.option(
    "--on-damage",
    type=click.Choice(get_args(OnDamage)),
    default="raise",
    show_default=True,
    help="At damage in IN: fail, leave out the frames that are lost (at most the rest of the GOP), or repeat the "
    "last good frame in their place.",
)
@header_option
@limits_option
@weights_options
@decoder_precision_option
@max_pixels_option
@device_options
@overwrite_option
@quiet_option
def decode(
    source: str,
    out: str,
    start: str | None,
    duration: str | None,
    threads: int | None,
    quiet: bool,
    limits: tuple[str, ...],
    **options: Any,
) -> None:
    """Decode an .ssf stream into a video.

    IN is a file, or - for standard input. OUT is an mp4, mkv, mov or webm file, a .y4m file, a folder for PNG pictures, or - for y4m on
    standard output.
    """
    start_seconds, duration_seconds = parse_seconds(start) or 0.0, parse_seconds(duration)
    prepare(threads)
    import streamcodec

    with frames_done("decode", quiet=quiet) as advance:
        report = streamcodec.decode(
            source,
            out,
            start_seconds=start_seconds,
            duration_seconds=duration_seconds,
            progress=advance,
            limits=limits_of(limits),
            **options,
        )
    if report.damage is not None:
        kept = f"; {report.concealed} were concealed" if report.concealed else ""
        say(f"streamcodec: warning: {source}: {report.damage}{kept}", err=True)
    if not quiet:
        say(
            f"{report.frames} frames, {report.width}x{report.height}, {report.fps:.2f} fps",
            err=True,
        )
