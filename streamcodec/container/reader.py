"""Reads a stream: front to back from anything that can be read, at random from a file that can seek."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from streamcodec.checks import check_on_damage
from streamcodec.container.format import END_PAYLOAD
from streamcodec.container.header import Header
from streamcodec.container.index import (
    Damage,
    Index,
    IndexBuilder,
    IndexEntry,
    unpack_end,
    unpack_index,
)
from streamcodec.container.limits import DEFAULT_LIMITS, Limits
from streamcodec.container.lookahead import Lookahead, Readable
from streamcodec.container.order import Order
from streamcodec.container.packet import Packet, PacketHeader, PacketType
from streamcodec.container.prologue import read_prologue
from streamcodec.container.walk import Found, Walk, read_packet
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.text import counted
from streamcodec.types import OnDamage

__all__ = ["Reader"]

_OWN_TYPES = (PacketType.INDEX, PacketType.END, PacketType.HEADER)
_TAIL = 1 << 14  # bytes read at once from the end: the end packet and most indexes


class Reader:
    """The stream that starts where `file` stands. Raises FormatError unless it has a header that is sound and can be understood.

    `header` and `version` (major, minor) tell what the stream holds. `on_damage`: "raise" stops at
    the first defect with a CorruptStreamError (TruncatedStreamError where bytes end too early);
    "skip" delivers what is sound, with its numbers, and a Damage for what is not; where the header
    is damaged it takes the copy at the end, unless that may still come (a file that is followed).
    `header`: of another stream with the same settings, to read one that has lost both of its own.
    `limits`: how much it may hold.
    Memory is bounded by the largest packet and the index. The file stays open; nobody else may move
    its position; one thread at a time.
    """

    def __init__(
        self,
        file: Readable,
        *,
        on_damage: OnDamage = "raise",
        header: Header | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._strict = check_on_damage(on_damage) == "raise"
        self._source = Lookahead(file)
        self._limits = limits
        self._prologue = read_prologue(
            self._source,
            limits,
            strict=self._strict,
            other=header,
            search=self.seekable and not self._source.grows,
        )
        self.header, self.version = self._prologue.header, self._prologue.version
        self._first_offset = self._prologue.end
        self._source.jump(self._first_offset)
        self._once = None if self.seekable else iter(self._walk())

    @property
    def seekable(self) -> bool:
        """Whether index, load() and GOPs can be asked for, and iteration starts again from the first packet each time."""
        return self._source.seekable

    @property
    def header_damage(self) -> Damage | None:
        """What is wrong with the header at the front, and whence another was taken; None if it is sound."""
        return self._prologue.damage

    @property
    def size_bytes(self) -> int:
        """Bytes of the stream as far as the file goes now. UsageError where the file cannot seek."""
        self._check_seekable()
        return self._source.size()

    def __iter__(self) -> Iterator[Packet | Damage]:
        return self.packets()

    def packets(self, gop: IndexEntry | None = None) -> Iterator[Packet | Damage]:
        """All packets of the stream, or of one GOP; not the index and the end packet. From a pipe, iteration goes on where it stopped."""
        for item in self._items(gop, payloads=True):
            yield item if isinstance(item, Damage) else item[0].with_payload(item[1])

    def headers(
        self, gop: IndexEntry | None = None, *, checked: bool = False
    ) -> Iterator[PacketHeader | Damage]:
        """The same without payloads. Unless they are to be `checked`, they are passed over unread where the file can seek."""
        for item in self._items(gop, payloads=checked or not self.seekable):
            yield item if isinstance(item, Damage) else item[0]

    def load(self, header: PacketHeader) -> Packet:
        """The packet of a header that headers() gave; CorruptStreamError if it is damaged, whatever `on_damage` says."""
        self._check_seekable()
        self._source.jump(header.offset)
        found, payload = read_packet(self._source, limits=self._limits)
        return found.with_payload(payload)

    @cached_property
    def index(self) -> Index:
        """The stored index, read from the end; where that is lost, one made by scanning. UsageError where the file cannot seek."""
        self._check_seekable()
        try:
            stored = self._stored_index()
        except CorruptStreamError as error:
            scanned = self._scanned_index()
            if self._strict:
                raise
            size = self._source.size()
            damage = scanned.damage or (Damage(size, size, str(error)),)
            return replace(scanned, damage=damage)
        return self._scanned_index() if stored is None else stored

    def _stored_index(self) -> Index | None:
        source, size = self._source, self._source.size()
        source.jump(max(self._first_offset, size - _TAIL))
        source.has(size - source.position)
        source.jump(max(self._first_offset, size - END_PAYLOAD.size))
        offset = unpack_end(source.peek(0, END_PAYLOAD.size), size)
        if offset == 0:
            return None
        if offset < self._first_offset:
            raise CorruptStreamError(
                f"end packet: the index lies at byte {offset}, within the header"
            )
        source.jump(offset)
        header, payload = read_packet(source, limits=self._limits)
        if header.type != PacketType.INDEX:
            raise CorruptStreamError(f"end packet: no index lies at byte {offset}")
        return unpack_index(payload, offset, self._limits)

    def _scanned_index(self) -> Index:
        index = self._gather(payloads=False)
        size = self._source.size()
        if all(damage.end == size for damage in index.damage):
            return index
        return self._gather(
            payloads=True
        )  # behind damage, lengths in headers are not to be trusted

    def _gather(self, *, payloads: bool) -> Index:
        builder = IndexBuilder(self._limits)
        damage = []
        for item in self._walk(payloads=payloads):
            if isinstance(item, Damage):
                builder.lose(item.start)
                damage.append(item)
            elif item[0].type in _OWN_TYPES:
                builder.close(item[0].offset)
            else:
                builder.add(item[0], item[0].offset)
        builder.close(self._source.size())
        return builder.build(tuple(damage))

    def _items(self, gop: IndexEntry | None, *, payloads: bool) -> Iterator[Found | Damage]:
        if gop is not None:
            self._check_seekable()
            items = self._gop_items(gop, payloads=payloads)
        else:
            items = iter(self._walk(payloads=payloads)) if self._once is None else self._once
            if self.header_damage is not None and not self._strict:
                yield self.header_damage
        for item in items:
            if isinstance(item, Damage) or item[0].type not in _OWN_TYPES:
                yield item
            elif item[0].type == PacketType.HEADER and payloads:
                yield from self._check_copy(*item)

    def _check_copy(self, found: PacketHeader, payload: bytes) -> Iterator[Damage]:
        if self._prologue.data in (None, payload):
            return
        reason = f"byte {found.offset}: the copy of the header is not the header at the front"
        if self._strict:
            raise CorruptStreamError(reason)
        yield Damage(found.offset, found.end, reason)

    def _gop_items(self, gop: IndexEntry, *, payloads: bool) -> Iterator[Found | Damage]:
        order = Order(self.header, gop=gop.gop, frame=gop.first_frame)
        damaged = False
        for item in Walk(
            self._source,
            order,
            gop.offset,
            gop.end,
            strict=self._strict,
            payloads=payloads,
            limits=self._limits,
        ):
            damaged |= isinstance(item, Damage)
            yield item
        missing = gop.first_frame + gop.frame_count - order.next_frame
        problem = order.ends_early()
        if missing:
            problem = f"GOP {gop.gop} has {counted(missing, 'frame')} less than the index says"
        if problem and not damaged:
            reason = f"byte {gop.end}: {problem}"
            if self._strict:
                raise CorruptStreamError(reason)
            yield Damage(gop.end, gop.end, reason)

    def _walk(self, *, payloads: bool = True) -> Walk:
        return Walk(
            self._source,
            Order(self.header),
            self._first_offset,
            strict=self._strict,
            payloads=payloads,
            limits=self._limits,
        )

    def _check_seekable(self) -> None:
        if not self.seekable:
            raise UsageError(
                "this needs a file that can seek; a pipe can only be read front to back"
            )
