"""Signals that end a process: at once, but tidily; or, where work can be resumed, when it is at a good
place."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Never, Self

__all__ = ["STAGE", "Interrupts", "end_tidily", "without_interrupts"]

STAGE = "streamcodec-stage"
"""Name of threads that may still wait for a source when the process ends."""

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def end_tidily() -> None:
    """Have SIGTERM and SIGHUP raise SystemExit with 128 + their number, so that what is half-written
    is removed. Signals that are ignored (nohup), or handled already, stay so."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> Never:
    raise SystemExit(128 + number)


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Processes that this thread starts in its block never get Ctrl-C.

    A process that has just been started cannot see to that itself: it would die with a traceback
    while it still imports. Does nothing on Windows.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Interrupts:
    """In its block the first SIGINT, SIGTERM or SIGHUP only asks to stop: `number` becomes that of
    the signal, and `said` is called. The second raises KeyboardInterrupt.

    Signals that are ignored stay so (nohup). Outside the main thread, where Python knows none, it
    does nothing. Behind the block `hand_on` gives the signal that came to whom it would have gone.
    """

    def __init__(self, said: Callable[[], None]) -> None:
        self.number: int | None = None
        self._said = said
        self._before: dict[int, Any] = {}

    @property
    def reason(self) -> str | None:
        """Why to stop; None = no reason."""
        return None if self.number is None else f"{signal.Signals(self.number).name} came"

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._came)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def hand_on(self) -> None:
        """Does nothing if none came."""
        if self.number is not None:
            signal.raise_signal(self.number)

    def _came(self, number: int, _: FrameType | None) -> None:
        if self.number is not None:
            raise KeyboardInterrupt
        self.number = number
        self._said()
