"""Ctrl-C and SIGTERM: the first asks to come to an end, the second ends at once."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Interrupts"]

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """While its block runs, `number` becomes that of the first signal, and `said` is called; the second raises KeyboardInterrupt.

    Signals that are ignored stay so (nohup). Outside the main thread, where Python knows none, it does nothing.
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _came(self, number: int, _: FrameType | None) -> None:
        if self.number is not None:
            raise KeyboardInterrupt
        self.number = number
        self._said()
