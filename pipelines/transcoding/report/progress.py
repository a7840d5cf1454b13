"""How far a job is: a live display on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ..manifest.rows import Totals
from ..schedule.scheduler import Scheduler

__all__ = ["Show", "Snapshot", "show_progress", "snapshot_of", "time_text"]

LINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at a moment. `total`: files to work on in this run; `kept`: others, done before. `share`: of the work, 0..1, by bytes of input.
    `tasks`: in flight. `fps`: frames coded per second of wall time. `seconds_left`: None = cannot be told yet."""

    total: int
    kept: int
    done: int
    failed: int
    skipped: int
    gops: int
    frames: int
    tasks: int
    share: float
    elapsed_seconds: float
    seconds_left: float | None

    @property
    def fps(self) -> float:
        return self.frames / self.elapsed_seconds if self.elapsed_seconds else 0.0

    @property
    def text(self) -> str:
        """One line for people."""
        parts = [
            f"{self.done + self.failed + self.skipped}/{self.total} files",
            f"{self.gops} GOPs",
            f"{self.fps:.1f} fps",
        ]
        parts += [f"{self.kept} done before"] if self.kept else []
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [] if self.seconds_left is None else [f"{time_text(self.seconds_left)} left"]
        return ", ".join(parts)


Show = Callable[[Snapshot], None]


def snapshot_of(scheduler: Scheduler, listed: Totals, elapsed_seconds: float) -> Snapshot:
    """`listed`: what the manifest told when the run was listed."""
    counts = scheduler.counts
    now = counts.bytes_in - counts.bytes_before
    left = listed.pending_bytes - counts.bytes_in
    return Snapshot(
        total=listed.pending,
        kept=listed.kept,
        done=counts.done,
        failed=counts.failed,
        skipped=counts.skipped,
        gops=counts.gops,
        frames=counts.frames,
        tasks=scheduler.in_flight,
        share=min(counts.bytes_in / listed.pending_bytes, 1.0) if listed.pending_bytes else 1.0,
        elapsed_seconds=elapsed_seconds,
        seconds_left=max(elapsed_seconds * left / now, 0.0) if now > 0 else None,
    )


@contextmanager
def show_progress(
    stream: TextIO | None = None, every_seconds: float = LINE_SECONDS
) -> Iterator[Show]:
    """Show the snapshots that the block hands to the function it gets: on a terminal a bar, elsewhere a line now and then, and one at the
    end. `stream`: standard error if None."""
    out = stream or sys.stderr
    console = Console(file=out)
    if console.is_terminal:
        with _bar(console) as show:
            yield show
    else:
        lines = _Lines(out, every_seconds)
        try:
            yield lines.show
        finally:
            lines.end()


@contextmanager
def _bar(console: Console) -> Iterator[Show]:
    with Progress(
        TextColumn("transcode"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.description}"),
        console=console,
    ) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda snapshot: bar.update(task, completed=snapshot.share, description=snapshot.text)


class _Lines:
    """Plain text, for logs."""

    def __init__(self, out: TextIO, every_seconds: float) -> None:
        self._out = out
        self._every = every_seconds
        self._last = time.monotonic()
        self._unsaid: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        self._unsaid = snapshot
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            self.end()

    def end(self) -> None:
        if self._unsaid is not None:
            print(
                f"transcode: {100 * self._unsaid.share:.0f} %, {self._unsaid.text}",
                file=self._out,
                flush=True,
            )
        self._unsaid = None


def time_text(seconds: float) -> str:
    """3725 -> "1 h 02 min"; 65 -> "1 min 05 s"; 5.2 -> "5 s"."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
