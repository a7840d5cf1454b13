"""How far work is, on standard error: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol, TextIO

from streamcodec.text import MOST_CHARACTERS, counted, shown, time_text

__all__ = ["Advance", "Show", "frames_done", "meter", "phases"]

LINE_SECONDS = 10.0
LEAST_SECONDS = 0.5
"""Before these are over a speed says nothing."""

Show = Callable[[float | None, str], None]
"""Called with the share of the work that is done, 0..1 (None = not known), and a line about it."""


class Advance(Protocol):
    """Called with the frames done so far, and the number expected (None = not known)."""

    def __call__(self, frames: int, total: int | None) -> None: ...


@contextmanager
def meter(
    label: str,
    *,
    keep: bool = False,
    stream: TextIO | None = None,
    every_seconds: float = LINE_SECONDS,
) -> Iterator[Show]:
    """Show what the block hands to the function it gets.

    `keep`: the last state stays in sight when the block ends. `stream`: standard error if None.
    `every_seconds`: between lines, where there is no terminal.
    """
    out = stream or sys.stderr
    if out.isatty():
        with _bar(label, out, keep=keep) as show:
            yield show
    else:
        lines = _Lines(label, out, every_seconds)
        try:
            yield lines.show
        finally:
            if keep:
                lines.end()


@contextmanager
def frames_done(label: str, *, quiet: bool, begun: int = 0) -> Iterator[Advance]:
    """Give a function to call as frames are done; it does nothing if `quiet`.

    `begun`: frames that were done before, which do not count for the speed.
    """
    if quiet:
        yield lambda frames, total: None
        return
    started = time.monotonic()
    with meter(label) as show:

        def advance(frames: int, total: int | None) -> None:
            if frames:
                seconds = time.monotonic() - started
                fps = (frames - begun) / seconds if seconds >= LEAST_SECONDS else 0.0
                share = None if total is None else min(frames / max(total, 1), 1.0)
                show(share, _frames_text(frames, total, fps))

        yield advance


@contextmanager
def phases(*labels: str, quiet: bool) -> Iterator[tuple[Advance, ...]]:
    """A function for each of several stages: it shows up when it is first called, and takes the
    place of the stage before."""
    with ExitStack() as visible:
        yield tuple(_Phase(label, visible, quiet=quiet) for label in labels)


class _Phase:
    def __init__(self, label: str, visible: ExitStack, *, quiet: bool) -> None:
        self._label, self._visible, self._quiet = label, visible, quiet
        self._advance: Advance | None = None

    def __call__(self, frames: int, total: int | None) -> None:
        if self._advance is None:
            self._visible.close()
            stage = frames_done(self._label, quiet=self._quiet, begun=frames)
            self._advance = self._visible.enter_context(stage)
        self._advance(frames, total)


def _frames_text(frames: int, total: int | None, fps: float) -> str:
    """`fps` 0: not known yet."""
    done = counted(frames, "frame") if total is None else f"{frames}/{total} frames"
    if not fps:
        return done
    left = "" if total is None else f", {time_text(max(total - frames, 0) / fps)} left"
    return f"{done}{left}, {fps:.2f} fps"


@contextmanager
def _bar(label: str, out: TextIO, *, keep: bool) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.fields[label]}", markup=False), BarColumn())
    text = TextColumn("{task.description}", markup=False)
    with Progress(*columns, text, console=Console(file=out), transient=not keep) as bar:
        task = bar.add_task("", total=None, label=shown(label))

        def show(share: float | None, line: str) -> None:
            total = None if share is None else 1.0
            bar.update(task, total=total, completed=share or 0.0, description=shown(line))

        yield show


class _Lines:
    """Plain text, for logs."""

    def __init__(self, label: str, out: TextIO, every_seconds: float) -> None:
        self._label, self._out, self._every = label, out, every_seconds
        self._last = time.monotonic()
        self._unsaid: str | None = None

    def show(self, share: float | None, line: str) -> None:
        self._unsaid = line
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            self.end()

    def end(self) -> None:
        """Print what was not printed yet."""
        if self._unsaid is not None:
            line = shown(f"{self._label}: {self._unsaid}", MOST_CHARACTERS)
            print(line, file=self._out, flush=True)
        self._unsaid = None
