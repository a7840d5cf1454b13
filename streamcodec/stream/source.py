"""Where a stream's bytes come from: a path, bytes, a file object, a pipe. All of them end up as a file that can seek."""

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO, cast

from streamcodec.errors import SourceError, UsageError
from streamcodec.files import STANDARD_STREAM

__all__ = ["StreamSource", "open_stream"]

StreamSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, "-" (standard input), the bytes themselves, or a binary file object, which need not be seekable."""

SPOOL_BYTES = 1 << 24  # of a pipe, kept in memory before a temporary file takes over


def open_stream(source: StreamSource) -> BinaryIO:
    """A binary file that can seek. Raises SourceError if it cannot be opened, UsageError if it is none of StreamSource."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    if isinstance(source, (str, os.PathLike)) and source != STANDARD_STREAM:
        return _open_path(Path(source))
    file = sys.stdin.buffer if isinstance(source, (str, os.PathLike)) else source
    if not hasattr(file, "read"):
        raise UsageError(f"source is a {type(source).__name__}; accepted: a path, bytes or a binary file object")
    return file if file.seekable() else cast(BinaryIO, Spool(file))


def _open_path(path: Path) -> BinaryIO:
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"cannot open {path}: {error.strerror or error}") from error
    return file if file.seekable() else cast(BinaryIO, Spool(file))


class Spool:
    """A pipe that can seek: keeps what was read (compressed bytes: little), reads on only when more is asked for."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._read = getattr(pipe, "read1", pipe.read)
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

    def read1(self, size: int) -> bytes:
        """What is there, at most `size` bytes; waits only if there is nothing."""
        if self._at >= self._size and not self._pull(size):
            return b""
        self._kept.seek(self._at)
        data = self._kept.read(min(size, self._size - self._at))
        self._at += len(data)
        return data

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end."""
        parts = []
        while size and (data := self.read1(size)):
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def close(self) -> None:
        self._kept.close()

    def _pull(self, size: int) -> int:
        data = self._read(size)
        self._kept.seek(self._size)
        self._kept.write(data)
        self._size += len(data)
        return len(data)
