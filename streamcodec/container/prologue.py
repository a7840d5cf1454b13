"""The header of a stream from wherever it can be had: its front, the copy at its end, or another stream."""

import io
from dataclasses import dataclass

from streamcodec.container.fields import prologue_size, unpack_header
from streamcodec.container.foreign import NO_STREAM
from streamcodec.container.format import MAX_HEADER_SIZE, PROLOGUE
from streamcodec.container.header import Header
from streamcodec.container.index import Damage
from streamcodec.container.limits import Limits
from streamcodec.container.lookahead import Lookahead
from streamcodec.container.packet import PacketType
from streamcodec.container.walk import find_header, read_packet
from streamcodec.errors import CorruptStreamError, FormatError, TruncatedStreamError

__all__ = ["NO_HEADER", "Prologue", "read_prologue"]

NO_HEADER = "no frame can be read"
"""In what is said of a stream whose header is lost, and no copy there."""

_COPY_LIES_WITHIN = (
    MAX_HEADER_SIZE + 400
)  # bytes from the end: with its own header and the end packet
_MOST_TRIES = 8  # copies that do not read, each of up to a megabyte


@dataclass(frozen=True)
class Prologue:
    """What a stream says first. `end`: the byte where its packets begin. `data`: its bytes, None where another stream gave the header.

    `damage`: what is wrong with the front, and whence the header was taken; None if it is sound.
    """

    header: Header
    version: tuple[int, int]
    end: int
    data: bytes | None
    damage: Damage | None = None


def read_prologue(
    source: Lookahead, limits: Limits, *, strict: bool, other: Header | None, search: bool
) -> Prologue:
    """The header at the position 0 of `source`. `search`: whether one elsewhere will do, which takes a file that can seek.

    `other`: of another stream, taken where this one has lost both of its own. strict: a damaged front
    is an error nevertheless, unless there is an `other`. Raises FormatError.
    """
    try:
        size = prologue_size(source.peek(0, PROLOGUE.size))
        data = source.peek(0, size)
        header, version = unpack_header(data, limits)
    except FormatError as error:
        found = _elsewhere(source, limits, other, str(error)) if search else None
        if found is None:
            if not search or not isinstance(error, CorruptStreamError) or NO_STREAM in str(error):
                raise
            raise type(error)(f"{error}: {NO_HEADER}{_help_for(error)}") from error
        if strict and other is None:
            raise CorruptStreamError(
                f"{error}; the copy of the header at the end of the stream is sound: "
                "repair the stream, or read on with --on-damage skip or conceal (on_damage=)"
            ) from error
        return found
    return Prologue(header, version, size, data)


def _help_for(error: FormatError) -> str:
    if isinstance(error, TruncatedStreamError):
        return ""
    return " without that of another stream (`streamcodec repair --header-from`)"


def _elsewhere(
    source: Lookahead, limits: Limits, other: Header | None, reason: str
) -> Prologue | None:
    if source.comes_once and not _is_stream(source):
        return None
    copy = _copy(source, limits)
    if copy is not None:
        data, header, version = copy
        end = _first_packet(source, len(data))
        return Prologue(
            header, version, end, data, Damage(0, end, f"{reason}; its copy at the end was taken")
        )
    if other is None:
        return None
    end = _first_packet(source, None)
    damage = Damage(0, end, f"{reason}; that of another stream was taken")
    return Prologue(other, (1, 0), end, None, damage)


def _is_stream(source: Lookahead) -> bool:
    """Whether a sound packet header lies where one must, whatever the header's size: what has none is not read to its end."""
    beginning = source.peek(0, _COPY_LIES_WITHIN)
    return find_header(Lookahead(io.BytesIO(beginning))) is not None


def _copy(source: Lookahead, limits: Limits) -> tuple[bytes, Header, tuple[int, int]] | None:
    """The last sound header packet."""
    found, tries = None, 0
    source.jump(max(0, source.size() - _COPY_LIES_WITHIN))
    while tries < _MOST_TRIES and (packet := find_header(source)) is not None:
        if packet.type == PacketType.HEADER:
            tries += 1
            try:
                data = read_packet(source)[1]
                found = (data, *unpack_header(data, limits))
                continue
            except FormatError:
                source.jump(packet.offset)
        source.pass_over(1)
    return found


def _first_packet(source: Lookahead, expected: int | None) -> int:
    """The byte where the first sound packet header lies: at `expected`, or else the first from the start; the end if there is none."""
    if expected is not None and expected <= source.size():
        source.jump(expected)
        packet = find_header(source)
        if packet is not None and packet.offset == expected:
            return expected
    source.jump(0)
    find_header(source)
    return source.position
