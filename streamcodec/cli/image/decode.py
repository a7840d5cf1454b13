"""`streamcodec image decode`: the picture of one stream, or of many with a line each."""

from pathlib import Path
from typing import Any

import click

from streamcodec.cli.common import (
    STREAM_SUFFIX,
    check_inputs,
    code_each,
    pairs_below,
    say,
    say_json,
    without_done,
)
from streamcodec.cli.options import (
    given,
    json_option,
    options_from,
    overwrite_option,
    quiet_option,
    threads_option,
)
from streamcodec.errors import PARTLY_FAILED, UsageError
from streamcodec.files import STANDARD_STREAM, standard_output
from streamcodec.remote import without_secrets
from streamcodec.runtime import prepare
from streamcodec.stream.options import DecodeOptions
from streamcodec.text import counted

__all__ = ["decode"]


@click.command()
@click.argument("names", metavar="IN OUT | IN... --out FOLDER", nargs=-1, required=True)
@click.option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="For several streams: the folder of their pictures.",
)
@click.option(
    "--to",
    "kind",
    type=click.Choice(["png", "jpg"]),
    help="Kind of the pictures in the folder of --out.  [default: png]",
)
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
        source, target = _pair_of(names, kind)
        check_inputs([source])
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
    todo, kept = without_done(pairs, overwrite=bool(settings.get("overwrite")))
    if kept and not quiet:
        of_all = f"{len(kept)} of {counted(len(pairs), 'picture')}"
        say(f"{of_all} done before; -y decodes them anew", err=True)
    rows, failures = code_each(
        todo, lambda source, target: _decode_one(source, target, settings, quiet=quiet)
    )
    if failures:
        say(f"streamcodec: {len(failures)} of {counted(len(pairs), 'picture')} failed", err=True)
    if as_json:
        say_json({"pictures": rows, "failed": failures, "kept": kept})
    return PARTLY_FAILED if failures else 0


def _pair_of(names: tuple[str, ...], kind: str | None) -> tuple[str, str]:
    """The names as IN and OUT. Raises UsageError."""
    if len(names) != 2:
        raise UsageError(
            f"names are {' '.join(names)}; accepted: IN OUT (OUT may be -), or IN... --out FOLDER"
        )
    source, target = names
    if kind is not None:
        raise UsageError(
            f"--to is {kind}, which is for --out; the suffix of {target} says the kind"
        )
    if Path(source).is_dir():
        raise UsageError(
            f"{source} is a folder; accepted: a stream, or for all streams in it --out FOLDER"
        )
    return source, target


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
