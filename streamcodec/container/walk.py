"""Walks over the packets of a stream, and finds the next sound one behind damage."""

from collections.abc import Iterator
from dataclasses import replace

from streamcodec.container.format import SYNC
from streamcodec.container.index import Damage
from streamcodec.container.limits import DEFAULT_LIMITS, Limits
from streamcodec.container.lookahead import Lookahead
from streamcodec.container.order import Order
from streamcodec.container.packet import (
    PREFIX_SIZE,
    PacketHeader,
    PacketType,
    check_payload,
    cut_short,
    header_size,
    unpack_packet_header,
)
from streamcodec.errors import CorruptStreamError, TruncatedStreamError

__all__ = ["Found", "Walk", "find_header", "read_header", "read_packet"]

_FREE_SEARCH = 1 << 20
_SEARCH_FACTOR = 8
"""Behind damage every byte may begin a packet, which its payload's checksum decides. What is read
for candidates that fail may be this many times the bytes that have been passed, and this many more;
then the length that a candidate announces is passed over whole, so that no stream takes longer than
in proportion to its size.
"""
_FRAME = PacketType.FRAME
_TYPES = frozenset(map(int, PacketType))
_END = PacketType.END
Found = tuple[PacketHeader, bytes]
"""A packet's header and payload; the payload is empty where only headers are read."""


def read_packet(
    source: Lookahead,
    *,
    payloads: bool = True,
    stop: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Found:
    """The packet at the position, which moves behind it; CorruptStreamError, and no move, if it is damaged or reaches past byte `stop`."""
    header = read_header(source)
    if stop is not None and header.end > stop:
        raise CorruptStreamError(
            f"byte {header.offset}: packet reaches past byte {stop}, where its GOP ends by the index"
        )
    size = header.header_size + header.payload_size
    limits.check("payload_bytes", header.payload_size)
    payload = b""
    if payloads:
        payload = source.peek(header.header_size, size)
        check_payload(header, payload)
    if not source.pass_over(size):
        raise cut_short(header)
    return header, payload


def read_header(source: Lookahead) -> PacketHeader:
    """The header at the position, which stays; CorruptStreamError if there is none, or it is damaged."""
    size = header_size(source.peek(0, PREFIX_SIZE), source.position)
    return unpack_packet_header(source.peek(0, size), source.position)


def find_header(source: Lookahead) -> PacketHeader | None:
    """Move to the next packet header whose checksum is right, or to the end and return None."""
    while source.find(SYNC):
        try:
            return read_header(source)
        except CorruptStreamError:
            source.pass_over(1)
    return None


class Walk:
    """Iterates over the packets from byte `start` up to byte `stop` or the end packet, of the types that this version knows.

    strict: damage and broken order raise CorruptStreamError. Otherwise a Damage stands in the place of what is lost; packets after it are
    delivered with their numbers. Without `payloads` (only where `source` can seek), headers alone are read and lengths are trusted.
    """

    def __init__(
        self,
        source: Lookahead,
        order: Order,
        start: int,
        stop: int | None = None,
        *,
        strict: bool = True,
        payloads: bool = True,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._source = source
        self._limits = limits
        self._order = order
        self._at = start
        self._stop = stop
        self._strict = strict
        self._payloads = payloads
        self._ended = False  # no sound packet comes any more
        self._packets = 0
        self._start = start
        self._searched = 0  # bytes of payloads that failed

    def __iter__(self) -> Iterator[Found | Damage]:
        while self._stop is None or self._at < self._stop:
            self._source.jump(  # another walk may have moved it
                self._at,
                stop=self._stop,
                read_all=self._payloads or self._stop is not None,  # of a GOP, which will be read
            )
            try:
                found = read_packet(
                    self._source, payloads=self._payloads, stop=self._stop, limits=self._limits
                )
            except CorruptStreamError as error:
                if self._strict:
                    raise
                damage = self._skip_damage(str(error))
                yield replace(
                    damage, ends_early=self._ended and isinstance(error, TruncatedStreamError)
                )
                if self._ended:
                    return
                continue
            header = found[0]
            self._count(header)
            self._at = header.end
            if problem := self._order.check(header):
                damage = self._disorder(header, problem)
                yield damage
                if damage.end == header.end:
                    continue
            if header.type in _TYPES:
                yield found
            if header.type == _END:
                yield from self._surplus()
                return

    def _count(self, header: PacketHeader) -> None:
        self._packets += 1
        self._limits.check("packets", self._packets)
        if header.type == _FRAME:
            self._limits.check("frames", header.frame + 1)

    def _skip_damage(self, reason: str) -> Damage:
        """Move to the next sound packet header, or to the end."""
        source, start = self._source, self._at
        source.jump(start)
        self._ended = not source.pass_over(self._step()) or find_header(source) is None
        self._at = source.position if self._stop is None else min(source.position, self._stop)
        self._order.allow_gap()
        return Damage(start, self._at, reason)

    def _step(self) -> int:
        """Bytes to pass over at a packet that is damaged."""
        try:
            failed = read_header(self._source)
        except CorruptStreamError:
            return 1
        size = failed.header_size + failed.payload_size
        self._searched += size
        passed = self._at - self._start
        if self._searched <= _SEARCH_FACTOR * passed + _FREE_SEARCH or not self._source.has(size):
            return 1
        return size

    def _disorder(self, header: PacketHeader, problem: str) -> Damage:
        """Damage over the packet where it must not be delivered, of no bytes where only packets before it are missing."""
        reason = f"byte {header.offset}: {problem}"
        if self._strict:
            raise CorruptStreamError(reason)
        self._order.allow_gap()
        usable = self._order.check(header) is None
        return Damage(header.offset, header.offset if usable else header.end, reason)

    def _surplus(self) -> Iterator[Damage]:
        if self._source.seekable and (size := self._source.size()) > self._at:
            reason = f"byte {self._at}: {size - self._at} bytes follow the end packet; a file holds one stream"
            if self._strict:
                raise CorruptStreamError(reason)
            yield Damage(self._at, size, reason)
