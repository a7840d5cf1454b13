"""Decides what a free worker does next. Pure logic: no clock, no chance, no input or output; the same events give the same tasks.

Largest files first. A file that takes longer than twice the target is planned and its GOPs go to many workers, in parts of about the
target; shorter ones are coded whole, many in one task. Parts are cut when a worker is free for them, by the speed measured until then;
those of the last file are the smaller, the less of it is left, so that no worker waits long for another.

Every piece of work has counters of its own. One that kills `max_attempts` workers makes its file fail; an exception of the codec does so
at once, unless `retry_errors`. A worker codes the files of a batch in order, so if it dies the first that it has not reported is taken
to be the cause; the others go back without blame. Each then gets a worker of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from math import ceil

from .costs import CostModel
from .counts import Counts
from .file_state import OpenFile
from .journal import Journal
from .ledger import Ledger, Unit
from .messages import FileError, FileJob, Outcome, Task
from .options import SchedulerOptions

__all__ = ["Scheduler"]


@dataclass(slots=True)
class _Flight:
    """A task that a worker has; `open`: the files of it that are not reported yet."""

    task: Task
    worker: str
    open: list[int]


class Scheduler:
    """Give it workers' names and their outcomes, get tasks. Events of a task that was taken back are ignored."""

    def __init__(
        self,
        jobs: Iterable[FileJob],
        options: SchedulerOptions,
        journal: Journal,
        *,
        workers: int = 1,
        pending: int | None = None,
    ) -> None:
        """`jobs`: largest first, read as they are needed. `workers`: how many are expected; `pending`: how many jobs there are, if
        known: towards the end tasks get smaller, so that all workers end together."""
        self._backlog = _Backlog(jobs, pending)
        self._options = options
        self._journal = journal
        self._workers = workers
        self._costs = CostModel(options.bytes_per_second, options.pixels_per_second)
        self._ledger = Ledger(options, journal, self._costs, self._offer)
        self._ready: list[tuple[int, int, int, Unit]] = []
        self._flights: dict[int, _Flight] = {}
        self._of_worker: dict[str, list[int]] = {}
        self._numbers = count()
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

    def next_task(self, worker: str) -> Task | None:
        """Work for this worker, beside what it has; None if there is none now. Raises what the iterator of jobs raises."""
        limit = self._options.max_in_flight
        if self.draining is not None or (limit is not None and len(self._flights) >= limit):
            return None
        while (task := self._from_ready()) is None:
            if not self._pull():
                return None
        self._flights[task.id] = _Flight(task, worker, [ref.file for ref in task.files])
        self._of_worker.setdefault(worker, []).append(task.id)
        self._note_start(task, worker)
        return task

    def progressed(self, task: Task, outcome: Outcome) -> None:
        """One file of a batch is through; the rest of the task goes on."""
        flight = self._flights.get(task.id)
        if flight is not None:
            self._settle(flight, outcome)

    def completed(self, task: Task, outcomes: Sequence[Outcome]) -> None:
        """The task is over. A file of it without an outcome, here or before, counts as failed with an exception."""
        flight = self._land(task)
        if flight is None:
            return
        for outcome in outcomes:
            self._settle(flight, outcome)
        for file in list(flight.open):
            self._settle(
                flight,
                FileError(
                    file,
                    f"the worker's answer to {task.kind} task {task.id} says nothing of this file",
                ),
            )

    def failed(self, task: Task, error: FileError) -> None:
        """The task ended with an exception: an error for every file of it that was not reported before."""
        self.completed(task, [replace(error, file=file) for file in self._open_of(task)])

    def worker_lost(self, worker: str, *, blame: bool = True, reason: str = "") -> None:
        """The worker died; its tasks go back. `blame` false: not for what it was doing (its machine was removed, someone killed it)."""
        for number, flight in enumerate(
            [self._flights[each] for each in self._of_worker.get(worker, ())]
        ):
            self._land(flight.task)
            if number == 0:
                self._ledger.died(
                    flight.task, flight.open, blame=blame, worker=worker, reason=reason
                )
            else:
                self._ledger.give_back(flight.task, flight.open)
        self._of_worker.pop(worker, None)

    def cancel(self, reason: str = "cancelled") -> None:
        """Give no further tasks; what is in flight may come home."""
        self._cancelled = self._cancelled or reason

    def _open_of(self, task: Task) -> list[int]:
        flight = self._flights.get(task.id)
        return flight.open if flight is not None else []

    def _land(self, task: Task) -> _Flight | None:
        flight = self._flights.pop(task.id, None)
        if flight is not None:
            tasks = self._of_worker[flight.worker]
            tasks.remove(task.id)
            if not tasks:
                del self._of_worker[flight.worker]
        return flight

    def _settle(self, flight: _Flight, outcome: Outcome) -> None:
        if outcome.file in flight.open:
            flight.open.remove(outcome.file)
            self._ledger.settle(flight.task, outcome, flight.worker)

    def _note_start(self, task: Task, worker: str) -> None:
        fresh = [
            self._ledger.open[ref.file]
            for ref in task.files
            if not self._ledger.open[ref.file].started
        ]
        if fresh and task.kind != "verify":
            self._journal.started([file.ref for file in fresh], worker)
        for file in fresh:
            file.started = True

    def _offer(self, unit: Unit) -> None:
        """Have this done soon: what completes a file before what begins one, and the larger file first."""
        rank = 0 if unit.kind in ("join", "verify") else 1
        heappush(self._ready, (rank, unit.order, next(self._numbers), unit))

    def _from_ready(self) -> Task | None:
        while self._ready:
            unit = heappop(self._ready)[-1]
            files = [
                file for number in unit.files if (file := self._ledger.open.get(number)) is not None
            ]
            if unit.kind == "part" and files:
                files[0].queued = False
                if files[0].has_parts:
                    return self._cut(files[0])
            elif files:
                return self._task(unit, files)
        return None

    def _cut(self, file: OpenFile) -> Task:
        assert file.plan is not None
        seconds_per_frame = self._costs.of_frames(file.plan, 1)
        frames = self._options.target_seconds / seconds_per_frame
        if self._alone:
            frames = min(frames, file.frames_to_cut / (2 * self._workers))
        part = file.cut(frames)
        self._ledger.offer_parts(file)
        return Task(
            next(self._numbers),
            "part",
            (file.ref,),
            part.frames * seconds_per_frame,
            file.plan,
            part,
        )

    def _task(self, unit: Unit, files: list[OpenFile]) -> Task:
        cost = sum(self._costs.of_file(file.ref) for file in files)
        refs = tuple(file.ref for file in files)
        if unit.kind == "join":
            return Task(
                next(self._numbers), "join", refs, cost, files[0].plan, None, files[0].parts()
            )
        return Task(next(self._numbers), unit.kind, refs, cost)

    def _pull(self) -> bool:
        """Open the next files of the backlog; False if it is empty."""
        job = self._backlog.take()
        if job is None:
            return False
        if self._ledger.resume(job, self._backlog.taken):
            return True
        cost = self._costs.of_file(job.ref)
        longest = 2 * self._options.target_seconds / (self._workers if self._alone else 1)
        if self._options.split and cost > longest:
            self._ledger.begin("plan", [(job, self._backlog.taken)])
        else:
            self._ledger.begin("whole", self._batch(job, cost))
        return True

    @property
    def _alone(self) -> bool:
        """Several workers and no further file: whatever the speed, the last one is shared."""
        return self._workers > 1 and not self._backlog.more

    def _batch(self, job: FileJob, cost: float) -> list[tuple[FileJob, int]]:
        """This file and those after it, until they make a task of the target's length. A file that killed a worker stays alone."""
        batch = [(job, self._backlog.taken)]
        left = self._backlog.left
        limit = (
            self._options.max_batch
            if left is None
            else min(self._options.max_batch, ceil((left + 1) / (2 * self._workers)))
        )
        while (
            len(batch) < limit and not job.attempts and (other := self._backlog.peek()) is not None
        ):
            cost += self._costs.of_file(other.ref)
            if (
                cost > self._options.target_seconds
                or other.attempts
                or other.plan is not None
                or other.written
            ):
                break
            self._backlog.take()
            batch.append((other, self._backlog.taken))
        return batch


class _Backlog:
    """The jobs that are still to be opened, with a look at the next. `taken`: how many were; `left`: how many are, None = unknown."""

    def __init__(self, jobs: Iterable[FileJob], pending: int | None) -> None:
        self._jobs: Iterator[FileJob] = iter(jobs)
        self._next: FileJob | None = None
        self._pending = pending
        self.taken = 0

    @property
    def more(self) -> bool:
        return self.peek() is not None

    @property
    def left(self) -> int | None:
        return None if self._pending is None else max(self._pending - self.taken, 0)

    def peek(self) -> FileJob | None:
        if self._next is None:
            self._next = next(self._jobs, None)
        return self._next

    def take(self) -> FileJob | None:
        job, self._next = self.peek(), None
        self.taken += job is not None
        return job
