"""What can be known of a source's bytes beside the demuxer: any of an ordinary file, the first and the last of a pipe."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from streamcodec.video.source import OpenSource, Tap, at_its_position

__all__ = ["NotKnownError", "SourceBytes", "source_bytes"]


class NotKnownError(Exception):
    """These bytes went by, or were never to be had."""


class SourceBytes:
    """`size`: how many bytes there are, of a pipe how many came; 0 = not known."""

    def __init__(self, size: int, file: BinaryIO | None = None, tap: Tap | None = None) -> None:
        self.size = size
        self._file, self._tap = file, tap

    def at(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on, fewer only at the end. Raises NotKnownError."""
        if self._file is not None:
            self._file.seek(offset)
            return self._file.read(size)
        if self._tap is None:
            raise NotKnownError
        end = min(offset + size, self.size)
        if end <= len(self._tap.head):
            return self._tap.head[offset:end]
        if offset >= self.size - len(self._tap.tail):
            begin = self.size - len(self._tap.tail)
            return self._tap.tail[offset - begin : end - begin]
        raise NotKnownError


@contextmanager
def source_bytes(source: OpenSource) -> Iterator[SourceBytes]:
    """Of a path, a file object, whose position stays, or a pipe; of a URL or a named pipe the size alone, if that."""
    file, size = source.file, max(source.container.size, 0)
    if isinstance(file, Tap):
        yield SourceBytes(file.size, tap=file)
    elif hasattr(file, "read"):
        with at_its_position(file):
            yield SourceBytes(size, file)
    elif Path(file).is_file():
        with _opened(Path(file)) as opened:
            yield SourceBytes(size, opened)
    else:
        yield SourceBytes(size)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO | None]:
    file = None
    with suppress(OSError):
        file = path.open("rb")
    try:
        yield file
    finally:
        if file is not None:
            file.close()
