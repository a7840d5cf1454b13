"""`streamcodec decode IN OUT`."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamcodec.cli.common import (
    STREAM_SUFFIX,
    check_inputs,
    code_all,
    pairs_below,
    say,
    say_json,
    say_notes,
    stream_and_out,
)
from streamcodec.cli.options import (
    encoder_options,
    given,
    json_option,
    names_and_out,
    options_from,
    overwrite_option,
    quiet_option,
    range_options,
    threads_option,
    to_option,
    track_options,
)
from streamcodec.errors import UsageError
from streamcodec.files import STANDARD_STREAM, standard_output
from streamcodec.progress import frames_done
from streamcodec.remote import without_secrets
from streamcodec.runtime import prepare
from streamcodec.stream.options import DecodeOptions
from streamcodec.text import counted, human_bytes

if TYPE_CHECKING:
    from streamcodec import DecodeReport

__all__ = ["decode"]


@click.command()
@names_and_out("streams", "videos")
@to_option("videos", "mp4", "mkv", "mov", "webm", "y4m")
@encoder_options
@range_options("Decode")
@track_options
@click.option(
    "--keep-offset",
    is_flag=True,
    help="Let the video begin where its source's clock stood, not at 0.",
)
@options_from(DecodeOptions)
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
    """Decode an .ssf stream into a video.

    IN is a file, a URL (http, s3, gs) or - for standard input. OUT is an mp4, mkv, mov or webm
    file, a .y4m file, a folder for PNG pictures, or - for y4m on standard output. A video file gets
    the sound, subtitles and chapters of the stream too. With --out, every IN is a stream or a folder
    of them, and each becomes FOLDER/NAME.mp4, or what --to says; one that fails does not stop the
    others. What is there already is kept, unless -y is given.

    \b
    Exit codes: 0 all done, 1 failure, 2 usage, 3 the stream is damaged or of an unknown kind,
    4 some streams failed, 130 interrupted.
    """
    settings = given(options)
    if out is None:
        source, target = stream_and_out(names, kind, may_come_later=bool(settings.get("follow")))
        prepare(threads)
        if target == STANDARD_STREAM:
            standard_output()  # a terminal is refused before anything is shown on it
        found = _decode_one(source, target, settings, quiet=quiet or as_json)
        if as_json:
            say_json(found, err=target == STANDARD_STREAM)
        return 0
    if settings.get("follow"):
        raise UsageError("--follow and --out were given; accepted: --follow with IN OUT")
    check_inputs(names)
    pairs = pairs_below(out, names, {STREAM_SUFFIX}, "stream", becomes=f".{kind or 'mp4'}")
    prepare(threads)
    return code_all(
        pairs,
        lambda source, target: _decode_one(source, target, settings, quiet=quiet or as_json),
        what="video",
        verb="decodes",
        overwrite=bool(settings.get("overwrite")),
        quiet=quiet,
        as_json=as_json,
    )


def _decode_one(source: str, out: str, settings: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """The facts of the video. Damage is not to be kept quiet."""
    import streamcodec

    is_new = not Path(out).exists()
    with frames_done("decode", quiet=quiet) as advance:
        report = streamcodec.decode(source, out, progress=advance, **settings)
    name = without_secrets(source)
    if report.damage is not None:
        kept = f"; {report.concealed} were concealed" if report.concealed else ""
        say(f"streamcodec: warning: {name}: {report.damage}{kept}", err=True)
    if not quiet:
        say_notes(name, report.notes)
        if is_new and Path(out).is_dir() and not out.endswith(("/", os.sep)):
            say_notes(out, [f"without a suffix it is a folder; for a video name it {out}.mp4"])
        say(summary(out, report), err=True)
    return facts(name, out, report)


def facts(source: str, out: str, report: "DecodeReport") -> dict[str, Any]:
    """The report, ready for JSON."""
    lost = sum(loss.frames for loss in report.lost)
    found = {**asdict(report), "fps": report.fps, "lost_frames": lost, "size_bytes": _size(out)}
    return {"source": source, "out": out, **found}


def _size(out: str) -> int | None:
    """Of a file; None of a folder or of standard output."""
    return Path(out).stat().st_size if out != STANDARD_STREAM and Path(out).is_file() else None


def summary(out: str, report: "DecodeReport") -> str:
    """One line on the output, its size and the speed."""
    name = "" if out == STANDARD_STREAM else f"{out}: "
    size_bytes = _size(out)
    size = "" if size_bytes is None else f"{human_bytes(size_bytes)}, "
    done = counted(report.frames, "PNG picture" if Path(out).is_dir() else "frame")
    return f"{name}{done}, {size}{report.width}x{report.height}, {report.fps:.2f} fps"
