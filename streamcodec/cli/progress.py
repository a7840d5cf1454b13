"""Progress on standard error: a bar with fps and time left on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from streamcodec.cli.common import say

__all__ = ["Advance", "phases", "progress"]

LINE_SECONDS = 10.0


class Advance(Protocol):
    """Called with the number of frames done so far, and the number expected (None = not known)."""

    def __call__(self, frames: int, total: int | None) -> None: ...


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Advance]:
    """Give a function to call as frames are done."""
    if quiet:
        yield lambda frames, total: None
    elif sys.stderr.isatty():
        with _bar(label) as advance:
            yield advance
    else:
        yield _Lines(label)


@contextmanager
def phases(*labels: str, quiet: bool) -> Iterator[tuple[Advance, ...]]:
    """A function for each of several stages: it shows up when it is first called, and takes the place of the stage before."""
    with ExitStack() as shown:
        yield tuple(_Phase(label, shown, quiet=quiet) for label in labels)


class _Phase:
    def __init__(self, label: str, shown: ExitStack, *, quiet: bool) -> None:
        self._label, self._shown, self._quiet = label, shown, quiet
        self._advance: Advance | None = None

    def __call__(self, frames: int, total: int | None) -> None:
        if self._advance is None:
            self._shown.close()
            self._advance = self._shown.enter_context(progress(self._label, quiet=self._quiet))
        self._advance(frames, total)


@contextmanager
def _bar(label: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    rate = TextColumn("{task.fields[fps]:.2f} fps")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        rate,
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, fps=0.0)

        def advance(frames: int, total: int | None) -> None:
            bar.update(
                task,
                completed=frames,
                total=total,
                fps=frames / max(time.monotonic() - started, 1e-9),
            )

        yield advance


class _Lines:
    def __init__(self, label: str) -> None:
        self._label = label
        self._started = self._last = time.monotonic()

    def __call__(self, frames: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._last < LINE_SECONDS or not frames:
            return
        self._last = now
        fps = frames / (now - self._started)
        left = (
            " frames"
            if total is None
            else f"/{total} frames, {max(total - frames, 0) / fps:.0f} s left"
        )
        say(f"{self._label}: {frames}{left}, {fps:.2f} fps", err=True)
