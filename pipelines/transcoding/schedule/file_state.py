"""A file that is being worked on: its coded parts, and how often work on it went wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ...files.locations import FileRef
from ..messages import GopLengths, Part, PartDone

__all__ = ["OpenFile", "Tries", "cut"]


@dataclass(slots=True)
class Tries:
    """Workers that one piece of work was with. `deaths`: those that died of it. `losses`: those
    that were lost for reasons of their own."""

    deaths: int = 0
    losses: int = 0


@dataclass(slots=True)
class OpenFile:
    """Only the ledger changes it. `order`: 0 is the first, largest file. `started`: a worker has it
    or had it, since it was planned if it was. `done`: coded parts by first GOP. `tries`: by first
    GOP; None for the file as a whole."""

    ref: FileRef
    order: int
    plan: GopLengths | None = None
    started: bool = False
    done: dict[int, PartDone] = field(default_factory=dict)
    tries: dict[int | None, Tries] = field(default_factory=dict)
    gops_done: int = 0
    frames_done: int = 0

    @property
    def is_coded(self) -> bool:
        """Whether all GOPs are in coded parts."""
        return self.plan is not None and self.gops_done == self.plan.gops

    def add(self, done: PartDone) -> None:
        """A part is coded."""
        self.done[done.part.first_gop] = done
        self.gops_done += done.part.gops
        self.frames_done += done.part.frames

    def lose(self, first_gop: int) -> Part | None:
        """A coded part is gone; None if it was not coded."""
        done = self.done.pop(first_gop, None)
        if done is None:
            return None
        self.gops_done -= done.part.gops
        self.frames_done -= done.part.frames
        return done.part

    def parts(self) -> tuple[PartDone, ...]:
        """All coded parts, in order."""
        return tuple(self.done[first] for first in sorted(self.done))

    def tries_of(self, part: Part | None) -> Tries:
        return self.tries.setdefault(None if part is None else part.first_gop, Tries())


def cut(plan: GopLengths, taken: Iterable[Part], frames: float) -> list[Part]:
    """The GOPs that are in none of the parts `taken`, in order, as parts of at most `frames` frames
    and at least one GOP."""
    elsewhere = {gop for part in taken for gop in part.range}
    parts: list[Part] = []
    for gop, length in enumerate(plan.gop_frames):
        if gop in elsewhere:
            continue
        last = parts[-1] if parts else None
        if last is not None and last.end_gop == gop and last.frames + length <= frames:
            parts[-1] = Part(last.first_gop, last.gops + 1, last.frames + length)
        else:
            parts.append(Part(gop, 1, length))
    return parts
