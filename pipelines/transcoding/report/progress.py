"""How far a job is: a live display on a terminal, lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TextIO

from streamcodec.progress import Show as MeterShow
from streamcodec.progress import meter
from streamcodec.text import counted, time_text

from ..manifest.rows import Totals
from ..schedule.scheduler import Scheduler

__all__ = ["Show", "Snapshot", "show_progress", "snapshot_of"]

LINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at a moment. `total`: files to work on in this run; `kept`: others, done before.
    `share`: of the work, 0..1, by bytes of input. `tasks`: in flight. `fps`: frames coded per
    second of wall time. `seconds_left`: None = cannot be told yet."""

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
            f"{100 * self.share:.0f} %",
            f"{self.done + self.failed + self.skipped}/{self.total} files",
            counted(self.gops, "GOP"),
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
    """Show the snapshots that the block hands to the function it gets, from the first on: on a
    terminal a bar, elsewhere a line now and then, and one at the end. `stream`: standard error if
    None."""
    with ExitStack() as visible:
        meters: list[MeterShow] = []

        def show(snapshot: Snapshot) -> None:
            if not meters:
                shown = meter("transcode", keep=True, stream=stream, every_seconds=every_seconds)
                meters.append(visible.enter_context(shown))
            meters[0](snapshot.share, snapshot.text)

        yield show
