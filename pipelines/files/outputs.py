"""Names of outputs, from a pattern."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath
from string import Formatter

from streamcodec.errors import UsageError

from .locations import local_path, location_of
from .sources import Item

__all__ = ["FIELDS", "OutputNames"]

FIELDS = ("relative", "parent", "stem", "suffix", "name", "hash")


@dataclass(frozen=True)
class OutputNames:
    """Where outputs go: `pattern` below `destination`, a folder or a URL.

    Of an input `a/b.mp4` below the folder that was named, {relative} is `a/b`, {parent} `a`, {stem} `b`, {suffix} `.mp4`, {name} `b.mp4`,
    and {hash} 8 hex digits of its whole location. Raises UsageError for a pattern that has other fields, or leads out of the folder.
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
            hash=_Hash(item.location),
        )
        output = self._below(made)
        if output == item.location:
            raise UsageError(
                f"the output of {output} would be that file itself; choose another destination or pattern"
            )
        return output

    def _below(self, name: str) -> str:
        folder = local_path(self.destination)
        if folder is not None:
            return location_of(f"{folder}/{name}")
        return f"{self.destination.rstrip('/')}/{normpath(name)}"


class _Hash:
    """Made only where the pattern has it."""

    def __init__(self, location: str) -> None:
        self._location = location

    def __format__(self, spec: str) -> str:
        return format(hashlib.blake2b(self._location.encode(), digest_size=4).hexdigest(), spec)
