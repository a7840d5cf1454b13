"""Decides what a free worker does next. Pure logic: no clock, no chance, no input or output; the
same events give the same tasks.

Largest files first, short ones many in one task. A video that would take longer than twice the
target, by the speed measured until then, is planned by the worker that gets it. Its GOPs are then
cut into parts of about the target's length, for many workers; the last video of a run is cut for
all of them.

A worker has one task at a time. Every piece of work has counters of its own: one that kills
`max_attempts` workers makes its file fail; an exception of the codec does so at once. A worker
codes the files of a batch in order, so if it dies the first that it has not reported is taken to be
the cause; the others go back without blame. Each then gets a task of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import ceil

from ..manifest.manifest import Manifest
from ..messages import NO_FILE, FileError, Outcome, PendingFile, Task
from .costs import CostModel, Counts
from .ledger import Ledger
from .options import SchedulerOptions

__all__ = ["Scheduler"]


@dataclass(slots=True)
class _Flight:
    """A task that a worker has; `open`: the files of it that are not reported yet."""

    task: Task
    open: list[int]


class Scheduler:
    """Give it workers' names and their outcomes, get tasks. What is told of a worker that has no
    task is ignored: it was lost before, and its task taken back."""

    def __init__(
        self,
        jobs: Iterable[PendingFile],
        options: SchedulerOptions,
        manifest: Manifest,
        *,
        workers: int = 1,
        pending: int | None = None,
    ) -> None:
        """`jobs`: largest first, read as they are needed. `workers`: how many are expected.
        `pending`: how many jobs there are, if known: towards the end tasks get smaller, so that all
        workers end together."""
        self._backlog = _Backlog(jobs, pending)
        self._options = options
        self._workers = workers
        self._costs = CostModel(options.bytes_per_second, options.pixels_per_second)
        self._ledger = Ledger(options, manifest, self._costs)
        self._flights: dict[str, _Flight] = {}
        self._cancelled: str | None = None

    @property
    def draining(self) -> str | None:
        """Why no further tasks are given; None while they are."""
        return self._cancelled or self._ledger.stopped

    @property
    def finished(self) -> bool:
        """Nothing is in flight, and nothing will be."""
        return not self._flights and (
            self.draining is not None or not (self._ledger.open or self._backlog.more)
        )

    @property
    def in_flight(self) -> int:
        """Tasks that workers have."""
        return len(self._flights)

    @property
    def counts(self) -> Counts:
        """What has been done so far, by this scheduler. A copy."""
        return replace(self._ledger.counts)

    def task_of(self, worker: str) -> Task | None:
        """What the worker has to do."""
        flight = self._flights.get(worker)
        return None if flight is None else flight.task

    def next_task(self, worker: str) -> Task | None:
        """Work for this worker, which has none; None if there is none now. Raises what the iterator
        of jobs raises."""
        if self.draining is not None:
            return None
        while (task := self._ledger.take(worker, self._sharers)) is None:
            if not self._open_next():
                return None
        self._flights[worker] = _Flight(task, [ref.file for ref in task.files])
        return task

    def reported(self, worker: str, outcome: Outcome) -> None:
        """One file of the worker's task is through; the rest of it goes on."""
        flight = self._flights.get(worker)
        if flight is not None:
            self._settle(worker, flight, outcome)

    def ended(self, worker: str) -> None:
        """The worker's task is over. A file of it that was not reported counts as failed."""
        flight = self._flights.get(worker)
        if flight is not None:
            kind, number = flight.task.kind, flight.task.id
            missing = f"the worker's answer to {kind} task {number} says nothing of this file"
            self.broke(worker, FileError(NO_FILE, missing))

    def broke(self, worker: str, error: FileError) -> None:
        """The worker's task ended with an exception: an error for every file of it that was not
        reported."""
        flight = self._flights.pop(worker, None)
        if flight is not None:
            for file in list(flight.open):
                self._settle(worker, flight, replace(error, file=file))

    def lost(self, worker: str, *, blame: bool = True, reason: str = "") -> None:
        """The worker died; its task goes back. `blame` false: not for what it was doing (its
        machine was removed, someone killed it)."""
        flight = self._flights.pop(worker, None)
        if flight is not None:
            self._ledger.lost(flight.task, flight.open, worker, reason, blame)

    def cancel(self, reason: str = "cancelled") -> None:
        """Give no further tasks; what is in flight may come home."""
        self._cancelled = self._cancelled or reason

    def _settle(self, worker: str, flight: _Flight, outcome: Outcome) -> None:
        if outcome.file in flight.open:
            flight.open.remove(outcome.file)
            self._ledger.settle(flight.task, outcome, worker, self._sharers)

    @property
    def _sharers(self) -> int:
        """Workers that a video is cut for: all of them if it is the last."""
        return 1 if self._backlog.more else self._workers

    def _open_next(self) -> bool:
        """Open the next files of the backlog; False if it is empty."""
        job = self._backlog.take()
        if job is None:
            return False
        if not self._ledger.resume(job, self._backlog.taken, self._sharers):
            self._ledger.begin(self._batch(job))
        return True

    def _batch(self, job: PendingFile) -> list[tuple[PendingFile, int]]:
        """This file and those after it, until they make a task of the target's length. A file that
        killed a worker stays alone."""
        batch, cost = [(job, self._backlog.taken)], self._costs.of_file(job.ref)
        limit, left = self._options.max_batch, self._backlog.left
        if left is not None:
            limit = min(limit, ceil((left + 1) / (2 * self._workers)))
        while len(batch) < limit and not job.attempts:
            other = self._backlog.peek()
            if other is None or other.attempts or other.plan is not None or other.written:
                break
            cost += self._costs.of_file(other.ref)
            if cost > self._options.target_seconds:
                break
            self._backlog.take()
            batch.append((other, self._backlog.taken))
        return batch


class _Backlog:
    """The jobs that are still to be opened, with a look at the next. `taken`: how many were.
    `left`: how many are; None = unknown."""

    def __init__(self, jobs: Iterable[PendingFile], pending: int | None) -> None:
        self._jobs: Iterator[PendingFile] = iter(jobs)
        self._next: PendingFile | None = None
        self._pending = pending
        self.taken = 0

    @property
    def more(self) -> bool:
        return self.peek() is not None

    @property
    def left(self) -> int | None:
        return None if self._pending is None else max(self._pending - self.taken, 0)

    def peek(self) -> PendingFile | None:
        if self._next is None:
            self._next = next(self._jobs, None)
        return self._next

    def take(self) -> PendingFile | None:
        job, self._next = self.peek(), None
        self.taken += job is not None
        return job
