"""What others give to be read: any object with read(), pipes among them, as files that can seek and fail in one way."""

import contextlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from streamcodec.errors import SourceError, StreamCodecError, UsageError

__all__ = ["FileObject", "Spool", "can_seek", "is_file_object", "reading_object"]

SPOOL_BYTES = 1 << 24  # of a pipe, kept in memory before a temporary file takes over


def is_file_object(source: object) -> bool:
    """Whether this can be read like a binary file: it has read(), and is not known to give text."""
    return callable(getattr(source, "read", None)) and not isinstance(source, io.TextIOBase)


def can_seek(file: Any) -> bool:
    """Whether a file object can go back. What has no seekable(), or fails in it, is asked for seek() and tell(), and tried."""
    if hasattr(file, "seekable") or not (hasattr(file, "seek") and hasattr(file, "tell")):
        with contextlib.suppress(Exception):  # of a member of a tar that comes through a pipe
            return bool(file.seekable())
        return False
    with contextlib.suppress(Exception):
        file.seek(file.tell())
        return True
    return False


class FileObject:
    """Any object with read() as a file: what it gives is checked, what it raises is a SourceError, seek() tells where it is.

    An mmap, a member of an archive or the answer of a server has some of a file's methods, and
    errors of its own.
    """

    def __init__(self, given: Any) -> None:
        self._given = given
        self.name = getattr(given, "name", None) or "the file object"

    def seekable(self) -> bool:
        return can_seek(self._given)

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end; -1 = all that is left."""
        parts = []
        while size and (data := self.read1(size)):
            parts.append(data)
            size = size if size < 0 else max(size - len(data), 0)
        return b"".join(parts)

    def read1(self, size: int = -1) -> bytes:
        """What one call of the object gives."""
        data = self._call("read1" if hasattr(self._given, "read1") else "read", size)
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise UsageError(
                f"{self.name} gives {type(data).__name__} when it is read; accepted: bytes, all of them (open it in "
                "binary and blocking mode)"
            )
        return bytes(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        found = self._call("seek", offset, whence)
        return found if isinstance(found, int) else self.tell()  # mmap tells nothing

    def tell(self) -> int:
        return int(self._call("tell"))

    def close(self) -> None:
        """The object is not ours."""

    def _call(self, method: str, *arguments: int) -> Any:
        with reading_object(self.name):
            return getattr(self._given, method)(*arguments)


@contextmanager
def reading_object(name: str) -> Iterator[None]:
    """Turn whatever a file object raises (errors of HTTP, of archives, of a disk) into a SourceError."""
    try:
        yield
    except (StreamCodecError, MemoryError):
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SourceError(f"cannot read {name}: {reason}") from error


class Spool:
    """A pipe that can seek: keeps what was read (compressed bytes: little), reads on only when more is asked for."""

    comes_once = True
    """It may have no end, and what is read of it takes room."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = FileObject(pipe)
        self._kept = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 (lives as long as the spool)
        self._size = 0
        self._at = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To the end (whence 2) waits until the pipe has ended."""
        if whence == io.SEEK_END:
            while self._pull(io.DEFAULT_BUFFER_SIZE):
                pass
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def read1(self, size: int = io.DEFAULT_BUFFER_SIZE) -> bytes:
        """What is there, at most `size` bytes; waits only if there is nothing."""
        while self._at >= self._size:  # it may stand far ahead
            if not self._pull(size):
                return b""
        self._kept.seek(self._at)
        data = self._kept.read(min(size, self._size - self._at))
        self._at += len(data)
        return data

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end; -1 = all that is left."""
        if size < 0:
            at = self._at
            size = self.seek(0, io.SEEK_END) - at
            self.seek(at)
        parts = []
        while size and (data := self.read1(size)):
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def close(self) -> None:
        self._kept.close()

    def _pull(self, size: int) -> int:
        data = self._pipe.read1(size)
        try:
            self._kept.seek(self._size)
            self._kept.write(data)
        except OSError as error:
            raise SourceError(
                f"cannot keep what comes from {self._pipe.name}: {error.strerror or error} in "
                f"{tempfile.gettempdir()}; make room there, set TMPDIR to another folder, or name a file"
            ) from error
        self._size += len(data)
        return len(data)
