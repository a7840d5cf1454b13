"""Stages that overlap: each runs in a thread of its own and hands its items on through a small queue."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from streamcodec.errors import StreamCodecError
from streamcodec.interrupts import STAGE

__all__ = ["Progress", "overlapped"]

T = TypeVar("T")

Progress = Callable[[int, int | None], None]
"""Called with the number of frames done and the number expected, None if that is not known."""

DEPTH = 2
POLL_SECONDS = 0.1
JOIN_SECONDS = 10.0
IDLE_POLLS = 3  # without any work: such a stage is waiting, for a source that may never give more


@dataclass(frozen=True)
class _End:
    error: BaseException | None


@contextmanager
def overlapped(
    items: Iterable[T], depth: int = DEPTH, until: Callable[[], bool] | None = None
) -> Iterator[Iterator[T]]:
    """Run `items` in a thread, at most `depth` items ahead; inside the block iterate over what it gives.

    `until`: asked before every item, and again and again while there is none; true ends the iteration.

    An exception of the stage is raised where its item would have come. Leaving the block early stops the stage and closes it; one that
    waits for a source that has stalled is left behind, and ends when the source goes on, or with the process.
    """
    ready: queue.Queue[T | _End] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: T | _End) -> bool:
        while not stop.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=POLL_SECONDS)
                return True
        return False

    def work() -> None:
        error: BaseException | None = None
        try:
            iterator = iter(items)
            try:
                for item in iterator:
                    if not put(item):
                        break
            finally:
                close = getattr(iterator, "close", None)
                if close is not None:
                    close()
        except BaseException as caught:  # handed to the consumer, who would wait for ever otherwise
            error = caught
        put(_End(error))

    thread = threading.Thread(target=work, name=STAGE, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise StreamCodecError(
            f"no thread can be started ({error}): memory or the number of processes is at its limit"
        ) from error
    try:
        yield _consume(ready, until)
    finally:
        stop.set()
        _join(thread)
        with suppress(queue.Full):
            ready.put_nowait(_End(None))  # for a stage that is left behind and waits for this one


def _join(thread: threading.Thread) -> None:
    """Wait for the thread for as long as it works, JOIN_SECONDS at most."""
    idle, before, polls = 0, -1.0, round(JOIN_SECONDS / POLL_SECONDS)
    while thread.is_alive() and idle < IDLE_POLLS and polls > 0:
        thread.join(POLL_SECONDS)
        now = _cpu_seconds(thread)
        idle, before, polls = idle + 1 if now == before else 0, now, polls - 1


def _cpu_seconds(thread: threading.Thread) -> float:
    """What the thread has used; where the system does not tell, what the clock says, as if it worked all the time."""
    if not hasattr(time, "pthread_getcpuclockid") or thread.ident is None or not thread.is_alive():
        return time.monotonic()
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def _consume(ready: "queue.Queue[T | _End]", until: Callable[[], bool] | None) -> Iterator[T]:
    while until is None or not until():
        try:
            item = ready.get(timeout=None if until is None else POLL_SECONDS)
        except queue.Empty:
            continue
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return
        yield item
