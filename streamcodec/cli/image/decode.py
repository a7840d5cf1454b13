"""`streamcodec image decode`: the picture of one stream, or of many with a line each."""

from pathlib import Path
from typing import Any

import click

from streamcodec.cli.common import (
    STREAM_SUFFIX,
    check_inputs,
    code_all,
    pairs_below,
    say,
    say_json,
    stream_and_out,
)
from streamcodec.cli.options import (
    given,
    json_option,
    names_and_out,
    options_from,
    overwrite_option,
    quiet_option,
    threads_option,
    to_option,
)
from streamcodec.errors import UsageError
from streamcodec.files import STANDARD_STREAM, standard_output
from streamcodec.remote import without_secrets
from streamcodec.runtime import prepare
from streamcodec.stream.options import DecodeOptions

__all__ = ["decode"]


@click.command()
@names_and_out("streams", "pictures")
@to_option("pictures", "png", "jpg")
@click.option("--quality", type=click.IntRange(1, 100), help="Of a JPEG.  [default: 95]")
@click.option(
    "--frame",
    type=int,
    metavar="N",
    help="Of a stream of several frames take this one: 0 is the first, -1 the last.",
)
@options_from(DecodeOptions, without=("on_damage", "follow", "follow_timeout_seconds"))
@json_option
@threads_option
@overwrite_option
@quiet_option
def decode(
    names: tuple[str, ...],
    out: Path | None,
    kind: str | None,
    as_json: bool,
    threads: int | None,
    quiet: bool,
    **options: Any,
) -> int:
    """Decode the picture of an .ssf stream.

    IN is a file, a URL (http, s3, gs) or - for standard input. OUT is a .png file, exactly what the decoder gives, a
    .jpg file, or - for PNG on standard output. With --out, every IN is a stream or a folder of them,
    and each becomes FOLDER/NAME.png, or .jpg with --to; one that fails does not stop the others. What
    is there already is kept, unless -y is given.

    \b
    Exit codes: 0 all done, 1 failure, 2 usage, 3 the stream is damaged or of an unknown kind,
    4 some pictures failed, 130 interrupted.
    """
    settings = given(options)
    if settings.get("quality") is not None:
        settings["jpeg_quality"] = settings.pop("quality")
    quiet = quiet or as_json
    if out is None:
        source, target = stream_and_out(names, kind)
        prepare(threads)
        row = _decode_one(source, target, settings, quiet=quiet)
        if as_json:
            say_json(row, err=target == STANDARD_STREAM)
        return 0
    if "jpeg_quality" in settings and kind != "jpg":
        raise UsageError(
            f"--quality is {settings['jpeg_quality']}, but the pictures are PNG; accepted: with --to jpg"
        )
    check_inputs(names)
    pairs = pairs_below(out, names, {STREAM_SUFFIX}, "stream", becomes=f".{kind or 'png'}")
    prepare(threads)
    return code_all(
        pairs,
        lambda source, target: _decode_one(source, target, settings, quiet=quiet),
        what="picture",
        verb="decodes",
        overwrite=bool(settings.get("overwrite")),
        quiet=quiet,
        as_json=as_json,
    )


def _decode_one(
    source: str, target: str, settings: dict[str, Any], *, quiet: bool
) -> dict[str, Any]:
    """The facts of the picture."""
    import streamcodec

    if target == STANDARD_STREAM:
        standard_output()  # a terminal is refused before the stream is read
    _, height, width = streamcodec.decode_image(source, target, **settings).shape
    if not quiet:
        name = "" if target == STANDARD_STREAM else f"{target}: "
        say(f"{name}{width}x{height}", err=True)
    return {"source": without_secrets(source), "out": target, "width": width, "height": height}
