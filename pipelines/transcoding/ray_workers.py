"""Workers as actors of Ray. Tasks and outcomes travel, a few hundred bytes each (and the plan of a
long video); frames never do."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamcodec.errors import StreamCodecError, UsageError

from ..cluster import worker_environment  # which says what to install where Ray is missing
from ..files.locations import local_path
from .driver import Broke, Ended, Event, Lost, Ready, Reported
from .messages import NO_FILE, FileError, Outcome, Task
from .recipe import Coding

# isort: split
import ray
from ray.exceptions import ActorUnavailableError, RayError, RayTaskError

__all__ = ["Actors", "Fleet", "WorkerSetup"]

NODE_IS_GONE = (
    "node has died",
    "node was terminated",
    "node is dead",
    "node died",
    "node is terminated",
    "preempt",
)
GUESSES = "Some common causes include"
CLOSE_SECONDS = 5.0
PAUSE_SECONDS = 1.0  # before a worker that could not be started is tried again


@dataclass(frozen=True)
class Fleet:
    """How many workers there are, and what each takes: threads of a CPU, and a share of a GPU."""

    workers: int
    threads: int = 1
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.workers < 1 or self.gpus < 0:
            raise UsageError(
                f"workers are {self.workers}, with {self.gpus} GPUs each; accepted: 1 or more workers, GPUs of 0 or more"
            )


@dataclass(frozen=True)
class WorkerSetup:
    """What a worker is told when it starts. `work`: the folder of work; `mark`: a file in it that a
    worker must see, if it is local."""

    coding: Coding
    work: str
    mark: str


class CodingActor:
    """The worker's side. Importing nothing heavy until the environment is set."""

    def __init__(self, job: WorkerSetup, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)
        self._job = job
        self._coder: Any = None

    def start(self) -> tuple[str, int]:
        """Load what a task needs; returns the ids of node and process. Raises UsageError if this
        node does not see the folder of work."""
        work = local_path(self._job.work)
        node = ray.get_runtime_context().get_node_id()
        if work is not None and not Path(work, self._job.mark).exists():
            raise UsageError(
                f"{work} is not the same folder on node {node}: name a folder that all nodes share, or a URL"
            )
        from ..files.storage import Storage
        from .worker import Coder

        self._storage = Storage(self._job.work)
        self._coder = Coder(self._job.coding, self._storage)
        return str(node), os.getpid()

    def perform(self, task: Task) -> Iterator[Outcome]:
        """The outcomes, as they come."""
        yield from self._coder.perform(task)

    def close(self) -> None:
        """Remove what was fetched: nothing of the process is run any more when Ray ends it."""
        self._storage.close()


@dataclass
class _Actor:
    """The driver's side. `reply`: what comes next from it: that it has started, then streams of a
    task's outcomes; None while it is idle. `node`: None until it has started."""

    handle: Any
    reply: Any
    node: str | None = None


class Actors:
    """An executor (driver.py). Where an actor dies, another one is started, on whichever node has
    room."""

    def __init__(self, fleet: Fleet, job: WorkerSetup) -> None:
        self._fleet = fleet
        self._job = job
        options = {
            "num_cpus": fleet.threads,
            "num_gpus": fleet.gpus,
            "max_restarts": 0,
            "scheduling_strategy": "SPREAD",
        }
        self._class: Any = ray.remote(CodingActor).options(**options)
        self._actors: dict[str, _Actor] = {}
        self._count = 0
        self._not_before = 0.0
        for _ in range(fleet.workers):
            self._add()

    @property
    def ready(self) -> int:
        """Workers that take tasks."""
        return sum(actor.node is not None for actor in self._actors.values())

    @property
    def needs(self) -> str:
        """What a worker takes, for people."""
        return f"{self._fleet.threads} CPUs" + (
            f" and {self._fleet.gpus:g} GPUs" if self._fleet.gpus else ""
        )

    def submit(self, worker: str, task: Task) -> None:
        actor = self._actors[worker]
        actor.reply = actor.handle.perform.options(num_returns="streaming").remote(task)

    def wait(self, seconds: float) -> Iterator[Event]:
        if len(self._actors) < self._fleet.workers and time.monotonic() >= self._not_before:
            self._add()
        waiting = {
            actor.reply: name for name, actor in self._actors.items() if actor.reply is not None
        }
        if not waiting:
            time.sleep(seconds)
            return
        ready, _ = ray.wait(list(waiting), num_returns=1, timeout=seconds, fetch_local=False)
        if ready:
            ready, _ = ray.wait(
                list(waiting), num_returns=len(waiting), timeout=0, fetch_local=False
            )
        for reply in ready:
            name = waiting[reply]
            yield self._event(name, self._actors[name])

    def stop(self) -> None:
        """End all workers, at once; those that do nothing tidy up before."""
        idle = [
            actor.handle.close.remote() for actor in self._actors.values() if actor.reply is None
        ]
        if idle:
            ray.wait(idle, num_returns=len(idle), timeout=CLOSE_SECONDS)
        for actor in self._actors.values():
            ray.kill(actor.handle, no_restart=True)
        self._actors.clear()

    def _add(self) -> None:
        self._count += 1
        handle = self._class.remote(self._job, worker_environment())
        self._actors[f"worker-{self._count}"] = _Actor(handle, handle.start.remote())

    def _event(self, name: str, actor: _Actor) -> Event:
        try:
            return self._started(name, actor) if actor.node is None else self._next(name, actor)
        except RayTaskError as error:  # an exception of the worker's; it lives
            if actor.node is None:
                cause = error.cause
                raise (
                    cause
                    if isinstance(cause, StreamCodecError)
                    else StreamCodecError(f"a worker cannot start: {error}")
                ) from error
            actor.reply = None
            return Broke(name, FileError.of(NO_FILE, error))
        except RayError as error:
            return self._lost(name, actor, error)

    def _started(self, name: str, actor: _Actor) -> Ready:
        actor.node, pid = ray.get(actor.reply)
        actor.reply = None
        assert actor.node is not None
        return Ready(name, actor.node, pid)

    def _next(self, name: str, actor: _Actor) -> Reported | Ended:
        try:
            return Reported(name, ray.get(next(actor.reply)))
        except StopIteration:
            actor.reply = None
            return Ended(name)

    def _lost(self, name: str, actor: _Actor, error: RayError) -> Lost:
        del self._actors[name]
        ray.kill(actor.handle, no_restart=True)  # it may be alive and out of reach
        self._not_before = 0.0 if actor.node is not None else time.monotonic() + PAUSE_SECONDS
        return Lost(name, not _is_away(error, actor.node), _reason(error))


def _reason(error: RayError) -> str:
    """What Ray says, in a line, without the ids and the guesses that follow."""
    lines = [
        line.strip() for line in str(error).splitlines() if line.strip() and "\t" not in line[:1]
    ]
    return " ".join(lines).partition(GUESSES)[0].strip() or type(error).__name__


def _is_away(error: RayError, node: str | None) -> bool:
    """Whether the worker was lost with its node, or is out of reach: not for what it was doing."""
    text = str(error).lower()
    if (
        isinstance(error, ActorUnavailableError)
        or getattr(error, "preempted", False)
        or any(words in text for words in NODE_IS_GONE)
    ):
        return True
    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return node is not None and not any(each["NodeID"] == node and each["Alive"] for each in nodes)
