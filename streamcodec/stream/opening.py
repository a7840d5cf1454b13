"""A stream opened as the options say."""

from typing import BinaryIO

from streamcodec.container import DEFAULT_LIMITS, Header, Limits, Reader
from streamcodec.files import ByteSource, input_file
from streamcodec.types import OnDamage

__all__ = ["header_of", "reader_of"]


def reader_of(
    file: BinaryIO,
    on_damage: OnDamage,
    header_from: ByteSource | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Reader:
    """A reader of the stream in `file`; the header of `header_from` stands in for one that is lost."""
    other = None if header_from is None else header_of(header_from, limits)
    return Reader(file, on_damage=on_damage, header=other, limits=limits)


def header_of(source: ByteSource, limits: Limits = DEFAULT_LIMITS) -> Header:
    """The header of a stream, also of one whose beginning is damaged. Raises SourceError or FormatError."""
    with input_file(source) as file:
        return Reader(file, on_damage="skip", limits=limits).header
