"""A file that another process is writing, as a file that waits where its bytes run out."""

import io
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import BinaryIO

from streamcodec.errors import SourceError
from streamcodec.file_objects import reading_object

__all__ = ["DEFAULT_FOLLOW_SECONDS", "FollowedFile"]

DEFAULT_FOLLOW_SECONDS = 30.0
"""Without growth, after which a file counts as ended."""

POLL_SECONDS = 0.02
TAIL_BYTES = 64  # enough to see whether the stream has ended
_ANEW = "it was begun anew; follow it again"


class FollowedFile:
    """Reads a file while it grows, up to its end.

    `is_end`: whether a file of this size, in bytes, is complete if it ends with these bytes. A read
    or seek that needs bytes which are not there yet waits for them. After `timeout_seconds` without
    growth the file counts as ended; `stalled` then says so in words. A file that does not exist yet
    is waited for as long.

    Raises SourceError if it does not appear, cannot be opened, or is begun anew: gets shorter, or is another file by now.
    """

    def __init__(
        self, path: Path, timeout_seconds: float, is_end: Callable[[bytes, int], bool]
    ) -> None:
        self.name, self._path = os.fspath(path), path
        self.stalled: str | None = None
        self._timeout, self._is_end = timeout_seconds, is_end
        self._closing = Event()
        self._size = self._at = 0
        self._is_over = False
        self._file = self._opened(path)

    def seekable(self) -> bool:
        return True

    @property
    def grows(self) -> bool:
        """Whether its end may still come."""
        return not self._is_over

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """To the end (whence 2) waits until the file is complete."""
        if whence == io.SEEK_END:
            while self._grows_beyond(self._size):
                pass
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def read1(self, size: int = io.DEFAULT_BUFFER_SIZE) -> bytes:
        """What is there, at most `size` bytes; waits only if there is nothing."""
        if size == 0 or not self._grows_beyond(self._at):
            return b""
        with reading_object(self.name):
            self._file.seek(self._at)
            data = self._file.read(size)
        self._at += len(data)
        return data

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end; -1 = all up to the end."""
        parts = []
        while size and (data := self.read1(size if size > 0 else io.DEFAULT_BUFFER_SIZE)):
            parts.append(data)
            size = size if size < 0 else size - len(data)
        return b"".join(parts)

    def close(self) -> None:
        """A thread that waits for growth stops waiting."""
        self._closing.set()
        self._file.close()

    def _opened(self, path: Path) -> BinaryIO:
        began = time.monotonic()
        while True:
            try:
                return path.open("rb", buffering=0)
            except FileNotFoundError:
                if time.monotonic() - began < self._timeout:
                    time.sleep(POLL_SECONDS)
                    continue
                raise SourceError(
                    f"{path} has not appeared for {self._timeout:g} s, the --follow-timeout (follow_timeout_seconds=); "
                    "`encode --low-latency` writes a stream under its own name, without it the name appears at the end"
                ) from None
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                raise SourceError(f"cannot open {path}: {reason}") from error

    def _grows_beyond(self, offset: int) -> bool:
        """Wait until there are more bytes than `offset`; false if there will not be."""
        since = time.monotonic()
        while True:
            before = self._size
            if self._measure() > offset:
                return True
            if self._is_over or self._ends_here():
                self._is_over = True
                return False
            if self._size > before:
                since = time.monotonic()
            elif time.monotonic() - since >= self._timeout:
                self.stalled = f"{self.name} has not grown for {self._timeout:g} s, the --follow-timeout (follow_timeout_seconds=)"
                self._is_over = True
                return False
            self._check_same()
            if self._closing.wait(POLL_SECONDS) or self._file.closed:
                raise SourceError(f"{self.name} was closed while it was followed")

    def _measure(self) -> int:
        with reading_object(self.name):
            size = self._file.seek(0, io.SEEK_END)
        if size < self._size:
            raise SourceError(
                f"{self.name} was {self._size} bytes long and has {size} now: {_ANEW}"
            )
        self._size = size
        return size

    def _check_same(self) -> None:
        """Of a file that is gone what was written is read, and what may still be."""
        with reading_object(self.name), suppress(FileNotFoundError):
            if not os.path.samestat(self._path.stat(), os.fstat(self._file.fileno())):
                raise SourceError(f"another file is called {self.name} now: {_ANEW}")

    def _ends_here(self) -> bool:
        with reading_object(self.name):
            self._file.seek(max(self._size - TAIL_BYTES, 0))
            tail = self._file.read(TAIL_BYTES)
        return self._is_end(tail, self._size)
