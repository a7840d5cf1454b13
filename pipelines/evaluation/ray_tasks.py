"""Measuring on Ray: a job is a task of one CPU, and few enough are under way that none waits
long."""

import os
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..cluster import connected, default_workers, local_cpus, worker_environment
from .anchors import THREADS
from .rows import Measurement, Row

# isort: split
import ray

__all__ = ["measure_on_ray"]

ATTEMPTS = 3
"""Of a job whose worker dies: then it has failed."""


def measure_on_ray(
    jobs: Sequence[Measurement], workers: int | None = None, address: str | None = None
) -> Iterator[tuple[Measurement, Row | str]]:
    """The results of the jobs, in the order in which they end: a row, or why there is none.
    `workers`: jobs at a time; None = as many as there is room for. `address`: as for `connected`.
    The clips must be under the same paths on all nodes. Raises UsageError for Ray."""
    with connected(address, local_cpus(workers, THREADS)):
        tasks = _Tasks(jobs, workers or default_workers(THREADS))
        try:
            yield from tasks.results()
        finally:
            tasks.cancel()


class _Tasks:
    def __init__(self, jobs: Sequence[Measurement], limit: int) -> None:
        self._waiting = deque(enumerate(jobs))
        self._limit = limit
        self._running: dict[Any, tuple[int, Measurement]] = {}
        self._deaths: Counter[int] = Counter()
        self._measure: Any = ray.remote(_measure).options(num_cpus=THREADS, max_retries=0)
        self._environment = worker_environment()

    def results(self) -> Iterator[tuple[Measurement, Row | str]]:
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._limit:
                number, job = self._waiting.popleft()
                self._running[self._measure.remote(job, self._environment)] = (number, job)
            ready, _ = ray.wait(list(self._running))
            number, job = self._running.pop(ready[0])
            outcome = self._outcome(number, ready[0])
            if outcome is None:
                self._waiting.appendleft((number, job))
            else:
                yield job, outcome

    def _outcome(self, number: int, task: Any) -> Row | str | None:
        """None: its worker died, and it is to be tried again."""
        try:
            found: Row | str = ray.get(task)
        except (
            ray.exceptions.RayTaskError
        ) as error:  # nothing that a clip does wrong, for that is a text
            return f"{type(error.cause).__name__}: {error.cause}"
        except ray.exceptions.RayError as error:
            self._deaths[number] += 1
            reason = str(error).strip().splitlines()[0]
            return (
                None
                if self._deaths[number] < ATTEMPTS
                else f"{ATTEMPTS} workers died of it: {reason}"
            )
        return found

    def cancel(self) -> None:
        for task in self._running:
            ray.cancel(task, force=True)


def _measure(job: Measurement, environment: Mapping[str, str]) -> Row | str:
    os.environ.update(environment)
    from .measure import row_of

    return row_of(job)
