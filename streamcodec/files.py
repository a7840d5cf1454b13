"""Inputs of any kind as files that can seek; outputs that appear whole or not at all."""

import contextlib
import io
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeGuard, cast
from urllib.parse import unquote

from streamcodec.errors import OutputError, SourceError, StreamCodecError, UsageError
from streamcodec.file_objects import FileObject, Spool, can_seek, is_file_object
from streamcodec.remote import RemoteFile, is_url

__all__ = [
    "STANDARD_STREAM",
    "VIDEO_SUFFIXES",
    "ByteSource",
    "append_text",
    "behind_links",
    "check_output",
    "check_stream_output",
    "check_target",
    "close_of",
    "input_file",
    "is_named",
    "open_input",
    "open_output",
    "open_visible_output",
    "put_in_place",
    "replace_on_success",
    "standard_input",
    "standard_output",
    "temporary_beside",
    "writing",
]

STANDARD_STREAM = "-"
"""As an input standard input, as an output standard output."""

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg"),
    *(".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
)
"""Of files that are taken for videos where a folder is searched, in lower case."""

NAME_BYTES, PATH_BYTES = 255, 4095  # of most file systems, and of Linux
SUFFIX_BYTES = 16  # of a suffix that a temporary name keeps


def is_named(file: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether it is a path, other than "-"."""
    return isinstance(file, (str, os.PathLike)) and file != STANDARD_STREAM


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
def open_visible_output(
    out: str | os.PathLike[str] | BinaryIO, *, overwrite: bool = False
) -> Iterator[BinaryIO]:
    """As `open_output`, but a path has its name from the beginning, so that others can read along; what is written stays, also if the
    block fails. A file that is overwritten is gone at once; who reads it still has all of it, not a mixture of the two."""
    if not is_named(out):
        with open_output(out) as plain:
            yield plain
        return
    path = Path(out)
    check_target(path, overwrite=overwrite)
    with writing(path):
        target = behind_links(path)
        if overwrite:
            target.unlink(missing_ok=True)
        file = target.open("xb")
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
    Raises OutputError if `path` exists and `overwrite` is false, also if it came to be during the block, if it is not a file
    (a named pipe, a device), or if its folder cannot be written.
    """
    check_target(path, overwrite=overwrite)
    target = behind_links(path)
    part = temporary_beside(target)
    try:
        yield part
        put_in_place(part, target, overwrite=overwrite)
    finally:
        with contextlib.suppress(OSError, ValueError):
            part.unlink()


def check_output(out: object, *, overwrite: bool) -> None:
    """As `check_target` for a path; of "-", OutputError if there is no standard output for bytes."""
    if isinstance(out, (str, os.PathLike)):
        if out == STANDARD_STREAM:
            standard_output()
        else:
            check_target(Path(out), overwrite=overwrite)


def check_stream_output(out: object, *, overwrite: bool) -> None:
    """As `check_output`; UsageError for the name of a video."""
    if is_named(out) and Path(out).suffix.lower() in VIDEO_SUFFIXES:
        raise UsageError(f"output is {out}, but a stream is no video; accepted: a name in .ssf")
    check_output(out, overwrite=overwrite)


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError unless a file can be made at `path`."""
    with writing(path):  # a name can be too long, or lie in a folder that may not be looked into
        exists = path.exists()
    _check_kind(path)
    if exists and not overwrite:
        raise OutputError(
            f"{path} exists; overwrite it with -y (overwrite=True) or name another file"
        )
    folder = behind_links(path).parent
    if not folder.is_dir():
        raise OutputError(f"{folder} is not a folder; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"{folder} cannot be written to; choose another folder or change its permissions"
        )


def temporary_beside(target: Path, token: str | None = None) -> Path:
    """A name in the folder of `target`, hidden, with its suffix, and no longer than the file system takes.

    It is one of its own, or with `token` always the same.
    """
    most = min(_most_bytes(target.parent), PATH_BYTES - len(os.fsencode(target.parent / "x")) + 1)
    suffix = target.suffix if len(os.fsencode(target.suffix)) <= SUFFIX_BYTES else ""
    end = f".{token or secrets.token_hex(4)}.part{suffix}"
    room = max(most - len(os.fsencode(end)) - 1, 0)
    stem = os.fsencode(target.stem)[:room].decode(errors="ignore")  # no half of a letter
    return target.with_name(f".{stem}{end}")


def put_in_place(part: Path, target: Path, *, overwrite: bool) -> None:
    """Give the file `part` the name `target`, in one step, when all of it is on the disk: no crash and no power cut leaves half of it.

    Raises OutputError if it cannot be done; without `overwrite` also if `target` exists by now, with it if that is not a file.
    """
    with writing(target):
        with part.open("rb") as file:
            os.fsync(file.fileno())
        if overwrite:
            _check_kind(target)
            part.replace(target)
        else:
            _rename_to_new(part, target)
        _sync_folder(target.parent)


def _rename_to_new(part: Path, target: Path) -> None:
    """As a link first, which fails if there is such a name; where there are no links, over an empty file that is made so."""
    try:
        try:
            os.link(part, target)
        except FileExistsError:
            raise
        except OSError:
            target.touch(exist_ok=False)
            part.replace(target)
        else:
            part.unlink(missing_ok=True)
    except FileExistsError as error:
        raise OutputError(
            f"{target} exists: it was written meanwhile, and is kept; name another file, or overwrite it with -y (overwrite=True)"
        ) from error


def _sync_folder(folder: Path) -> None:
    """So that the new name outlives a power cut. Not every file system can do it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _check_kind(path: Path) -> None:
    """Raise OutputError if something lies there that is not a file: it would be replaced by one."""
    with writing(path):
        if not path.exists() or path.is_file():
            return
        kind = "folder" if path.is_dir() else "named pipe" if path.is_fifo() else "device or socket"
    if kind == "folder":
        raise OutputError(f"{path} is a folder; name a file to write")
    raise OutputError(
        f"{path} is a {kind}; accepted: a file, or - for standard output, which can be led there (`- > {path}`)"
    )


def _most_bytes(folder: Path) -> int:
    """Of a name in this folder."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = os.pathconf(folder, "PC_NAME_MAX")
        if found > 0:
            return found
    return NAME_BYTES


def behind_links(path: Path) -> Path:
    """The file that a symbolic link leads to."""
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


def append_text(path: Path, text: str) -> None:
    """Write behind what the file holds, in one call, so that a reader sees it whole. Raises OutputError."""
    with writing(path), path.open("ab", buffering=0) as file:
        file.write(text.encode())


ByteSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, a URL, "-" (standard input), the bytes themselves, or a binary file object, which need not be seekable."""


def open_input(source: ByteSource) -> BinaryIO:
    """A binary file that can seek. Raises SourceError if it cannot be opened, UsageError if it is none of ByteSource,
    NotInstalledError for a URL of a kind that takes a package which is not installed.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    if is_named(source):
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


def standard_input() -> BinaryIO:
    """Raises SourceError if this process has none (a shell's `<&-`), or none of bytes (some notebooks)."""
    if not hasattr(sys.stdin, "buffer"):
        raise SourceError("standard input is closed; name a file, or redirect one into it")
    return sys.stdin.buffer


def standard_output() -> BinaryIO:
    """Raises OutputError if this process has none, or none of bytes, or if a terminal would show them."""
    if not hasattr(sys.stdout, "buffer"):
        raise OutputError("standard output is closed; name a file, or redirect it into one")
    if sys.stdout.isatty():
        raise OutputError(
            "standard output is a terminal, which cannot show bytes; name a file, or redirect it into one"
        )
    return sys.stdout.buffer


def _open_path(path: Path, name: str) -> BinaryIO:
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:
        if is_url(name):
            return _open_url(name)
        raise SourceError(
            f"cannot open {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    return file if file.seekable() else cast(BinaryIO, Spool(file))


def _open_url(url: str) -> BinaryIO:
    protocol, _, rest = url.partition("://")
    if protocol.lower() == "file":
        path = unquote("/" + rest.partition("/")[2])
        raise UsageError(f"source is the URL {url}; accepted: a path, such as {path}")
    return cast(BinaryIO, RemoteFile(url))
