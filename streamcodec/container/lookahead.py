"""Bytes of a file, pipe or socket, looked at before they are passed over. Reads no more than it is asked for where that would block."""

from typing import Final, Protocol

from streamcodec.file_objects import reading_object

__all__ = ["Lookahead", "Readable"]

_CHUNK: Final = (
    1 << 15
)  # bytes asked for at least: a few hundred P-frames, or one header of many large ones
_MAX_READ: Final = (
    1 << 20
)  # bytes asked for at most, so that an announced length alone costs no memory


class Readable(Protocol):
    """A binary file. With read1 (as files and sockets have), reading never waits for more than is needed; with seekable and seek, it can be
    read at random."""

    def read(self, size: int, /) -> bytes: ...


class Lookahead:
    """A position in a stream that starts where `file` stands now, and the bytes around it."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._read = getattr(file, "read1", file.read)
        self.seekable = hasattr(file, "seekable") and bool(file.seekable())
        self._base = self._seek(0, 1) if self.seekable else 0
        self._data = bytearray()
        self._start = 0  # offset of _data in the stream
        self._known_size = 0  # of a file that can seek
        self._ahead = max(_CHUNK, getattr(file, "ahead_bytes", 0))
        self._stop: int | None = None
        self._all = False
        self.position = 0

    @property
    def grows(self) -> bool:
        """Whether it is a file that is followed, whose end may still come."""
        return bool(getattr(self._file, "grows", False))

    @property
    def comes_once(self) -> bool:
        """Whether it is a pipe or the like, which may have no end, though it can seek in what it has given."""
        return bool(getattr(self._file, "comes_once", False))

    def has(self, count: int) -> bool:
        """Whether `count` bytes follow the position; reads them if need be."""
        while (missing := self.position + count - self._start - len(self._data)) > 0:
            if not self._fill(missing):
                return False
        return True

    def peek(self, start: int, stop: int) -> bytes:
        """Bytes `start` up to `stop` after the position, fewer at the end of the stream."""
        self.has(stop)
        origin = self.position - self._start
        return bytes(memoryview(self._data)[origin + start : origin + stop])

    def pass_over(self, count: int) -> bool:
        """Move on by `count` bytes, unread where the file can seek; false, and no move, if the stream ends before."""
        target = self.position + count
        if not self.seekable or target <= self._start + len(self._data):
            if not self.has(count):
                return False
            self.position = target
            return True
        if target > self._known_size:
            self._known_size = self.size()
        if target > self._known_size:
            return False
        self.jump(target)
        return True

    def jump(self, position: int, *, stop: int | None = None, read_all: bool = False) -> None:
        """Go to a byte of the stream; to one that has been passed over only where the file can seek.

        `stop`: where the range ends that is read from here; nothing behind it is read without need. `read_all`: whether no byte of it
        will be passed over. Both hold until the next jump.
        """
        self._stop, self._all = stop, read_all
        if not self._start <= position <= self._start + len(self._data):
            self._seek(self._base + position, 0)
            self._data.clear()
            self._start = position
        self.position = position

    def find(self, pattern: bytes) -> bool:
        """Move to the next place where `pattern` stands, or to the end of the stream and return false."""
        while True:
            found = self._data.find(pattern, self.position - self._start)
            if found >= 0:
                self.position = self._start + found
                return True
            end = self._start + len(self._data)
            self.position = max(self.position, end - len(pattern) + 1)
            if not self._fill(1):
                self.position = end
                return False

    def size(self) -> int:
        """Bytes of the stream as far as the file goes now; only where it can seek."""
        end = self._seek(0, 2) - self._base
        self._seek(self._base + self._start + len(self._data), 0)
        return end

    def _fill(self, missing: int) -> bool:
        if self.position > self._start:
            del self._data[: self.position - self._start]
            self._start = self.position
        at = self._start + len(self._data)
        size = self._ahead if self._all else _CHUNK
        if self._stop is not None and self._stop > at:
            size = min(size, self._stop - at)
        with reading_object(f"the stream after byte {at}"):
            chunk = self._read(min(max(missing, size), _MAX_READ))
        self._data += chunk
        return bool(chunk)

    def _seek(self, offset: int, whence: int) -> int:
        with reading_object("the stream at another place"):
            return int(self._file.seek(offset, whence))  # type: ignore[attr-defined]
