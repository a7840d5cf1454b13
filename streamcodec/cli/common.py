"""What several commands share: how they print, and what a stream may be called."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from streamcodec.files import STANDARD_STREAM
from streamcodec.text import MOST_CHARACTERS, shown

__all__ = ["STREAM_SUFFIX", "is_stream_name", "say", "say_json", "say_notes"]

STREAM_SUFFIX = ".ssf"


def say(*lines: str, err: bool = False) -> None:
    """Print lines, escaped and each cut to MOST_CHARACTERS; all that commands print goes through
    here."""
    for line in lines:
        click.echo(shown(line, MOST_CHARACTERS), err=err)


def say_notes(source: str, notes: Sequence[str]) -> None:
    """One line on standard error that tells what of a source is changed or not kept; nothing
    without notes."""
    if notes:
        say(f"streamcodec: note: {source}: {'; '.join(notes)}", err=True)


def say_json(value: Any, *, err: bool = False, default: Callable[[Any], Any] | None = None) -> None:
    """Print a value as JSON, which is ASCII. `default`: of values that JSON does not know."""
    click.echo(json.dumps(value, indent=2, default=default), err=err)


def is_stream_name(out: str) -> bool:
    """Whether a stream may be written under this name; - is standard output."""
    return out == STANDARD_STREAM or out.endswith(STREAM_SUFFIX)
