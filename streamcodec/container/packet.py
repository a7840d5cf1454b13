"""Packets: one coded frame, audio packet or note each, with a header that can be found and checked by itself."""

import struct
from dataclasses import dataclass
from enum import IntEnum

from streamcodec._native import crc32c
from streamcodec.container.format import (
    MAX_PAYLOAD_SIZE,
    SYNC,
    Cursor,
    pack_signed,
    pack_varint,
    unfold,
)
from streamcodec.errors import CorruptStreamError, TruncatedStreamError, UsageError

__all__ = [
    "MIN_HEADER_SIZE",
    "PREFIX_SIZE",
    "Packet",
    "PacketFields",
    "PacketHeader",
    "PacketType",
    "check_payload",
    "cut_short",
    "header_size",
    "pack_packet",
    "unpack_packet_header",
]

_PREFIX = struct.Struct("<2sBBBB")  # sync, header_size, type, flags, track
_CRCS = struct.Struct("<II")  # payload_crc, header_crc
_KEY, _B_FRAME = 1, 2
_MAX_INT64 = (1 << 63) - 1
MIN_HEADER_SIZE = _PREFIX.size + 5 + _CRCS.size
"""Bytes of the smallest packet."""
MAX_EXTENSION_SIZE = 255 - _PREFIX.size - 5 * 10 - _CRCS.size
"""Bytes that fit behind the numbers, however large they are."""
PREFIX_SIZE = 3
"""Bytes of a header that tell the size of the rest."""


class PacketType(IntEnum):
    FRAME = 1
    AUDIO = 2
    SUBTITLE = 3
    GOP_HASH = 4
    METADATA = 5
    INDEX = 6
    END = 7
    HEADER = 8


