"""Outputs that appear whole or not at all."""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from streamcodec.errors import OutputError

__all__ = ["STANDARD_STREAM", "check_target", "open_output", "replace_on_success", "writing"]

STANDARD_STREAM = "-"
"""As an input standard input, as an output standard output."""


@contextmanager
def open_output(out: str | os.PathLike[str] | BinaryIO, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """A binary file to write to, for a path (which appears only if the block succeeds), "-" (standard output) or a file (left open)."""
    if not isinstance(out, (str, os.PathLike)):
        yield out
    elif out == STANDARD_STREAM:
        yield sys.stdout.buffer
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

    Raises OutputError if `path` exists and `overwrite` is false, or if its folder cannot be written.
    """
    check_target(path, overwrite=overwrite)
    part = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield part
        with writing(path):
            part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError unless a file can be made at `path`."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file to write")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists; overwrite it with -y (overwrite=True) or name another file")
    if not path.parent.is_dir():
        raise OutputError(f"{path.parent} is not a folder; make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{path.parent} cannot be written to; choose another folder or change its permissions")


@contextmanager
def writing(target: object) -> Iterator[None]:
    """Turn an OSError (no space, no permission, a closed pipe) into an OutputError that names `target`."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
