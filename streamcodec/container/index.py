"""The index: where each GOP lies, so that any frame or time is reached by reading one GOP; and the end packet that points to it."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from streamcodec._native import crc32c
from streamcodec.container.format import END_MAGIC, END_PAYLOAD, Cursor, pack_signed, pack_varint
from streamcodec.container.limits import DEFAULT_LIMITS, Limits
from streamcodec.container.packet import MIN_HEADER_SIZE, PacketFields, PacketType
from streamcodec.errors import CorruptStreamError, UsageError

__all__ = [
    "Damage",
    "Index",
    "IndexBuilder",
    "IndexEntry",
    "is_complete",
    "pack_end",
    "pack_index",
    "unpack_end",
    "unpack_index",
]

_MIN_ENTRY_SIZE = 3
_END_CRC_STOP = 16
_MAX_INT64 = (1 << 63) - 1
Columns = tuple["array[int]", ...]
"""One array of 64 bits for each field of IndexEntry, in order."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes `start` up to `end` of a stream that hold no usable packet, and why; start = end where packets are missing there.

    `ends_early`: there the bytes end before the stream does, and nothing tells how much is missing.
    """

    start: int
    end: int
    reason: str
    ends_early: bool = False


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One GOP: its number, its first frame's number and pts, how many frames, and where its packets lie (bytes `offset` up to `end`)."""

    gop: int
    first_frame: int
    frame_count: int
    pts: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True)
class Index:
    """All GOPs that can be decoded, in order. `end_pts`: pts + duration of the last frame, 0 if there is none.

    Of a damaged stream, `entries` leaves out what is lost, numbers stay as they were, and `damage` tells where.
    """

    entries: Sequence[IndexEntry]
    end_pts: int
    damage: tuple[Damage, ...] = field(default=(), compare=False)
    numbered: int = field(default=0, compare=False)
    """Number of the last frame packet that was seen + 1: it may have lost its key frame."""

    @property
    def frame_count(self) -> int:
        """Number of the last frame + 1."""
        last = self.entries[-1] if self.entries else None
        return max(self.numbered, last.first_frame + last.frame_count if last is not None else 0)

    @property
    def duration(self) -> int:
        """From the first frame's pts to `end_pts`, in units of the time base."""
        return self.end_pts - self.entries[0].pts if self.entries else 0

    def at_frame(self, frame: int) -> IndexEntry:
        """The GOP that holds a frame. Raises UsageError past the ends, CorruptStreamError if the frame is lost."""
        if not 0 <= frame < self.frame_count:
            raise UsageError(f"frame is {frame}; accepted: 0 .. {self.frame_count - 1}")
        position = bisect_right(self.entries, frame, key=lambda entry: entry.first_frame) - 1
        if (
            position < 0
            or frame >= self.entries[position].first_frame + self.entries[position].frame_count
        ):
            raise CorruptStreamError(f"frame {frame} is lost to damage")
        return self.entries[position]

    def at_pts(self, pts: int) -> IndexEntry:
        """The GOP that is shown at `pts`: the last that has started by then, or the first. Raises UsageError if there is none."""
        if not self.entries:
            raise UsageError("the stream has no frames")
        return self.entries[
            max(0, bisect_right(self.entries, pts, key=lambda entry: entry.pts) - 1)
        ]


class Entries(Sequence[IndexEntry]):
    """The GOPs of an index in 48 bytes each."""

    __slots__ = ("_columns",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, key: int) -> IndexEntry: ...
    @overload
    def __getitem__(self, key: slice) -> "Entries": ...
    def __getitem__(self, key: int | slice) -> "IndexEntry | Entries":
        if isinstance(key, slice):
            return Entries(tuple(column[key] for column in self._columns))
        return IndexEntry(*(column[key] for column in self._columns))

    def __iter__(self) -> Iterator[IndexEntry]:
        return (IndexEntry(*row) for row in zip(*self._columns, strict=True))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Entries):
            return self._columns == other._columns
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __repr__(self) -> str:
        return f"<{len(self)} GOPs>"


def _no_columns() -> Columns:
    return tuple(array("q") for _ in range(6))


def _append(columns: Columns, *row: int) -> None:
    for column, number in zip(columns, row, strict=True):
        column.append(number)


