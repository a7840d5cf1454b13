"""From the sources that a user names to inputs with their outputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from streamcodec.errors import UsageError

from ..transcoding.recipe import Coding
from .outputs import OutputNames
from .sources import Filter, Item, Sources, list_sources, names_of
from .storage import WORK_FOLDER

__all__ = ["Listing"]


@dataclass(frozen=True)
class Listing:
    """`sources`: files, folders, globs, lists and URLs (sources.py). `name`: pattern of the outputs' names (naming.py); None keeps the
    inputs' names with another suffix. `include`, `exclude`: globs that choose among the files of folders."""

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

    def items(self, coding: Coding) -> Iterator[Item]:
        """Raises SourceError for a source that is not there."""
        return list_sources(
            self.sources, Filter(coding.input_suffixes, self.include, (*self.exclude, WORK_FOLDER))
        )

    def pairs(self, coding: Coding, out: str) -> Iterator[tuple[Item, str]]:
        """The items with the locations of their outputs. `out`: a location."""
        names = OutputNames(out, self.name or f"{{relative}}{coding.suffix}")
        for item in self.items(coding):
            yield item, names.of(item)
