"""What is to be worked on: files, folders, globs, lists and URLs as a stream of items.

    clip.mp4                a file
    videos/                 a folder: all videos in it and below; links to folders are not followed
    'videos/**/*.mkv'       a glob, where no file has this very name
    clips.txt, @clips, -    a list: one input a line, of any kind but a list; - is standard input; lines that begin with # say nothing
    s3://bucket/videos      a URL that fsspec knows: a file, a folder or a glob

Nothing is opened. What was named directly must exist; an entry of a list need not: it becomes an
item that fails when its turn comes.
"""

# ruff: noqa: PTH112, PTH116, PTH118, PTH119, PTH207 (a million names: strings, not paths)

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from glob import has_magic, iglob
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from streamcodec.errors import SourceError, StreamCodecError
from streamcodec.files import STANDARD_STREAM, VIDEO_SUFFIXES
from streamcodec.remote import filesystem, is_url

from .locations import local_path, location_of

__all__ = [
    "FAILED_HEADER",
    "STREAM_SUFFIXES",
    "Filter",
    "Item",
    "Sources",
    "identity_of",
    "list_sources",
    "names_of",
]

STREAM_SUFFIXES = (".ssf",)
FAILED_HEADER = "# streamcodec: inputs that failed"
"""First line of a list of failed inputs: to be tried again when the list is an input."""
NOT_THERE = "missing"

