"""Inputs of any kind as files that can seek; outputs that appear whole or not at all."""

import contextlib
import io
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from streamcodec.errors import OutputError, SourceError, StreamCodecError, UsageError

__all__ = [
    "STANDARD_STREAM",
    "ByteSource",
    "check_target",
    "close_of",
    "input_file",
    "open_input",
    "open_output",
    "replace_on_success",
    "standard_input",
    "standard_output",
    "writing",
]

STANDARD_STREAM = "-"
"""As an input standard input, as an output standard output."""


@contextmanager
def open_output(
    out: str | os.PathLike[str] | BinaryIO, *, overwrite: bool = False
) -> Iterator[BinaryIO]:
    """A binary file to write to, for a path (which appears only if the block succeeds), "-" (standard output) or a file (left open)."""
    if not isinstance(out, (str, os.PathLike)):
        if not hasattr(out, "write") or isinstance(out, io.TextIOBase):
            raise UsageError(
                f"output is a {type(out).__name__}; accepted: a path or a binary file object"
            )
        yield out
    elif out == STANDARD_STREAM:
        yield standard_output()
    else:
        path = Path(out)
        with replace_on_success(path, overwrite=overwrite) as part:
            with writing(path):
                file = part.open("wb")
            with _closing(file, path):
                yield file


@contextmanager
def _closing(file: BinaryIO, path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            file.close()
        raise
    with writing(path):
        file.close()


@contextmanager
def replace_on_success(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to; rename it to `path` if the block succeeds, remove it if not.

    Of a symbolic link, the file it leads to is replaced, as if it had been opened for writing; the link stays.
    Raises OutputError if `path` exists and `overwrite` is false, or if its folder cannot be written.
    """
    check_target(path, overwrite=overwrite)
    target = _behind_links(path)
    part = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield part
        with writing(path):
            part.replace(target)
    finally:
        with contextlib.suppress(OSError, ValueError):
            part.unlink()


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError unless a file can be made at `path`."""
    with writing(path):  # a name can be too long, or lie in a folder that may not be looked into
        is_folder, exists = path.is_dir(), path.exists()
    if is_folder:
        raise OutputError(f"{path} is a folder; name a file to write")
    if exists and not overwrite:
        raise OutputError(
            f"{path} exists; overwrite it with -y (overwrite=True) or name another file"
        )
    folder = _behind_links(path).parent
    if not folder.is_dir():
        raise OutputError(f"{folder} is not a folder; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"{folder} cannot be written to; choose another folder or change its permissions"
        )


def _behind_links(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def writing(target: object) -> Iterator[None]:
    """Turn an OSError (no space, no permission, a closed pipe) or ValueError (a closed file, a name with NUL) into an OutputError."""
    try:
        yield
    except StreamCodecError:
        raise
    except (OSError, ValueError) as error:
        raise OutputError(
            f"cannot write {target}: {getattr(error, 'strerror', None) or error}"
        ) from error


ByteSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, "-" (standard input), the bytes themselves, or a binary file object, which need not be seekable."""

SPOOL_BYTES = 1 << 24  # of a pipe, kept in memory before a temporary file takes over


def open_input(source: ByteSource) -> BinaryIO:
    """A binary file that can seek. Raises SourceError if it cannot be opened, UsageError if it is none of ByteSource."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    if isinstance(source, (str, os.PathLike)) and source != STANDARD_STREAM:
        return _open_path(Path(source))
    file = standard_input() if isinstance(source, (str, os.PathLike)) else source
    if not hasattr(file, "read") or isinstance(file, io.TextIOBase):
        raise UsageError(
            f"source is a {type(source).__name__}; accepted: a path, bytes or a binary file object"
        )
    return file if file.seekable() else cast(BinaryIO, Spool(file))


@contextmanager
def input_file(source: ByteSource) -> Iterator[BinaryIO]:
    """`open_input` for a block; what was opened here is closed behind it."""
    file = open_input(source)
    try:
        yield file
    finally:
        close_of(file, source)()


def close_of(file: BinaryIO, source: ByteSource) -> Callable[[], object]:
    """What closes the `file` that open_input made of `source`: nothing for standard input and file objects, which are not ours."""
    return int if file is source or file is getattr(sys.stdin, "buffer", None) else file.close


def standard_input() -> BinaryIO:
    """Raises SourceError if this process has none (a shell's `<&-`), or none of bytes (some notebooks)."""
    if not hasattr(sys.stdin, "buffer"):
        raise SourceError("standard input is closed; name a file, or redirect one into it")
    return sys.stdin.buffer


def standard_output() -> BinaryIO:
    """Raises OutputError if this process has none, or none of bytes."""
    if not hasattr(sys.stdout, "buffer"):
        raise OutputError("standard output is closed; name a file, or redirect it into one")
    return sys.stdout.buffer


def _open_path(path: Path) -> BinaryIO:
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:
        raise SourceError(
            f"cannot open {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
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
