"""The loop that stands between the scheduler and whoever does the work. No Ray here: see
ray_workers.py for the workers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from streamcodec.errors import StreamCodecError

from ..files.locations import FileRef
from .report.event_log import EventLog
from .schedule.messages import FileDone, FileError, Outcome, Task
from .schedule.scheduler import Scheduler

__all__ = ["Broke", "Driver", "Ended", "Event", "Executor", "Lost", "Ready", "Reported"]

WAIT_SECONDS = 0.5
IDLE_DEATHS = 3  # times the number of workers: after that many deaths in a row, with nothing done, the run stops


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has started and takes tasks. `node`, `pid`: where it runs."""

    worker: str
    node: str
    pid: int


@dataclass(frozen=True, slots=True)
class Reported:
    """One file of a task has come to an outcome."""

    worker: str
    task: Task
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Ended:
    """All outcomes of a task have been reported."""

    worker: str
    task: Task


@dataclass(frozen=True, slots=True)
class Broke:
    """A task ended with an exception; the worker lives."""

    worker: str
    task: Task
    error: FileError


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker is gone, with its task. `blame`: perhaps for what it was doing. Another one, of
    another name, is on its way."""

    worker: str
    blame: bool
    reason: str


Event = Ready | Reported | Ended | Broke | Lost


class Executor(Protocol):
    """Workers that come and go."""

    def submit(self, worker: str, task: Task) -> None:
        """Give a task to a worker that is ready and has none."""

    def wait(self, seconds: float) -> Iterable[Event]:
        """What has happened; waits at most so long for something to happen."""


@dataclass
class Driver:
    """A worker has one task at a time: a second one in store would save it milliseconds, and be a
    task too many to lose or to wait for.

    `save`: make durable what the scheduler has written down; called before every wait. `joined`:
    told of files whose parts are no longer needed, once that is durable. `tick`: called after every
    round. `interrupted`: the reason to give no further tasks, or None.
    """

    scheduler: Scheduler
    executor: Executor
    log: EventLog
    save: Callable[[], None]
    joined: Callable[[FileRef], None]
    tick: Callable[[], None]
    interrupted: Callable[[], str | None]
    expected_workers: int = 1
    _held: dict[str, Task | None] = field(default_factory=dict)
    _unneeded: list[FileRef] = field(default_factory=list)
    _deaths: int = 0

    def run(self) -> None:
        """Until everything is done, or is to be done no more. Raises StreamCodecError if workers
        die before they do anything."""
        while not self.scheduler.finished:
            if (reason := self.interrupted()) is not None:
                self.scheduler.cancel(reason)
            self._hand_out()
            self._save()
            for event in self.executor.wait(WAIT_SECONDS):
                self._take(event)
            self.tick()
        self._save()

    def _hand_out(self) -> None:
        for worker in [worker for worker, task in self._held.items() if task is None]:
            task = self.scheduler.next_task(worker)
            if task is None:
                return
            self._held[worker] = task
            self.log.started(worker, task)
            self.executor.submit(worker, task)

    def _save(self) -> None:
        self.save()
        self.log.flush()
        for ref in self._unneeded:
            self.joined(ref)
        self._unneeded.clear()

    def _take(self, event: Event) -> None:
        match event:
            case Ready(worker, node, pid):
                self._held[worker] = None
                self.log.ready(worker, node, pid)
            case Reported(worker, task, outcome):
                self._deaths = 0
                self.log.reported(worker, task, outcome)
                self.scheduler.progressed(task, outcome)
                if task.kind == "join" and isinstance(outcome, FileDone):
                    self._unneeded.append(task.files[0])
            case Ended(worker, task):
                self._held[worker] = None
                self.scheduler.completed(task, ())
            case Broke(worker, task, error):
                self._held[worker] = None
                self.log.broke(worker, task, error)
                self.scheduler.failed(task, error)
            case Lost(worker, blame, reason):
                self._lost(worker, blame, reason)

    def _lost(self, worker: str, blame: bool, reason: str) -> None:
        task = self._held.pop(worker, None)
        self.log.lost(worker, task, blame, reason)
        self.scheduler.worker_lost(worker, blame=blame, reason=reason)
        self._deaths += task is None
        if self._deaths >= IDLE_DEATHS * max(self.expected_workers, 1):
            raise StreamCodecError(
                f"{self._deaths} workers in a row died before they did anything, the last: {reason}"
            )
