"""`streamcodec image encode IN OUT` and `streamcodec image decode IN OUT`: one picture as a stream of one I-frame."""

from typing import Any

import click

from streamcodec.cli.common import say
from streamcodec.cli.image_encode import encode
from streamcodec.cli.options import (
    given,
    options_from,
    overwrite_option,
    quiet_option,
    threads_option,
)
from streamcodec.runtime import prepare
from streamcodec.stream.options import DecodeOptions

__all__ = ["image"]


@click.group()
def image() -> None:
    """Pictures: PNG, JPEG and others into .ssf streams of one I-frame, and back.

    Whatever reads streams reads these too: `info`, `verify`, `decode`, streamcodec.open.
    """


@click.command()
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT")
@click.option("--quality", type=click.IntRange(1, 100), help="Of a JPEG.  [default: 95]")
@click.option(
    "--frame",
    type=int,
    metavar="N",
    help="Of a stream of several frames take this one: 0 is the first, -1 the last.",
)
@options_from(DecodeOptions, without=("on_damage",))
@threads_option
@overwrite_option
@quiet_option
def decode(
    source: str, out: str, quality: int | None, threads: int | None, quiet: bool, **options: Any
) -> None:
    """Decode the picture of an .ssf stream.

    IN is a file, or - for standard input. OUT is a .png file, exactly what the decoder gives, a .jpg file, or - for PNG on standard output.
    """
    prepare(threads)
    import streamcodec

    pixels = streamcodec.decode_image(source, out, jpeg_quality=quality, **given(options))
    if not quiet:
        say(f"{pixels.shape[2]}x{pixels.shape[1]}", err=True)


image.add_command(encode)
image.add_command(decode)
