"""What follows from an outcome: the state of every file that is being worked on, its counters, and what is written down of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .costs import CostModel
from .counts import Counts
from .file_state import OpenFile
from .journal import Journal
from .messages import (
    FileDone,
    FileError,
    FileJob,
    Outcome,
    Part,
    PartDone,
    PartsLost,
    Planned,
    Skipped,
    Task,
    TaskKind,
    Verified,
)
from .options import SchedulerOptions

__all__ = ["Ledger", "Unit"]


@dataclass(frozen=True, slots=True)
class Unit:
    """Work that waits for a worker. `order`: that of its first file."""

    kind: TaskKind
    files: tuple[int, ...]
    order: int


class Ledger:
    """`open`: by number, the files that are being worked on. `stopped`: why the run must stop, None = it need not.
    `offer`: is told of all work that can be given out."""

    def __init__(
        self,
        options: SchedulerOptions,
        journal: Journal,
        costs: CostModel,
        offer: Callable[[Unit], None],
    ) -> None:
        self.open: dict[int, OpenFile] = {}
        self.counts = Counts()
        self.stopped: str | None = None
        self._options = options
        self._journal = journal
        self._costs = costs
        self._offer = offer

    def begin(self, kind: TaskKind, jobs: Sequence[tuple[FileJob, int]]) -> None:
        """Open files that nothing was done of yet; the numbers beside the jobs are their order."""
        for job, order in jobs:
            self.open[job.ref.file] = OpenFile.resumed(job, order)
        self._offer(Unit(kind, tuple(job.ref.file for job, _ in jobs), jobs[0][1]))

    def resume(self, job: FileJob, order: int) -> bool:
        """Open a file that something was done of; False, and nothing happens, if this is none."""
        if job.plan is None and not job.written:
            return False
        file = self.open[job.ref.file] = OpenFile.resumed(job, order)
        if job.written and self._options.verify:
            self._again("verify", file)
        elif job.written:
            self._journal.verified(job.ref.file)
            self._close(file, done=1)
        else:
            self.counts.bytes_before += self._share(file, file.frames_done)
            self.counts.bytes_in += self._share(file, file.frames_done)
            self.offer_parts(file)
        return True

    def offer_parts(self, file: OpenFile) -> None:
        """Offer what comes next of a planned file, unless it is offered already."""
        if file.has_parts and not file.queued:
            file.queued = True
            self._again("part", file)
        elif file.is_coded:
            self._again("join", file)

    def settle(self, task: Task, outcome: Outcome, worker: str) -> None:
        """Take in an outcome of this task. Of a file that has ended meanwhile only coded parts are still of use, to a later run."""
        file = self.open.get(outcome.file)
        if file is None:
            if isinstance(outcome, PartDone):
                self._journal.part_done(outcome, worker)
            return
        match outcome:
            case Planned(plan=plan):
                file.set_plan(plan)
                file.started = False
                self._journal.planned(outcome.file, plan)
                self.offer_parts(file)
            case PartDone():
                self._part_done(file, outcome, worker)
            case PartsLost():
                self._parts_lost(file, outcome, worker)
            case FileDone():
                self._file_done(file, task, outcome, worker)
            case Verified():
                self._journal.verified(outcome.file)
                self._close(file, done=1)
            case Skipped():
                self._journal.skipped(outcome, worker)
                self._close(file, skipped=1)
            case FileError():
                self._error(file, task, outcome, worker)

    def died(
        self, task: Task, files: Sequence[int], *, blame: bool, worker: str, reason: str
    ) -> None:
        """A worker died with this task, of which these files were not reported."""
        for number, file in enumerate(self._still_open(files)):
            if number == 0 or not blame:
                self._count_death(file, task.part, worker, blame, reason)
            if file.ref.file in self.open:
                self._retry(file, task)

    def give_back(self, task: Task, files: Sequence[int]) -> None:
        """The task was not begun: offer it as it was."""
        left = self._still_open(files)
        if task.part is not None:
            for file in left:
                self._retry(file, task)
        elif left:
            self.counts.retried += 1
            self._offer(Unit(task.kind, tuple(file.ref.file for file in left), left[0].order))

    def _still_open(self, files: Sequence[int]) -> list[OpenFile]:
        return [self.open[file] for file in files if file in self.open]

    def _again(self, kind: TaskKind, file: OpenFile) -> None:
        self._offer(Unit(kind, (file.ref.file,), file.order))

    def _retry(self, file: OpenFile, task: Task) -> None:
        self.counts.retried += 1
        if task.part is None:
            self._again(task.kind, file)
        else:
            file.give_back(task.part)
            self.offer_parts(file)

    def _part_done(self, file: OpenFile, done: PartDone, worker: str) -> None:
        assert file.plan is not None
        file.add(done)
        self._costs.learn_part(file.ref, file.plan, done)
        self.counts.gops += done.part.gops
        self.counts.frames += done.part.frames
        self.counts.bytes_in += self._share(file, done.part.frames)
        self._journal.part_done(done, worker)
        if file.is_coded:
            self.offer_parts(file)

    def _parts_lost(self, file: OpenFile, lost: PartsLost, worker: str) -> None:
        parts = [
            part for first_gop in lost.first_gops if (part := file.lose(first_gop)) is not None
        ]
        if not parts:
            self._fail(
                file,
                FileError(
                    lost.file,
                    f"parts {lost.first_gops} are lost, but none of them was coded: {lost.reason}",
                ),
                worker,
            )
            return
        self._journal.parts_lost(lost)
        for part in parts:
            self.counts.bytes_in -= self._share(file, part.frames)
            self.counts.retried += 1
            self._count_death(file, part, worker, True, lost.reason)
        if lost.file in self.open:
            self.offer_parts(file)

    def _file_done(self, file: OpenFile, task: Task, done: FileDone, worker: str) -> None:
        if task.kind == "whole":
            self._costs.learn_file(file.ref, done)
            self.counts.gops += done.gops
            self.counts.frames += done.frames
        self.counts.bytes_out += done.size_bytes
        self._journal.written(done, worker, final=not self._options.verify)
        if self._options.verify:
            self._again("verify", file)
        else:
            self._close(file, done=1)

    def _error(self, file: OpenFile, task: Task, error: FileError, worker: str) -> None:
        tries = file.tries_of(task.part)
        tries.errors += 1
        if tries.errors > self._options.retry_errors:
            self._fail(file, error, worker)
        else:
            self._retry(file, task)

    def _count_death(
        self, file: OpenFile, part: Part | None, worker: str, blame: bool, reason: str
    ) -> None:
        """Of the file, or this part of it; too many, and the file fails."""
        if file.ref.file not in self.open:
            return
        tries = file.tries_of(part)
        tries.deaths += blame
        tries.losses += not blame
        if blame:
            self._journal.attempted(file.ref.file, part, tries.deaths)
        what = "it" if part is None else f"GOPs {part.first_gop} to {part.end_gop - 1}"
        if tries.deaths >= self._options.max_attempts:
            self._fail(
                file,
                FileError(
                    file.ref.file,
                    f"given up after {tries.deaths} attempts at {what}; the last ended with: {reason}",
                ),
                worker,
            )
        elif tries.losses >= self._options.max_losses:
            self._fail(
                file,
                FileError(
                    file.ref.file,
                    f"{tries.losses} workers were lost while they had {what}, the last: {reason}",
                ),
                worker,
            )

    def _fail(self, file: OpenFile, error: FileError, worker: str) -> None:
        self._journal.failed(error, worker)
        self._close(file, failed=1)
        most = self._options.max_failures
        if most is not None and self.counts.failed > most:
            self.stopped = f"more than {most} files failed"

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
