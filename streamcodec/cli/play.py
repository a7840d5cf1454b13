"""`streamcodec play IN`."""

from typing import Any

import click

from streamcodec.cli.common import source_argument
from streamcodec.cli.options import (
    field_option,
    given,
    options_from,
    range_options,
    threads_option,
)
from streamcodec.runtime import prepare
from streamcodec.stream.options import DecodeOptions

__all__ = ["play"]


@click.command()
@source_argument
@click.option(
    "--player", metavar="PROGRAM", help="Name or path.  [default: ffplay or mpv, if installed]"
)
@range_options("Play", with_frames=False)
@click.option(
    "--sound/--no-sound", default=True, help="With the sound and subtitles of the stream."
)
@options_from(DecodeOptions, without=("on_damage",))
@field_option(DecodeOptions, "on_damage", default="conceal; with --follow raise")
@threads_option
def play(source: str, threads: int | None, **options: Any) -> None:
    """Show an .ssf stream in a player, ffplay or mpv.

    IN is a file, a URL (http, s3, gs) or - for standard input. Frames are decoded while they are
    shown; sound and subtitles go along as they are.
    """
    prepare(threads)
    from streamcodec.stream.play import play as show

    chosen = given(options)
    if not chosen.get("follow"):
        chosen.setdefault("on_damage", "conceal")
    show(source, **chosen)
