"""From the sources that a user names to inputs, each with the location of its output."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath
from string import Formatter
from typing import Self

from streamcodec.errors import UsageError

from .locations import is_below, local_path, location_of
from .sources import Filter, Item, Sources, list_sources, names_of
from .storage import WORK_FOLDER

__all__ = ["FIELDS", "Listing", "OutputNames"]

LONGEST_LOCATION = 12_288
"""In characters: a path of Linux has 4096 bytes, and a URL three characters for each."""
FIELDS = ("relative", "parent", "stem", "suffix", "name", "hash")


@dataclass(frozen=True)
class OutputNames:
    """Where outputs go: `pattern` below `destination`, a folder or a URL.

    Of an input `a/b.mp4` below the folder that was named, {relative} is `a/b`, {parent} `a`, {stem}
    `b`, {suffix} `.mp4`, {name} `b.mp4`, and {hash} 8 hex digits of its whole location. Raises
    UsageError for a pattern that has other fields, or leads out of the folder.
    """

    destination: str
    pattern: str = "{relative}.ssf"

    def __post_init__(self) -> None:
        try:
            fields = {name for _, name, _, _ in Formatter().parse(self.pattern) if name is not None}
        except ValueError as error:
            raise UsageError(f"pattern is {self.pattern!r}: {error}") from error
        if not fields <= set(FIELDS) or not fields - {"suffix"}:
            accepted = ", ".join(f"{{{field}}}" for field in FIELDS)
            raise UsageError(
                f"pattern is {self.pattern!r}; accepted: a name with one or more of {accepted}, not {{suffix}} alone"
            )
        if self.pattern.startswith("/") or ".." in PurePosixPath(self.pattern).parts:
            raise UsageError(f"pattern is {self.pattern!r}; accepted: a name below the destination")

    def of(self, item: Item) -> str:
        """The location of the output. Raises UsageError if it is the input itself."""
        parent, _, name = item.relative.rpartition("/")
        dot = name.rfind(".")
        stem, suffix = (name[:dot], name[dot:]) if 0 < dot < len(name) - 1 else (name, "")
        made = self.pattern.format(
            relative=f"{parent}/{stem}" if parent else stem,
            parent=parent or ".",
            stem=stem,
            suffix=suffix,
            name=name,
            hash=hashlib.blake2b(item.location.encode(), digest_size=4).hexdigest(),
        )
        output = self._below(made)
        self._check(output, item)
        if output == item.location:
            raise UsageError(
                f"the output of {output} would be that file itself; choose another destination or pattern"
            )
        return output

    def _check(self, output: str, item: Item) -> None:
        """A member of an archive may be called `../../a.mp4`, and a name may hold anything."""
        if len(output) > LONGEST_LOCATION:
            raise UsageError(
                f"the output of {item.location} would have a name of {len(output)} characters; accepted: {LONGEST_LOCATION}; "
                "choose another pattern, such as {hash}"
            )
        inside = is_below(output, self.destination)
        if not inside or is_below(output, f"{self.destination.rstrip('/')}/{WORK_FOLDER}"):
            where = f"out of {self.destination}" if not inside else f"into its {WORK_FOLDER}"
            raise UsageError(
                f"the output of {item.location} would lead {where}, by its name {item.relative}; choose another pattern, "
                "such as {stem}-{hash}, or leave it out with --exclude"
            )
        if not output.isprintable():
            raise UsageError(
                f"the output of {item.location} would have control characters in its URL; choose another pattern, such as {{hash}}"
            )

    def _below(self, name: str) -> str:
        folder = local_path(self.destination)
        if folder is not None:
            return location_of(f"{folder}/{name}")
        return f"{self.destination.rstrip('/')}/{normpath(name)}"


@dataclass(frozen=True)
class Listing:
    """`sources`: files, folders, globs, lists and URLs (sources.py). `name`: pattern of the
    outputs' names (OutputNames); None keeps the inputs' names with another suffix. `include`,
    `exclude`: globs that choose among the files of folders."""

    sources: tuple[str, ...]
    name: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.sources:
            raise UsageError("there are no sources; name files, folders, globs, lists or URLs")

    @classmethod
    def of(
        cls,
        sources: Sources,
        name: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> Self:
        """From what `transcode` takes: `sources` may be one, and paths."""
        return cls(names_of(sources), name, tuple(include), tuple(exclude))

    def pairs(
        self, out: str, suffix: str, input_suffixes: tuple[str, ...]
    ) -> Iterator[tuple[Item, str]]:
        """The inputs with the locations of their outputs.

        `out`: the location of the folder of outputs. `suffix`: of the outputs, where the pattern
        does not say. `input_suffixes`: of the files of a folder that are inputs, in lower case.
        Raises SourceError for a source that is missing.
        """
        names = OutputNames(out, self.name or f"{{relative}}{suffix}")
        keep = Filter(input_suffixes, self.include, (*self.exclude, WORK_FOLDER))
        for item in list_sources(self.sources, keep):
            yield item, names.of(item)