Sources = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""What users name: one or several, texts or paths."""


def names_of(sources: Sources) -> tuple[str, ...]:
    """As `list_sources` takes them."""
    named = [sources] if isinstance(sources, str | os.PathLike) else sources
    return tuple(os.fspath(source) for source in named)


@dataclass(frozen=True, slots=True)
class Item:
    """An input. `relative`: its path below the folder, or before the first wildcard, that was
    named; of a file named itself, its name.

    `identity`: changes when the contents do, as far as can be told without reading them; "missing"
    if nothing is there. `retry`: it failed before and is named to be tried again.
    """

    location: str
    relative: str
    size_bytes: int
    identity: str
    retry: bool = False


@dataclass(frozen=True)
class Filter:
    """Which files of a folder count. `suffixes`: in lower case; they do not apply where there is an
    `include`, nor to globs and lists.

    `include`, `exclude`: globs on the path below the folder (`*` also spans slashes), or without a
    slash on any name in it.
    """

    suffixes: tuple[str, ...] = VIDEO_SUFFIXES
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, relative: str, *, named: bool = False) -> bool:
        """Whether a file counts; `named`: whatever its suffix."""
        if self.include:
            return _matches(relative, self.include) and not self.leaves(relative)
        return (named or relative.lower().endswith(self.suffixes)) and not self.leaves(relative)

    def leaves(self, relative: str) -> bool:
        """Whether a file or folder is excluded."""
        return bool(self.exclude) and _matches(relative, self.exclude)


def _matches(relative: str, patterns: Iterable[str]) -> bool:
    names = relative.split("/")
    return any(
        fnmatchcase(relative, each.strip("/"))
        if "/" in each.strip("/")
        else any(fnmatchcase(name, each.strip("/")) for name in names)
        for each in patterns
    )


def list_sources(
    sources: Sequence[str], keep: Filter | None = None, *, stdin: TextIO | None = None
) -> Iterator[Item]:
    """The items of all sources, in their order; those of a folder by name. Nothing is kept of an
    item that was handed out.

    Raises SourceError for a source, folder or list that does not exist or cannot be read,
    UsageError for a URL that fsspec cannot open.
    """
    for source in sources:
        yield from _items(source, keep or Filter(), stdin or sys.stdin)


def _items(source: str, keep: Filter, stdin: TextIO) -> Iterator[Item]:
    if source == STANDARD_STREAM:
        yield from _listed(stdin, "standard input", keep)
    elif source.startswith("@") or (source.lower().endswith(".txt") and not is_url(source)):
        name = source.removeprefix("@")
        with _reading(name), Path(name).open(encoding="utf-8", errors="surrogateescape") as lines:
            yield from _listed(lines, name, keep)
    else:
        yield from _named(source, keep)


def _listed(lines: Iterable[str], name: str, keep: Filter) -> Iterator[Item]:
    retry = False
    for number, line in enumerate(lines):
        text = line.rstrip("\r\n")
        retry = retry or (number == 0 and text.startswith(FAILED_HEADER))
        if text.strip() and not text.startswith("#"):
            try:
                yield from _entries(text, keep, retry)
            except SourceError as error:
                raise SourceError(f"{name}, line {number + 1}: {error}") from error


def _entries(text: str, keep: Filter, retry: bool) -> Iterator[Item]:
    """The items of a line of a list."""
    path = local_path(text)
    item = None if path is None else _local(path, os.path.basename(path), retry=retry)
    if item is None or (
        has_magic(text) if item.identity == NOT_THERE else os.path.isdir(path or "")
    ):
        for found in _named(text, keep):
            yield replace(found, retry=retry)
    elif keep.takes(item.relative, named=True):
        yield item


def _named(source: str, keep: Filter) -> Iterator[Item]:
    path = local_path(source)
    if path is None:
        yield from _remote(source, keep)
    elif os.path.isdir(path):
        yield from _folder(path, keep)
    elif os.path.lexists(path):
        if keep.takes(os.path.basename(path), named=True):
            yield _local(path, os.path.basename(path))
    elif has_magic(path):
        yield from _glob(path, keep)
    else:
        raise SourceError(f"no file, folder or glob has the name {source}")


def _folder(folder: str, keep: Filter) -> Iterator[Item]:
    """Depth first, in the order of names; one folder's names are held at a time, with those of the
    folders above it."""

    def walk(at: str, below: str) -> Iterator[Item]:
        with _reading(at), os.scandir(at) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        for name, is_folder in found:
            relative = below + name
            if is_folder and not keep.leaves(relative):
                yield from walk(f"{at}/{name}", relative + "/")
            elif not is_folder and keep.takes(relative) and not os.path.isdir(f"{at}/{name}"):
                yield _local(f"{at}/{name}", relative)

    yield from walk(folder.rstrip("/") or "/", "")


def _glob(pattern: str, keep: Filter) -> Iterator[Item]:
    parts = PurePosixPath(pattern).parts
    fixed = len(
        os.path.join(
            "", *parts[: next(index for index, part in enumerate(parts) if has_magic(part))]
        ).rstrip("/")
    )
    for path in iglob(pattern, recursive=True, include_hidden=False):
        relative = path[fixed:].lstrip("/")
        if keep.takes(relative, named=True) and not os.path.isdir(path):
            yield _local(path, relative)


def _local(path: str, relative: str, *, retry: bool = False) -> Item:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return Item(location_of(path), relative, 0, NOT_THERE, retry)
    return Item(
        location_of(path), relative, status.st_size, f"{status.st_size}-{status.st_mtime_ns}", retry
    )


def _remote(url: str, keep: Filter) -> Iterator[Item]:
    files, path = filesystem(url)
    head, _, archive = url.partition("::")
    chain = f"::{archive}" if archive and is_url(head) else ""  # zip://a.mp4::s3://bucket/b.zip
    with _reading(url):
        if has_magic(path) and not files.exists(path):
            fixed = path[: min(path.find(sign) for sign in "*?[" if sign in path)].rpartition("/")[
                0
            ]
            found = files.glob(path, detail=True)
        elif files.isdir(path) and not files.isfile(path):
            fixed, found = path.rstrip("/"), files.find(path, detail=True)
        else:
            fixed, found = path.rpartition("/")[0], {path: files.info(path)}
    for name in sorted(found):
        relative = name[len(fixed) :].lstrip("/")
        in_folder = fixed == path.rstrip("/")
        if found[name].get("type") == "file" and keep.takes(relative, named=not in_folder):
            if not name.isprintable():
                raise SourceError(
                    f"{url} holds {name}, a name with control characters, which no list can hold; rename it, or leave it out "
                    "with --exclude"
                )
            yield Item(
                files.unstrip_protocol(name) + chain,
                relative,
                int(found[name].get("size") or 0),
                identity_of(found[name]),
            )


def identity_of(info: dict[str, Any]) -> str:
    """From whatever this store tells of a file: a tag of its contents, or else its size and
    time."""
    tag = next(
        (
            info[name]
            for name in ("ETag", "etag", "md5Hash", "checksum", "content_md5")
            if info.get(name)
        ),
        None,
    )
    time = next(
        (
            info[name]
            for name in ("LastModified", "last_modified", "updated", "mtime", "created")
            if info.get(name)
        ),
        "",
    )
    return f"{info.get('size')}-{tag or time}"


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except StreamCodecError:
        raise
    except Exception as error:  # stores and archives have errors of their own
        raise SourceError(
            f"cannot read {name}: {getattr(error, 'strerror', None) or error or type(error).__name__}"
        ) from error
