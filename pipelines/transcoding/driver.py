"""The loop that stands between the scheduler and whoever does the work. No Ray here: see
ray_workers.py for the workers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from streamcodec.errors import StreamCodecError

from ..files.locations import FileRef
from .messages import FileDone, FileError, Outcome, Task
from .report.event_log import EventLog
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
    """One file of the worker's task has come to an outcome."""

    worker: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Ended:
    """All outcomes of the worker's task have been reported."""

    worker: str


@dataclass(frozen=True, slots=True)
class Broke:
    """The worker's task ended with an exception; the worker lives. `error`: of none of its files in
    particular."""

    worker: str
    error: FileError


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker is gone, with its task if it had one. `blame`: perhaps for what it was doing.
    Another one, of another name, is on its way."""

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
    task too many to lose or to wait for. The scheduler knows which.

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
    _idle: list[str] = field(default_factory=list)
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
        while self._idle and (task := self.scheduler.next_task(self._idle[0])) is not None:
            worker = self._idle.pop(0)
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
                self._idle.append(worker)
                self.log.ready(worker, node, pid)
            case Reported(worker, outcome):
                self._reported(worker, outcome)
            case Ended(worker):
                self._idle.append(worker)
                self.scheduler.ended(worker)
            case Broke(worker, error):
                self._idle.append(worker)
                self.log.broke(worker, self.scheduler.task_of(worker), error)
                self.scheduler.broke(worker, error)
            case Lost(worker, blame, reason):
                self._lost(worker, blame, reason)

    def _reported(self, worker: str, outcome: Outcome) -> None:
        task = self.scheduler.task_of(worker)
        assert task is not None
        self._deaths = 0
        self.log.reported(worker, task, outcome)
        self.scheduler.reported(worker, outcome)
        if task.kind == "join" and isinstance(outcome, FileDone):
            self._unneeded.append(task.files[0])

    def _lost(self, worker: str, blame: bool, reason: str) -> None:
        task = self.scheduler.task_of(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        self.log.lost(worker, task, blame, reason)
        self.scheduler.lost(worker, blame=blame, reason=reason)
        self._deaths += task is None
        if self._deaths >= IDLE_DEATHS * max(self.expected_workers, 1):
            raise StreamCodecError(
                f"{self._deaths} workers in a row died before they did anything, the last: {reason}"
            )
