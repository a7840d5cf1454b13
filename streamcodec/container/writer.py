"""Writes a stream front to back: never seeks, so that the target can be a pipe or a socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from streamcodec.container.fields import pack_header
from streamcodec.container.format import MAX_PAYLOAD_SIZE
from streamcodec.container.header import Header
from streamcodec.container.index import IndexBuilder, pack_end, pack_index
from streamcodec.container.order import Order
from streamcodec.container.packet import Packet, PacketType, pack_packet
from streamcodec.errors import UsageError
from streamcodec.files import writing

__all__ = ["Writable", "Writer"]


class Writable(Protocol):
    """A binary file, or anything with its write and flush."""

    def write(self, data: memoryview, /) -> int | None: ...

    def flush(self) -> None: ...


class Writer:
    """Writes `header` to `file` at once, then packets as they come; the stream is whole only after finish().

    A stream of two frames or more ends with a copy of the header, so that one with a damaged beginning still plays.
    Raises UsageError for packets that break the order of the format, OutputError when the file takes no more; the stream has then failed.
    """

    def __init__(self, file: Writable, header: Header) -> None:
        self._file = file
        self._prologue = pack_header(header)
        self._order = Order(header)
        self._index = IndexBuilder()
        self._size_bytes = self._track_bytes = 0
        self._open = True
        self._put(self._prologue)

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        return self._size_bytes

    @property
    def track_bytes(self) -> int:
        """Of these, bytes of the packets of sound and subtitles."""
        return self._track_bytes

    def write(self, packet: Packet) -> None:
        """Append a packet. Frames: numbers rise by one from 0, pts rise, a key frame starts each GOP, GOPs count from 0;
        B-frames lie between others, at most as many in a row as the header says."""
        if packet.type in (PacketType.INDEX, PacketType.END, PacketType.HEADER):
            raise UsageError(f"packets of type {packet.type} are written by finish()")
        self._check_open()
        if problem := self._order.check(packet):
            raise UsageError(f"packet cannot be written: {problem}")
        self._index.add(packet, self._size_bytes)
        before = self._size_bytes
        self._put(pack_packet(packet))
        if packet.type in (PacketType.AUDIO, PacketType.SUBTITLE):
            self._track_bytes += self._size_bytes - before

    def flush(self) -> None:
        """Hand on what the file has buffered, for a reader that follows."""
        with self._writing():
            if hasattr(self._file, "flush"):
                self._file.flush()

    def finish(self) -> None:
        """Write the index, the copy of the header and the end packet, and flush.

        An index above the limit of a payload is left out; readers then scan.
        """
        self._check_open()
        if problem := self._order.ends_early():
            raise UsageError(f"the stream cannot end here: {problem}")
        offset = self._size_bytes
        self._index.close(offset)
        payload = pack_index(self._index.build())
        if len(payload) <= MAX_PAYLOAD_SIZE:
            self._put(pack_packet(Packet(type=PacketType.INDEX, payload=payload)))
        else:
            offset = 0
        if self._order.next_frame > 1:
            self._put(pack_packet(Packet(type=PacketType.HEADER, payload=self._prologue)))
        size = self._size_bytes + len(
            pack_packet(Packet(type=PacketType.END, payload=pack_end(offset, 0)))
        )
        self._put(pack_packet(Packet(type=PacketType.END, payload=pack_end(offset, size))))
        self.flush()
        self._open = False

    def _check_open(self) -> None:
        if not self._open:
            raise UsageError("the stream is finished or has failed; start a new Writer")

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        with self._writing():
            while rest:  # an unbuffered file may take a part
                taken = self._file.write(rest)
                rest = rest[len(rest) if taken is None else taken :]
        self._size_bytes += len(data)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._open = False  # unless it succeeds
        with writing("the stream"):
            yield
        self._open = True