_TYPES = {int(member): member for member in PacketType}


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketFields:
    """What a packet is and where it belongs. `type` is an int beside PacketType where a newer version's packet was met.

    `track` 0 is the video. `gop` and `frame` count from 0 over the whole stream. `pts` and `duration` (0 = unknown) are in units of the
    track's time base. `key`: the frame starts a GOP. `b_frame`: it needs frames on both sides.
    `extension`: items of the header, packed (sound.py).
    """

    type: PacketType | int
    key: bool = False
    b_frame: bool = False
    track: int = 0
    gop: int = 0
    frame: int = 0
    pts: int = 0
    duration: int = 0
    extension: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet(PacketFields):
    """A packet with its payload. Raises UsageError for numbers that the format has no room for."""

    payload: bytes

    def __post_init__(self) -> None:
        if not (0 <= self.type <= 255 and 0 <= self.track <= 255):
            raise UsageError(
                f"packet has type {self.type} and track {self.track}; accepted: 0..255"
            )
        if not _numbers_fit(self.gop, self.frame, self.pts, self.duration):
            numbers = (
                f"gop {self.gop}, frame {self.frame}, pts {self.pts}, duration {self.duration}"
            )
            raise UsageError(
                f"packet has {numbers}; accepted: at least 0 and below 2^63; pts from -2^63"
            )
        if len(self.extension) > MAX_EXTENSION_SIZE:
            raise UsageError(
                f"extension of a packet header has {len(self.extension)} bytes; accepted: at most {MAX_EXTENSION_SIZE}"
            )
        if len(self.payload) > MAX_PAYLOAD_SIZE:
            raise UsageError(
                f"payload has {len(self.payload)} bytes; accepted: at most {MAX_PAYLOAD_SIZE}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketHeader(PacketFields):
    """A packet as it lies in a stream: `header_size` bytes at byte `offset`, then `payload_size` bytes with the CRC-32C `payload_crc`."""

    offset: int
    header_size: int
    payload_size: int
    payload_crc: int

    @property
    def end(self) -> int:
        """Byte after the packet."""
        return self.offset + self.header_size + self.payload_size

    def with_payload(self, payload: bytes) -> Packet:
        return Packet(
            type=self.type,
            key=self.key,
            b_frame=self.b_frame,
            track=self.track,
            gop=self.gop,
            frame=self.frame,
            pts=self.pts,
            duration=self.duration,
            extension=self.extension,
            payload=payload,
        )


def _numbers_fit(gop: int, frame: int, pts: int, duration: int) -> bool:
    return (
        0 <= gop | frame | duration <= _MAX_INT64
        and pts >= -_MAX_INT64 - 1
        and pts + duration <= _MAX_INT64
    )


def pack_packet(packet: Packet) -> bytes:
    """Header and payload. The counterpart is unpack_packet_header, then check_payload."""
    numbers = (
        pack_varint(packet.gop)
        + pack_varint(packet.frame)
        + pack_signed(packet.pts)
        + pack_varint(packet.duration)
    )
    numbers += pack_varint(len(packet.payload)) + packet.extension
    size = _PREFIX.size + len(numbers) + _CRCS.size
    flags = _KEY * packet.key | _B_FRAME * packet.b_frame
    head = (
        _PREFIX.pack(SYNC, size, packet.type, flags, packet.track)
        + numbers
        + crc32c(packet.payload).to_bytes(4, "little")
    )
    return b"".join((head, crc32c(head).to_bytes(4, "little"), packet.payload))


def header_size(prefix: bytes, offset: int) -> int:
    """Size in bytes of the header that starts with `prefix` (PREFIX_SIZE bytes), which lies at byte `offset` of the stream."""
    if len(prefix) < PREFIX_SIZE:
        reason = "within a packet header" if prefix else "without an end packet"
        raise TruncatedStreamError(f"byte {offset + len(prefix)}: the stream ends {reason}")
    if prefix[:2] != SYNC:
        raise CorruptStreamError(
            f"byte {offset}: no packet starts here (sync word is {prefix[:2].hex()}, must be {SYNC.hex()})"
        )
    if prefix[2] < MIN_HEADER_SIZE:
        raise CorruptStreamError(
            f"byte {offset}: packet header size is {prefix[2]}; must be at least {MIN_HEADER_SIZE}"
        )
    return prefix[2]


def unpack_packet_header(data: bytes, offset: int) -> PacketHeader:
    """Header from its bytes, as many as header_size() says, which lie at byte `offset`; CorruptStreamError if they are damaged."""
    size = data[2]
    if len(data) < size:
        raise TruncatedStreamError(
            f"byte {offset + len(data)}: the stream ends within a packet header"
        )
    payload_crc, header_crc = _CRCS.unpack_from(data, size - _CRCS.size)
    if crc32c(data[: size - 4]) != header_crc:
        raise CorruptStreamError(f"byte {offset}: CRC of the packet header is wrong")
    _, _, number, flags, track = _PREFIX.unpack_from(data)
    cursor = Cursor(data[: size - _CRCS.size], "packet header", _PREFIX.size)
    try:
        gop, frame, folded_pts, duration, payload_size = cursor.varints(5)
    except CorruptStreamError as error:
        raise CorruptStreamError(f"byte {offset}: {error}") from error
    pts = unfold(folded_pts)
    if payload_size > MAX_PAYLOAD_SIZE:
        raise CorruptStreamError(
            f"byte {offset}: payload size is {payload_size}; must be at most {MAX_PAYLOAD_SIZE}"
        )
    if not _numbers_fit(gop, frame, pts, duration):
        raise CorruptStreamError(f"byte {offset}: packet header has a number of 2^63 or more")
    return PacketHeader(
        type=_TYPES.get(number, number),
        key=bool(flags & _KEY),
        b_frame=bool(flags & _B_FRAME),
        track=track,
        gop=gop,
        frame=frame,
        pts=pts,
        duration=duration,
        extension=cursor.take(cursor.remaining),
        offset=offset,
        header_size=size,
        payload_size=payload_size,
        payload_crc=payload_crc,
    )


def check_payload(header: PacketHeader, payload: bytes) -> None:
    """Raise unless `payload` is what the header announces: TruncatedStreamError if it is short, CorruptStreamError for a wrong CRC."""
    if len(payload) < header.payload_size:
        raise cut_short(header)
    if crc32c(payload) != header.payload_crc:
        raise CorruptStreamError(f"byte {header.offset}: CRC of the packet's payload is wrong")


def cut_short(header: PacketHeader) -> TruncatedStreamError:
    return TruncatedStreamError(
        f"byte {header.offset}: the stream ends within the payload of this packet"
    )
