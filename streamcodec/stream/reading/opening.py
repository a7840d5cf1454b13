"""A stream opened as the options say; its name in what goes wrong."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from streamcodec.container import DEFAULT_LIMITS, Header, Limits, Reader, is_complete
from streamcodec.container.foreign import NO_STREAM
from streamcodec.container.prologue import NO_HEADER
from streamcodec.errors import CorruptStreamError, FormatError, TruncatedStreamError, UsageError
from streamcodec.files import (
    STANDARD_STREAM,
    ByteSource,
    close_of,
    input_file,
    is_named,
    open_input,
)
from streamcodec.remote import is_url
from streamcodec.stream.reading.follow import DEFAULT_FOLLOW_SECONDS, FollowedFile
from streamcodec.types import OnDamage

__all__ = [
    "CONCEAL_HINT",
    "HINT",
    "REPAIR_HINT",
    "header_of",
    "hinting",
    "name_of",
    "naming",
    "open_stream_file",
    "reader_of",
    "stream_file",
]

HINT = "--on-damage skip (on_damage='skip') leaves out what is lost"
CONCEAL_HINT = "on_damage='conceal' repeats the last good frame"
REPAIR_HINT = "`streamcodec repair` saves what is whole"


def open_stream_file(
    source: ByteSource, *, follow: bool = False, timeout_seconds: float = DEFAULT_FOLLOW_SECONDS
) -> BinaryIO:
    """As `open_input`; with `follow`, a file is read while another process writes it, up to the end of its stream.

    A pipe is followed by its nature. Raises UsageError where a file to follow is a URL, bytes or a
    file object.
    """
    if not follow or source == STANDARD_STREAM:
        return open_input(source)
    if not is_named(source) or is_url(os.fspath(source)):
        what = source if is_named(source) else f"a {type(source).__name__}"
        raise UsageError(f"what is to be followed is {what}; accepted: a path, or - (a pipe)")
    path = Path(source)
    if path.exists() and not path.is_file():
        return open_input(source)
    return cast(BinaryIO, FollowedFile(path, timeout_seconds, is_complete))


@contextmanager
def stream_file(
    source: ByteSource, *, follow: bool = False, timeout_seconds: float = DEFAULT_FOLLOW_SECONDS
) -> Iterator[BinaryIO]:
    """`open_stream_file` for a block; what was opened here is closed behind it."""
    file = open_stream_file(source, follow=follow, timeout_seconds=timeout_seconds)
    try:
        yield file
    finally:
        close_of(file, source)()


def reader_of(
    file: BinaryIO,
    on_damage: OnDamage,
    header_from: ByteSource | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Reader:
    """A reader of the stream in `file`; the header of `header_from` stands in for one that is lost."""
    other = None if header_from is None else header_of(header_from, limits)
    with naming(file):
        return Reader(file, on_damage=on_damage, header=other, limits=limits)


def header_of(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> Header:
    """The header of a stream, also of one whose beginning is damaged. Raises SourceError or FormatError."""
    with input_file(source) as file:
        return reader_of(file, "skip", limits=limits).header


def name_of(file: Any) -> str | None:
    """How messages call an open file; None if it has no name."""
    name = getattr(file, "name", None)
    if not isinstance(name, str) or name == "the file object":
        return None
    return "standard input" if name == "<stdin>" else name


@contextmanager
def naming(file: Any) -> Iterator[None]:
    """Put the name of the stream before what a FormatError says, once; where a file that was followed ends too early, say why."""
    try:
        yield
    except FormatError as error:
        name, said = name_of(file), str(error)
        stalled = getattr(file, "stalled", None)
        if stalled is not None and isinstance(error, TruncatedStreamError) and stalled not in said:
            said = f"{stalled}, and its end has not come: {said}"
        elif name is not None and not said.startswith(f"{name}: "):
            said = f"{name}: {said}"
        if said == str(error):
            raise
        raise type(error)(said) from error


@contextmanager
def hinting(on_damage: OnDamage, hint: str = HINT) -> Iterator[None]:
    """Say at damage what goes on behind it, if anything does."""
    try:
        yield
    except CorruptStreamError as error:
        said = str(error)
        if on_damage != "raise" or any(text in said for text in (hint, NO_STREAM, NO_HEADER)):
            raise
        raise type(error)(f"{said}; {hint}") from error
