"""Inputs as local files, and outputs that appear whole or not at all, on disks and in object
stores.

Below the folder of work, a path or a URL that all workers see:

    tmp/KEY.xxxxxxxx.SUFFIX        an output that is being written, to be renamed; of a disk only
    parts/KE/KEY/FIRST-GOPS.part   coded parts of a long video, until it is joined

KEY is the job's: of the input's identity, the settings and the models.
"""

import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from streamcodec.errors import OutputError, SourceError
from streamcodec.files import put_in_place, temporary_beside, writing
from streamcodec.remote import filesystem

from .locations import FileRef, local_path
from .sources import identity_of

__all__ = ["WORK_FOLDER", "Storage", "clear_temporaries", "exists", "remove_parts"]

WORK_FOLDER = ".streamcodec"
TRIES = 3  # of a download or an upload
PAUSE_SECONDS = 1.0
KEPT = 2  # fetched inputs: a worker is likely to get the next part of the same video
WHOLE_UPLOADS = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory")
"""Protocols by which an object shows up when all of it is there: multipart uploads that are
completed at the end."""

_TEMPORARY = re.compile(r"\.?[0-9a-f]+\.[0-9a-f]{8}\..+", re.DOTALL)
"""Name of an output that is being written; with a dot of what the encoder makes beside it."""

T = TypeVar("T")


class Storage:
    """One worker's. `work`: the folder of work. What is fetched or waits to be uploaded lies in a
    temporary folder, until `close`."""

    def __init__(self, work: str) -> None:
        self._work = work
        self._scratch: Path | None = None
        self._inputs: dict[str, Path] = {}

    def close(self) -> None:
        """Remove what was fetched."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch = None
        self._inputs.clear()

    def input(self, ref: FileRef) -> Path:
        """The input as a local file; of a URL a copy. Raises SourceError if it cannot be fetched,
        or is not what was listed."""
        path = local_path(ref.input)
        if path is not None:
            return Path(path)
        if ref.key not in self._inputs:
            while len(self._inputs) >= KEPT:
                self._inputs.pop(next(iter(self._inputs))).unlink(missing_ok=True)
            self._inputs[ref.key] = _again(lambda: self._download(ref.input, ref.size_bytes))
        return self._inputs[ref.key]

    @contextmanager
    def copy(self, location: str) -> Iterator[Path]:
        """What lies at a location, as a local file for the block: the file itself, or a copy.
        Raises SourceError."""
        path = local_path(location)
        if path is not None:
            yield Path(path)
            return
        copy = _again(lambda: self._download(location))
        try:
            yield copy
        finally:
            copy.unlink(missing_ok=True)

    @contextmanager
    def output(self, location: str, key: str, suffix: str) -> Iterator[Path]:
        """A path to write to, which is put in its place at `location` if the block succeeds. Raises
        OutputError."""
        path, work = local_path(location), local_path(self._work)
        folder = self._temporary() if path is None or work is None else Path(work, "tmp")
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        made = folder / f"{key}.{secrets.token_hex(4)}{suffix}"
        try:
            yield made
            if path is None:
                _again(lambda: _upload(made, location))
            else:
                with writing(path):
                    Path(path).parent.mkdir(parents=True, exist_ok=True)
                put_in_place(made, Path(path), overwrite=True)
        finally:
            with suppress(OSError):
                made.unlink()

    def part_location(self, ref: FileRef, name: str) -> str:
        """Where the bytes of a part are kept; `name` tells it from the others of its file."""
        return f"{_parts_folder(self._work, ref)}/{name}.part"

    def _temporary(self) -> Path:
        """The folder for what is on its way, made when it is needed."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="streamcodec-"))
        return self._scratch

    def _download(self, location: str, size_bytes: int | None = None) -> Path:
        files, path = filesystem(location)
        copy = self._temporary() / f"{secrets.token_hex(8)}{Path(path).suffix}"
        try:
            before = files.info(path)
            files.get_file(path, str(copy))
            after = files.info(path)
        except Exception as error:  # stores have errors of their own
            raise SourceError(
                f"cannot fetch {location}: {getattr(error, 'strerror', None) or error or type(error).__name__}"
            ) from error
        found = copy.stat().st_size
        if (
            identity_of(before) != identity_of(after)
            or found != before["size"]
            or found != (size_bytes or found)
        ):
            copy.unlink()
            raise SourceError(
                f"{location} is not what was listed, or changed meanwhile ({size_bytes} bytes listed, {found} fetched)"
            )
        return copy


def exists(location: str) -> bool:
    """Whether something lies at a location."""
    path = local_path(location)
    if path is not None:
        return Path(path).exists()
    files, remote = filesystem(location)
    return bool(files.exists(remote))


def remove_parts(work: str, ref: FileRef) -> None:
    """Remove the parts of a file that is joined."""
    folder = _parts_folder(work, ref)
    path = local_path(folder)
    if path is not None:
        shutil.rmtree(path, ignore_errors=True)
        return
    files, remote = filesystem(folder)
    with suppress(OSError):
        files.rm(remote, recursive=True)


def clear_temporaries(work: str) -> None:
    """Remove what workers that died have left half-written, and nothing else: the folder of work may be
    a link to one that holds more."""
    path = local_path(work)
    if path is None:
        return
    folder = Path(path, "tmp")
    with suppress(OSError):
        for made in folder.iterdir():
            if _TEMPORARY.fullmatch(made.name):
                made.unlink(missing_ok=True)
        folder.rmdir()


def _parts_folder(work: str, ref: FileRef) -> str:
    return f"{work}/parts/{ref.key[:2]}/{ref.key}"


def _upload(made: Path, location: str) -> None:
    files, path = filesystem(location)
    protocols = (files.protocol,) if isinstance(files.protocol, str) else files.protocol
    whole = any(protocol in WHOLE_UPLOADS for protocol in protocols)
    name = path if whole else str(temporary_beside(Path(path)))
    try:
        files.makedirs(path.rpartition("/")[0], exist_ok=True)
        files.put_file(str(made), name)
        if not whole:
            files.mv(name, path)
        files.invalidate_cache()
        size = files.info(path)["size"]
    except Exception as error:  # stores have errors of their own
        raise OutputError(
            f"cannot write {location}: {getattr(error, 'strerror', None) or error or 'it cannot be written to'}"
        ) from error
    if size != made.stat().st_size:
        raise OutputError(f"{location} has {size} bytes after the upload of {made.stat().st_size}")


def _again(act: Callable[[], T]) -> T:
    """Networks fail now and then: try so often before the error counts."""
    for left in reversed(range(TRIES)):
        try:
            return act()
        except (SourceError, OutputError) as error:
            if (
                not left
                or not isinstance(error.__cause__, OSError)
                or isinstance(error.__cause__, FileNotFoundError | PermissionError)
            ):
                raise
            time.sleep(PAUSE_SECONDS)
    raise AssertionError("not reached")
