"""Progress on standard error: a bar with fps and time left on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["Advance", "progress"]

LINE_SECONDS = 10.0


class Advance(Protocol):
    """Called with the number of frames done so far."""

    def __call__(self, frames: int) -> None: ...


@contextmanager
def progress(label: str, total: int | None, *, quiet: bool) -> Iterator[Advance]:
    """Give a function to call with the number of frames done; `total` None = not known."""
    if quiet:
        yield lambda frames: None
    elif sys.stderr.isatty():
        with _bar(label, total) as advance:
            yield advance
    else:
        yield _Lines(label, total)


@contextmanager
def _bar(label: str, total: int | None) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[fps]:.2f} fps")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total, fps=0.0)
        yield lambda frames: bar.update(task, completed=frames, fps=frames / max(time.monotonic() - started, 1e-9))


class _Lines:
    def __init__(self, label: str, total: int | None) -> None:
        self._label, self._total = label, total
        self._started = self._last = time.monotonic()

    def __call__(self, frames: int) -> None:
        now = time.monotonic()
        if now - self._last < LINE_SECONDS:
            return
        self._last = now
        fps = frames / (now - self._started)
        left = "" if self._total is None else f"/{self._total}, {max(self._total - frames, 0) / fps:.0f} s left"
        print(f"{self._label}: {frames}{left}, {fps:.2f} fps", file=sys.stderr, flush=True)
