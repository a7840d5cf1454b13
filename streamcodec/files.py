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
from typing import Any, BinaryIO, cast
from urllib.parse import unquote

from streamcodec.errors import OutputError, SourceError, StreamCodecError, UsageError

__all__ = [
    "STANDARD_STREAM",
    "ByteSource",
    "FileObject",
    "can_seek",
    "check_target",
    "close_of",
    "input_file",
    "is_file_object",
    "open_input",
    "open_output",
    "reading_object",
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
        return _open_path(Path(source), os.fspath(source))
    if isinstance(source, (str, os.PathLike)):
        file = standard_input()
    elif is_file_object(source):
        file = source
    else:
        raise UsageError(
            f"source is a {type(source).__name__}; accepted: a path, bytes or a binary file object"
        )
    if not can_seek(file):
        return cast(BinaryIO, Spool(file))
    return file if isinstance(file, io.IOBase) else cast(BinaryIO, FileObject(file))


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


def _open_path(path: Path, name: str) -> BinaryIO:
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:
        if "://" in name:
            raise UsageError(f"source is the URL {name}; accepted: {_instead_of(name)}") from error
        raise SourceError(
            f"cannot open {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    return file if file.seekable() else cast(BinaryIO, Spool(file))


def _instead_of(url: str) -> str:
    """What to give in place of a URL."""
    protocol, _, rest = url.partition("://")
    if protocol.lower() == "file":
        return f"a path, such as {unquote('/' + rest.partition('/')[2])}"
    return (
        "a path, bytes or a binary file object; download it, pipe it in (curl URL | streamcodec ... -), "
        "or open it in Python (urllib.request.urlopen, fsspec.open)"
    )


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
        if self._at >= self._size and not self._pull(size):
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
        self._kept.seek(self._size)
        self._kept.write(data)
        self._size += len(data)
        return len(data)
