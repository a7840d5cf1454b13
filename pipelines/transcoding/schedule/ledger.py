"""The state of every file that is being worked on: what can be done next, what follows from an
outcome, and what is written down of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from streamcodec.text import counted

from ..manifest.manifest import Manifest
from ..messages import (
    FileDone,
    FileError,
    GopLengths,
    Outcome,
    Part,
    PartDone,
    PartsLost,
    PendingFile,
    Planned,
    Skipped,
    Task,
    TaskKind,
    Verified,
)
from .costs import CostModel, Counts
from .file_state import OpenFile, Tries, cut
from .options import SchedulerOptions

__all__ = ["Ledger"]

LONG = 2.0
"""Times the length that tasks aim at: a video that takes longer is cut up."""
PARTS_EACH = 4
"""Parts of the last video for each worker, at least: so they end at about the same time."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """Work that waits for a worker. `part`: set for kind "part"."""

    kind: TaskKind
    files: tuple[int, ...]
    part: Part | None = None


class Ledger:
    """`open`: by number, the files that are being worked on. `stopped`: why the run must stop; None
    while it goes on."""

    def __init__(self, options: SchedulerOptions, manifest: Manifest, costs: CostModel) -> None:
        self.open: dict[int, OpenFile] = {}
        self.counts = Counts()
        self.stopped: str | None = None
        self._options = options
        self._manifest = manifest
        self._costs = costs
        self._ready: list[tuple[int, int, int, _Unit]] = []
        self._numbers = count()

    def begin(self, jobs: Sequence[tuple[PendingFile, int]]) -> None:
        """Open files that nothing was done of yet. The numbers beside the jobs are their order."""
        self._offer("whole", [self._opened(job, order) for job, order in jobs])

    def resume(self, job: PendingFile, order: int, sharers: int) -> bool:
        """Open a file that something was done of; False, and nothing happens, if this is none.

        `sharers`: as for `take`.
        """
        if job.plan is None and not job.written:
            return False
        file = self._opened(job, order)
        if job.written and self._options.verify:
            self._offer("verify", [file])
        elif job.written:
            self._manifest.verified(job.ref.file)
            self._close(file, done=1)
        elif job.plan is not None:
            self._resume_parts(file, job.plan, job, sharers)
        return True

    def take(self, worker: str, sharers: int) -> Task | None:
        """The next work in files that are open, for this worker; None if there is none.

        `sharers`: workers that a long video is cut for, 1 while there are other files for them.
        """
        while self._ready:
            unit = heappop(self._ready)[-1]
            files = self._still_open(unit.files)
            if files:
                return self._task(unit, files, worker, sharers)
        return None

    def settle(self, task: Task, outcome: Outcome, worker: str, sharers: int) -> None:
        """Take in an outcome of this task. `sharers`: as for `take`.

        Of a file that has ended meanwhile only coded parts are still of use, to a later run.
        """
        file = self.open.get(outcome.file)
        if file is None:
            if isinstance(outcome, PartDone):
                self._manifest.part_done(outcome, worker)
            return
        match outcome:
            case Planned():
                self._planned(file, outcome.plan, sharers)
            case PartDone():
                self._part_done(file, outcome, worker)
            case PartsLost():
                self._parts_lost(file, outcome, worker)
            case FileDone():
                self._file_done(file, task, outcome, worker)
            case Verified():
                self._manifest.verified(outcome.file)
                self._close(file, done=1)
            case Skipped():
                self._manifest.skipped(outcome, worker)
                self._close(file, skipped=1)
            case FileError():
                self._fail(file, outcome, worker)

    def lost(self, task: Task, files: Sequence[int], worker: str, reason: str, blame: bool) -> None:
        """A worker died with this task; `files`: those that it had not reported.

        With `blame` the first of them counts as the cause; else it is nobody's fault.
        """
        for number, file in enumerate(self._still_open(files)):
            if number == 0 or not blame:
                self._count_death(file, task.part, worker, blame, reason)
            if file.ref.file in self.open:
                self.counts.retried += 1
                self._offer(task.kind, [file], task.part, again=True)

    def _opened(self, job: PendingFile, order: int) -> OpenFile:
        file = self.open[job.ref.file] = OpenFile(job.ref, order)
        file.tries[None] = Tries(deaths=job.attempts)
        return file

    def _still_open(self, files: Sequence[int]) -> list[OpenFile]:
        return [self.open[file] for file in files if file in self.open]

    def _offer(
        self,
        kind: TaskKind,
        files: Sequence[OpenFile],
        part: Part | None = None,
        *,
        again: bool = False,
    ) -> None:
        """Have this done: what completes a file or was begun before comes first, then by size."""
        rank = 0 if again or kind in ("join", "verify") else 1
        unit = _Unit(kind, tuple(file.ref.file for file in files), part)
        heappush(self._ready, (rank, files[0].order, next(self._numbers), unit))

    def _task(self, unit: _Unit, files: Sequence[OpenFile], worker: str, sharers: int) -> Task:
        refs = tuple(file.ref for file in files)
        for file in files:
            if not file.started and unit.kind != "verify":
                self._manifest.started(file.ref.file, worker)
            file.started = True
        number = next(self._numbers)
        if unit.kind == "whole":
            seconds = LONG * self._options.target_seconds / (sharers if len(files) == 1 else 1)
            long_pixels = self._costs.pixels_in(seconds) if self._options.split else None
            return Task(number, unit.kind, refs, long_pixels)
        parts = files[0].parts() if unit.kind == "join" else ()
        return Task(number, unit.kind, refs, plan=files[0].plan, part=unit.part, parts=parts)

    def _planned(self, file: OpenFile, plan: GopLengths, sharers: int) -> None:
        file.plan, file.started = plan, False
        self._manifest.planned(file.ref.file, plan)
        for part in cut(plan, (), self._part_frames(plan, sharers)):
            self._offer("part", [file], part)

    def _resume_parts(
        self, file: OpenFile, plan: GopLengths, job: PendingFile, sharers: int
    ) -> None:
        """What was coded stays; parts that workers died of come again as they were."""
        file.plan = plan
        for done in job.done:
            file.add(done)
        self.counts.bytes_before += self._share(file, file.frames_done)
        self.counts.bytes_in += self._share(file, file.frames_done)
        taken = [done.part for done in job.done]
        for part, deaths in job.tried:
            file.tries[part.first_gop] = Tries(deaths=deaths)
            taken.append(part)
            self._offer("part", [file], part, again=True)
        for part in cut(plan, taken, self._part_frames(plan, sharers)):
            self._offer("part", [file], part)
        if file.is_coded:
            self._offer("join", [file])

    def _part_frames(self, plan: GopLengths, sharers: int) -> float:
        """The most frames of a part of this video."""
        frames = self._costs.pixels_in(self._options.target_seconds) / (plan.width * plan.height)
        return frames if sharers == 1 else min(frames, plan.frames / (PARTS_EACH * sharers))

    def _part_done(self, file: OpenFile, done: PartDone, worker: str) -> None:
        assert file.plan is not None
        file.add(done)
        self._costs.learn_part(file.ref, file.plan, done)
        self.counts.gops += done.part.gops
        self.counts.frames += done.part.frames
        self.counts.bytes_in += self._share(file, done.part.frames)
        self._manifest.part_done(done, worker)
        if file.is_coded:
            self._offer("join", [file])

    def _parts_lost(self, file: OpenFile, lost: PartsLost, worker: str) -> None:
        parts = [part for first in lost.first_gops if (part := file.lose(first)) is not None]
        if not parts:
            what = f"parts {lost.first_gops} are lost, but none of them was coded: {lost.reason}"
            self._fail(file, FileError(lost.file, what), worker)
            return
        self._manifest.parts_lost(lost)
        for part in parts:
            self.counts.bytes_in -= self._share(file, part.frames)
            self.counts.retried += 1
            self._count_death(file, part, worker, True, lost.reason)
            self._offer("part", [file], part, again=True)

    def _file_done(self, file: OpenFile, task: Task, done: FileDone, worker: str) -> None:
        if task.kind == "whole":
            self._costs.learn_file(file.ref, done)
            self.counts.gops += done.gops
            self.counts.frames += done.frames
        self.counts.bytes_out += done.size_bytes
        self._manifest.written(done, worker, final=not self._options.verify)
        if self._options.verify:
            self._offer("verify", [file])
        else:
            self._close(file, done=1)

    def _count_death(
        self, file: OpenFile, part: Part | None, worker: str, blame: bool, reason: str
    ) -> None:
        """Of the file, or this part of it; too many, and the file fails."""
        number = file.ref.file
        if number not in self.open:
            return
        tries = file.tries_of(part)
        tries.deaths += blame
        tries.losses += not blame
        if blame:
            self._manifest.attempted(number, part, tries.deaths)
        what = "it" if part is None else f"GOPs {part.first_gop} to {part.end_gop - 1}"
        if tries.deaths >= self._options.max_attempts:
            text = f"given up after {tries.deaths} attempts at {what}"
            text += f"; the last ended with: {reason}"
        elif tries.losses >= self._options.max_losses:
            text = f"{tries.losses} workers were lost while they had {what}, the last: {reason}"
        else:
            return
        self._fail(file, FileError(number, text), worker)

    def _fail(self, file: OpenFile, error: FileError, worker: str) -> None:
        self._manifest.failed(error, worker)
        self._close(file, failed=1)
        most = self._options.max_failures
        if most is not None and self.counts.failed > most:
            self.stopped = f"more than {counted(most, 'file')} failed"

    def _close(self, file: OpenFile, *, done: int = 0, failed: int = 0, skipped: int = 0) -> None:
        del self.open[file.ref.file]
        self.counts.done += done
        self.counts.failed += failed
        self.counts.skipped += skipped
        self.counts.bytes_in += file.ref.size_bytes - self._share(file, file.frames_done)

    @staticmethod
    def _share(file: OpenFile, frames: int) -> float:
        """So many frames as bytes of the input."""
        return file.ref.size_bytes * frames / file.plan.frames if file.plan is not None else 0.0
