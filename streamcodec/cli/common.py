"""What several commands share: how they print, what their inputs are, and what a stream may be called."""

import json
import re
from collections.abc import Callable, Sequence
from glob import has_magic
from pathlib import Path
from typing import Any

import click

from streamcodec.errors import SourceError
from streamcodec.files import STANDARD_STREAM
from streamcodec.text import MOST_CHARACTERS, counted, human_bytes, shown

__all__ = [
    "STREAM_SUFFIX",
    "check_inputs",
    "is_stream_name",
    "of_command_line",
    "say",
    "say_json",
    "say_notes",
    "source_argument",
    "written",
]

STREAM_SUFFIX = ".ssf"


def say(*lines: str, err: bool = False) -> None:
    """Print lines, escaped and each cut to MOST_CHARACTERS; all that commands print goes through
    here."""
    for line in lines:
        click.echo(shown(line, MOST_CHARACTERS), err=err)


def of_command_line(message: str) -> str:
    """A message without what to write in Python: "-y (overwrite=True)" becomes "-y"."""
    return re.sub(r" \([a-z_]+=[^()]*\)", "", message)


def say_notes(source: str, notes: Sequence[str]) -> None:
    """One line on standard error that tells what of a source is changed or not kept; nothing
    without notes."""
    if notes:
        say(f"streamcodec: note: {source}: {'; '.join(notes)}", err=True)


def say_json(value: Any, *, err: bool = False, default: Callable[[Any], Any] | None = None) -> None:
    """Print a value as JSON, which is ASCII. `default`: of values that JSON does not know."""
    click.echo(json.dumps(value, indent=2, default=default), err=err)


def written(out: str, frames: int, gops: int, size_bytes: int) -> str:
    """What a stream is that was written: "out.ssf: 24 frames in 2 GOPs, 1.2 MB"."""
    name = "" if out == STANDARD_STREAM else f"{out}: "
    return f"{name}{counted(frames, 'frame')} in {counted(gops, 'GOP')}, {human_bytes(size_bytes)}"


def is_stream_name(out: str) -> bool:
    """Whether a stream may be written under this name; - is standard output."""
    return out == STANDARD_STREAM or out.endswith(STREAM_SUFFIX)


def check_inputs(names: Sequence[str], *, patterns: bool = False) -> None:
    """Raise SourceError for the first of these names that no file or folder has.

    Commands call it before they import what reads the files, which takes longer than this.
    `patterns`: globs and @lists are accepted too.
    """
    for name in names:
        if name == STANDARD_STREAM or "://" in name or (patterns and has_magic(name)):
            continue
        try:
            Path(name.removeprefix("@") if patterns else name).stat()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SourceError(f"cannot open {name}: {reason}") from error


def _checked(_: click.Context, __: click.Parameter, name: str) -> str:
    check_inputs((name,))
    return name


source_argument = click.argument("source", metavar="IN", callback=_checked)
"""A file, or -; a missing one is said before anything slow is imported."""
