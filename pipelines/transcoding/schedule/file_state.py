"""A file that is being worked on: which of its GOPs are still to be coded, and how often it went wrong."""

from dataclasses import dataclass, field

from ...files.locations import FileRef
from .messages import FileJob, Part, PartDone, Plan

__all__ = ["OpenFile", "Tries"]


@dataclass(slots=True)
class Tries:
    """What went wrong with one piece of work. `deaths`: workers that died of it. `losses`: workers that were lost while they had it,
    for reasons of their own. `errors`: exceptions."""

    deaths: int = 0
    losses: int = 0
    errors: int = 0


@dataclass(slots=True)
class OpenFile:
    """`order`: 0 is the first, largest file. `gaps`: runs of GOPs, first to end, that nobody codes, the first at the end of the list.
    `again`: parts that came back and keep their limits. `tries`: by first GOP; None for the file as a whole."""

    ref: FileRef
    order: int
    plan: Plan | None = None
    started: bool = False
    queued: bool = False
    gaps: list[tuple[int, int]] = field(default_factory=list)
    again: list[Part] = field(default_factory=list)
    done: dict[int, PartDone] = field(default_factory=dict)
    gops_done: int = 0
    frames_done: int = 0
    tries: dict[int | None, Tries] = field(default_factory=dict)

    @classmethod
    def resumed(cls, job: FileJob, order: int) -> "OpenFile":
        """The file as the last run left it."""
        file = cls(job.ref, order)
        file.tries[None] = Tries(deaths=job.attempts)
        if job.plan is not None:
            file.set_plan(job.plan, job.done, dict(job.tried))
        return file

    def set_plan(
        self, plan: Plan, done: tuple[PartDone, ...] = (), tried: dict[Part, int] | None = None
    ) -> None:
        """`done`: parts that need no coding. `tried`: other parts with the workers that died of them."""
        self.plan = plan
        for coded in done:
            self.add(coded)
        for part, deaths in (tried or {}).items():
            if part.first_gop not in self.done:
                self.again.append(part)
                self.tries[part.first_gop] = Tries(deaths=deaths)
        taken = sorted(
            (part.first_gop, part.end_gop)
            for part in [*(each.part for each in self.done.values()), *self.again]
        )
        self.gaps = _between(taken, plan.gops)[::-1]

    @property
    def has_parts(self) -> bool:
        """Whether there is something to cut."""
        return bool(self.again or self.gaps)

    @property
    def frames_to_cut(self) -> int:
        """Frames of the GOPs that nobody codes, without the parts that came back."""
        return (
            0
            if self.plan is None
            else sum(sum(self.plan.gop_frames[first:end]) for first, end in self.gaps)
        )

    @property
    def is_coded(self) -> bool:
        return self.plan is not None and self.gops_done == self.plan.gops

    def tries_of(self, part: Part | None) -> Tries:
        return self.tries.setdefault(None if part is None else part.first_gop, Tries())

    def cut(self, frames: float) -> Part:
        """Take the next part: one that came back, or GOPs of about so many frames, at least one."""
        if self.again:
            return self.again.pop()
        assert self.plan is not None
        first, end = self.gaps.pop()
        until, have = first + 1, self.plan.gop_frames[first]
        while until < end and have + self.plan.gop_frames[until] <= frames:
            have += self.plan.gop_frames[until]
            until += 1
        if until < end:
            self.gaps.append((until, end))
        return Part(first, until - first, have)

    def give_back(self, part: Part) -> None:
        self.again.append(part)

    def add(self, done: PartDone) -> None:
        self.done[done.part.first_gop] = done
        self.gops_done += done.part.gops
        self.frames_done += done.part.frames

    def lose(self, first_gop: int) -> Part | None:
        """Have a coded part coded again; None if it was not coded."""
        done = self.done.pop(first_gop, None)
        if done is None:
            return None
        self.gops_done -= done.part.gops
        self.frames_done -= done.part.frames
        self.again.append(done.part)
        return done.part

    def parts(self) -> tuple[PartDone, ...]:
        """All coded parts, in order."""
        return tuple(self.done[first] for first in sorted(self.done))


def _between(taken: list[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    """The runs of 0..end-1 that `taken`, in order, leaves over."""
    gaps, at = [], 0
    for first, until in [*taken, (end, end)]:
        if first > at:
            gaps.append((at, first))
        at = max(at, until)
    return gaps