class IndexBuilder:
    """Gathers an index while packets go by: 48 bytes of memory a GOP."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._columns = _no_columns()
        self._limits = limits
        self._open = False
        self._lost_at: int | None = None  # where damage began behind the last frame
        self._waiting: list[int] = []  # where B-frames lie that wait for the frame behind them
        self._end_pts = 0
        self._numbered = 0

    def add(self, packet: PacketFields, offset: int) -> None:
        """The next packet, which lies at byte `offset`."""
        if packet.type != PacketType.FRAME:
            return
        self._numbered = packet.frame + 1
        if self._open and self._continues(packet):
            self._waiting.append(offset)
            self._lost_at = None
            if not packet.b_frame:
                self._columns[2][-1] += len(self._waiting)
                self._waiting.clear()
        elif packet.key:
            if self._open and not self._waiting and packet.frame == self._next_frame:
                self._lost_at = None  # no frame was lost
            self.close(offset)
            self._limits.check("gops", len(self._columns[0]) + 1)
            _append(self._columns, packet.gop, packet.frame, 1, packet.pts, offset, 0)
            self._open = True
        else:
            self.close(offset)
            return
        self._end_pts = packet.pts + packet.duration

    def lose(self, offset: int) -> None:
        """Something is damaged at byte `offset`: the GOP ends there, unless its next frame follows all the same (sound was lost)."""
        if self._lost_at is None:
            self._lost_at = offset

    def close(self, offset: int) -> None:
        """The GOP that is being gathered ends at byte `offset`; frames that follow without a key frame cannot be decoded,
        nor B-frames that wait for the one behind them."""
        if self._open:
            end = offset if self._lost_at is None else self._lost_at
            end = self._waiting[0] if self._waiting else end
            self._columns[5][-1] = end - self._columns[4][-1]
            self._open = False
        self._lost_at = None
        self._waiting.clear()

    def build(self, damage: tuple[Damage, ...] = ()) -> Index:
        return Index(Entries(self._columns), self._end_pts, damage, self._numbered)

    def _continues(self, frame: PacketFields) -> bool:
        same_gop = not frame.key and frame.gop == self._columns[0][-1]
        return same_gop and frame.frame == self._next_frame

    @property
    def _next_frame(self) -> int:
        return self._columns[1][-1] + self._columns[2][-1] + len(self._waiting)


def pack_index(index: Index) -> bytes:
    """Payload of the index packet of an undamaged stream."""
    entries = index.entries
    offset, pts = (entries[0].offset, entries[0].pts) if entries else (0, 0)
    out = bytearray(
        pack_varint(len(entries))
        + pack_signed(index.end_pts)
        + pack_varint(offset)
        + pack_signed(pts)
    )
    for entry in entries:
        out += (
            pack_varint(entry.pts - pts) + pack_varint(entry.frame_count) + pack_varint(entry.size)
        )
        pts = entry.pts
    return bytes(out)


def unpack_index(payload: bytes, offset: int, limits: Limits = DEFAULT_LIMITS) -> Index:
    """Index from the payload of the index packet at byte `offset`; CorruptStreamError unless its GOPs fill the bytes before."""
    cursor = Cursor(payload, "index")
    count = cursor.varint()
    if count * _MIN_ENTRY_SIZE > cursor.remaining:
        cursor.refuse(f"{count} GOPs are announced in {cursor.remaining} bytes")
    if count * MIN_HEADER_SIZE > offset:
        cursor.refuse(f"{count} GOPs are announced for a stream of {offset} bytes")
    limits.check("gops", count)
    end_pts = cursor.signed()
    start, pts = cursor.varint(), cursor.signed()
    columns, end, last_pts = _unpack_entries(cursor, count, start, pts, offset)
    cursor.done()
    if count and end != offset:
        cursor.refuse(f"GOPs end at byte {end}, the index lies at byte {offset}")
    if count and end_pts < last_pts:
        cursor.refuse(f"ends at pts {end_pts}, before its last GOP at {last_pts}")
    index = Index(Entries(columns), end_pts)
    limits.check("frames", index.frame_count)
    return index


def _unpack_entries(
    cursor: Cursor, count: int, offset: int, pts: int, stop: int
) -> tuple[Columns, int, int]:
    """The GOPs, the byte behind the last and its pts."""
    columns, frame = _no_columns(), 0
    for gop in range(count):
        step, frame_count, size = cursor.varints(3)
        if not 1 <= frame_count <= size // MIN_HEADER_SIZE or bool(step) != bool(gop):
            cursor.refuse(f"GOP {gop} has pts step {step}, {frame_count} frames and {size} bytes")
        pts += step
        if offset + size > stop:
            cursor.refuse(f"GOPs end at byte {offset + size}, the index lies at byte {stop}")
        if not -_MAX_INT64 - 1 <= pts <= _MAX_INT64:
            cursor.refuse(f"GOP {gop} begins at pts {pts}; must be from -2^63 and below 2^63")
        _append(columns, gop, frame, frame_count, pts, offset, size)
        frame += frame_count
        offset += size
    return columns, offset, pts


def pack_end(index_offset: int, stream_size: int) -> bytes:
    """Payload of the end packet."""
    numbers = END_PAYLOAD.pack(index_offset, stream_size, 0, END_MAGIC)[:_END_CRC_STOP]
    return END_PAYLOAD.pack(index_offset, stream_size, crc32c(numbers), END_MAGIC)


def unpack_end(payload: bytes, stream_size: int) -> int:
    """Byte offset of the index packet, 0 if there is none, from the last bytes of a stream of `stream_size` bytes."""
    if len(payload) != END_PAYLOAD.size or not payload.endswith(END_MAGIC):
        raise CorruptStreamError("the stream does not end with an end packet")
    index_offset, size, crc, _ = END_PAYLOAD.unpack(payload)
    if crc32c(payload[:_END_CRC_STOP]) != crc:
        raise CorruptStreamError("end packet: CRC is wrong")
    if size != stream_size:
        raise CorruptStreamError(
            f"end packet: the stream has {size} bytes, there are {stream_size}"
        )
    if index_offset >= stream_size:
        raise CorruptStreamError(
            f"end packet: the index lies at byte {index_offset} of {stream_size}"
        )
    return int(index_offset)


def is_complete(tail: bytes, stream_size: int) -> bool:
    """Whether a stream of `stream_size` bytes is complete: its last bytes, `tail`, are an end packet that states this size."""
    try:
        unpack_end(tail[-END_PAYLOAD.size :], stream_size)
    except CorruptStreamError:
        return False
    return True
