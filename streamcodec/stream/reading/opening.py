"""A stream opened as the options say; its name in what goes wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from streamcodec.container import DEFAULT_LIMITS, Header, Limits, Reader
from streamcodec.errors import CorruptStreamError, FormatError
from streamcodec.files import ByteSource, input_file
from streamcodec.types import OnDamage

__all__ = ["header_of", "hinting", "name_of", "naming", "reader_of"]

HINT = "--on-damage skip (on_damage='skip') leaves out what is lost"


def reader_of(
    file: BinaryIO,
    on_damage: OnDamage,
    header_from: ByteSource | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Reader:
    """A reader of the stream in `file`; the header of `header_from` stands in for one that is lost."""
    other = None if header_from is None else header_of(header_from, limits)
    with naming(name_of(file)):
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
def naming(name: str | None) -> Iterator[None]:
    """Put the name of the stream before what a FormatError says, once."""
    try:
        yield
    except FormatError as error:
        said = str(error)
        if name is None or said.startswith(f"{name}: "):
            raise
        raise type(error)(f"{name}: {said}") from error


@contextmanager
def hinting(on_damage: OnDamage) -> Iterator[None]:
    """Say at damage what goes on behind it."""
    try:
        yield
    except CorruptStreamError as error:
        said = str(error)
        if on_damage != "raise" or HINT in said:
            raise
        raise type(error)(f"{said}; {HINT}") from error
