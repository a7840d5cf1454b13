"""`streamcodec image encode` and `streamcodec image decode`: pictures as streams of one I-frame."""

import click

from streamcodec.cli.image.decode import decode
from streamcodec.cli.image.encode import encode

__all__ = ["image"]


@click.group()
def image() -> None:
    """Pictures: PNG, JPEG and others into .ssf streams of one I-frame, and back.

    Whatever reads streams reads these too: `info`, `verify`, `decode`, streamcodec.open.
    """


image.add_command(encode)
image.add_command(decode)
