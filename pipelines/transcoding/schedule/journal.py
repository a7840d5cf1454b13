"""What the scheduler has written down. The manifest does; a test may keep a list."""

from collections.abc import Sequence
from typing import Protocol

from ...files.locations import FileRef
from .messages import FileDone, FileError, Part, PartDone, PartsLost, Plan, Skipped

__all__ = ["Journal"]


class Journal(Protocol):
    """One call for each event that a later run must know of."""

    def started(self, files: Sequence[FileRef], worker: str) -> None:
        """A worker begins with files that nobody was working on."""

    def planned(self, file: int, plan: Plan) -> None: ...

    def part_done(self, done: PartDone, worker: str) -> None: ...

    def parts_lost(self, lost: PartsLost) -> None: ...

    def written(self, done: FileDone, worker: str, *, final: bool) -> None:
        """The output is in its place; unless `final` it is still to be checked."""

    def verified(self, file: int) -> None:
        """The output that was written is sound: the file is done."""

    def skipped(self, skipped: Skipped, worker: str) -> None: ...

    def attempted(self, file: int, part: Part | None, attempts: int) -> None:
        """So many workers have died of the file (or of this part of it) by now."""

    def failed(self, error: FileError, worker: str) -> None:
        """The file is given up."""
