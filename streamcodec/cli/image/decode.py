"""`streamcodec image decode IN OUT`."""

from typing import Any

import click

from streamcodec.cli.common import say, source_argument
from streamcodec.cli.options import (
    given,
    options_from,
    overwrite_option,
    quiet_option,
    threads_option,
)
from streamcodec.files import STANDARD_STREAM
from streamcodec.runtime import prepare
from streamcodec.stream.options import DecodeOptions

__all__ = ["decode"]


@click.command()
@source_argument
@click.argument("out", metavar="OUT")
@click.option("--quality", type=click.IntRange(1, 100), help="Of a JPEG.  [default: 95]")
@click.option(
    "--frame",
    type=int,
    metavar="N",
    help="Of a stream of several frames take this one: 0 is the first, -1 the last.",
)
@options_from(DecodeOptions, without=("on_damage", "follow", "follow_timeout_seconds"))
@threads_option
@overwrite_option
@quiet_option
def decode(
    source: str, out: str, quality: int | None, threads: int | None, quiet: bool, **options: Any
) -> None:
    """Decode the picture of an .ssf stream.

    IN is a file, or - for standard input. OUT is a .png file, exactly what the decoder gives, a
    .jpg file, or - for PNG on standard output.
    """
    prepare(threads)
    import streamcodec

    pixels = streamcodec.decode_image(source, out, jpeg_quality=quality, **given(options))
    if not quiet:
        name = "" if out == STANDARD_STREAM else f"{out}: "
        say(f"{name}{pixels.shape[2]}x{pixels.shape[1]}", err=True)
