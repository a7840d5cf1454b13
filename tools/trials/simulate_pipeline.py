#!/usr/bin/env python3
"""A batch job of any size without Ray and without coding: real listing, manifest and scheduler, simulated workers, a stub for a codec.

    python tools/trials/simulate_pipeline.py --items 1000000 --workers 1000 [--deaths 0.001] [--long 0.01] [--folder /tmp]

The driver runs as fast as it can, on a clock of its own: what is measured is what it could bear. Half way it is killed (what it had not
flushed is rolled back) and a second one resumes. Prints one row of a table; --header prints its head first. Times are CPU time of the
driver's process, which a busy machine does not change; only commits, which wait for the disk, are in wall time.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path

from streamcodec.pipelines.files.locations import FileRef
from streamcodec.pipelines.files.outputs import OutputNames
from streamcodec.pipelines.files.sources import Item, list_sources
from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
from streamcodec.pipelines.transcoding.manifest.rows import Totals
from streamcodec.pipelines.transcoding.messages import (
    FileDone,
    GopLengths,
    Outcome,
    PartDone,
    Planned,
    Task,
)
from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions
from streamcodec.pipelines.transcoding.schedule.scheduler import Scheduler

FLUSH_SECONDS = 0.05  # of real time: a driver flushes each time before it waits
BYTES_PER_SECOND = 50e3  # of a stub worker
GOP, WIDTH, HEIGHT, FPS = 32, 640, 360, 5.0
COLUMNS = (
    "items", "workers", "listed/s", "peak MB, listing", "items/s", "tasks/s", "ms/commit", "peak MB", "manifest MB",
    "resume, s", "of it listing",
    "coded twice",
)  # fmt: skip


@dataclass
class Measured:
    """CPU seconds, counts, commits with their wall seconds, and how often each GOP run or file was coded."""

    seconds: float = 0.0
    tasks: int = 0
    items: int = 0
    commits: int = 0
    commit_seconds: float = 0.0
    coded: dict[int, int] = field(default_factory=dict)


def main() -> None:
    arguments = parse()
    if arguments.header:
        print(f"| {' | '.join(COLUMNS)} |\n|{'---:|' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        print(f"| {' | '.join(simulate(Path(folder) / 'manifest.sqlite', arguments))} |")


def simulate(path: Path, arguments: argparse.Namespace) -> list[str]:
    """The cells of a row."""
    measured = Measured()
    began = time.process_time()
    with suppress(Killed), Manifest.open(path) as manifest:
        totals = begin(manifest, arguments)
        listing_seconds, listing_mb = time.process_time() - began, peak_mb()
        run(
            manifest,
            scheduler_of(manifest, arguments, totals.pending),
            arguments,
            measured,
            stop=arguments.items // 2,
        )
    began = time.process_time()
    with Manifest.open(path) as manifest:
        totals = begin(manifest, arguments)
        relisting_seconds = time.process_time() - began
        scheduler = scheduler_of(manifest, arguments, totals.pending)
        first = scheduler.next_task("worker-0")
        resume_seconds = time.process_time() - began
        if first is not None:
            scheduler.lost("worker-0", blame=False, reason="it only waited for the first task")
        run(manifest, scheduler, arguments, measured, stop=None)
        manifest.finish()
        check(manifest, arguments.items)
    again = sum(times - 1 for times in measured.coded.values())
    rates = [
        f"{measured.items / measured.seconds:.0f}",
        f"{measured.tasks / measured.seconds:.0f}",
        f"{1e3 * measured.commit_seconds / max(measured.commits, 1):.0f}",
    ]
    sizes = [f"{peak_mb():.0f}", f"{path.stat().st_size / 1e6:.0f}"]
    listing = [f"{arguments.items / listing_seconds:.0f}", f"{listing_mb:.0f}"]
    resuming = [f"{resume_seconds:.2f}", f"{relisting_seconds:.2f}", str(again)]
    return [str(arguments.items), str(arguments.workers), *listing, *rates, *sizes, *resuming]


class Killed(BaseException):
    """The driver's end."""


def begin(manifest: Manifest, arguments: argparse.Namespace) -> Totals:
    manifest.begin({"quality": 32}, ["stub"])
    names = OutputNames("/out")
    return manifest.add((item, names.of(item)) for item in items(arguments.items, arguments.long))


def items(count: int, long: float) -> Iterator[Item]:
    """Through a list, as from standard input: every name is looked up on the disk, though none is there; then given a size."""
    lines = (f"/dataset/{number // 1000:04d}/clip-{number:07d}.mp4\n" for number in range(count))
    for number, item in enumerate(list_sources(["-"], stdin=lines)):
        share = spread(number)
        size = int(4e6 if share < long else 20e3 + 200e3 * share)  # 80 s of work, or 0.4 to 4.4 s
        yield Item(item.location, item.location[9:], size, f"{size}-0")


def scheduler_of(manifest: Manifest, arguments: argparse.Namespace, pending: int) -> Scheduler:
    options = SchedulerOptions(
        bytes_per_second=BYTES_PER_SECOND, pixels_per_second=FPS * WIDTH * HEIGHT
    )
    return Scheduler(manifest.jobs(), options, manifest, workers=arguments.workers, pending=pending)


def run(
    manifest: Manifest,
    scheduler: Scheduler,
    arguments: argparse.Namespace,
    measured: Measured,
    stop: int | None,
) -> None:
    """Events in the order of the workers' clock, until all is done; raises Killed when `stop` files are."""
    free = [f"worker-{number}" for number in range(arguments.workers)]
    events: list[tuple[float, int, str, Task]] = []
    now, began, flushed = 0.0, time.process_time(), time.perf_counter()
    before = scheduler.counts.files
    while not scheduler.finished:
        while free and (task := scheduler.next_task(free[-1])) is not None:
            heappush(events, (now + seconds_of(task), task.id, free.pop(), task))
        if time.perf_counter() - flushed > FLUSH_SECONDS:
            flushed = commit(manifest, measured)
        now, _, worker, task = heappop(events)
        if spread(task.id) < arguments.deaths:
            scheduler.lost(worker, reason="killed by the simulation")
        else:
            for outcome in answer(task, measured):
                scheduler.reported(worker, outcome)
            scheduler.ended(worker)
        free.append(worker)
        measured.tasks += 1
        if stop is not None and scheduler.counts.files >= stop:
            measured.seconds += time.process_time() - began
            measured.items += scheduler.counts.files - before
            manifest._connection.execute("ROLLBACK")  # what a kill would leave of it
            raise Killed
    measured.seconds += time.process_time() - began
    measured.items += scheduler.counts.files - before


def commit(manifest: Manifest, measured: Measured) -> float:
    """When it ended."""
    began = time.perf_counter()
    manifest.flush()
    ended = time.perf_counter()
    measured.commits += 1
    measured.commit_seconds += ended - began
    return ended


def spread(number: int) -> float:
    """0..1, evenly, and the same each time."""
    return (number * 2654435761 % 2**32) / 2**32


def seconds_of(task: Task) -> float:
    """By the workers' clock."""
    if task.part is not None:
        return task.part.frames / FPS
    return sum(file.size_bytes for file in task.files) / BYTES_PER_SECOND


def answer(task: Task, measured: Measured) -> list[Outcome]:
    """What the stub codec makes of a task."""
    file = task.files[0]
    frames = int(file.size_bytes / BYTES_PER_SECOND * FPS)
    if task.long_pixels is not None and frames * WIDTH * HEIGHT > task.long_pixels:
        return [
            Planned(
                file.file,
                GopLengths(WIDTH, HEIGHT, (*[GOP] * (frames // GOP), frames % GOP or GOP)),
            )
        ]
    if task.part is not None:
        for gop in task.part.range:
            count(measured, file.file * 1000 + gop)
        return [
            PartDone(
                file.file,
                task.part,
                f"/parts/{file.key}.{task.part.first_gop}",
                1000,
                task.part.frames / FPS,
            )
        ]
    return [done(each, measured, whole=task.kind == "whole") for each in task.files]


def done(file: FileRef, measured: Measured, *, whole: bool) -> FileDone:
    if whole:
        count(measured, file.file * 1000)
    frames = max(int(file.size_bytes / BYTES_PER_SECOND * FPS), 1)
    return FileDone(
        file.file,
        file.size_bytes // 4,
        frames,
        -(-frames // GOP),
        WIDTH,
        HEIGHT,
        file.size_bytes / BYTES_PER_SECOND,
    )


def count(measured: Measured, what: int) -> None:
    measured.coded[what] = measured.coded.get(what, 0) + 1


def check(manifest: Manifest, expected: int) -> None:
    totals = manifest.totals()
    if totals.done + totals.kept != expected:
        raise RuntimeError(f"{expected} items were listed; the manifest has {totals}")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument(
        "--deaths", type=float, default=0.001, help="share of tasks that kill their worker"
    )
    parser.add_argument(
        "--long", type=float, default=0.01, help="share of files that are long enough to be split"
    )
    parser.add_argument("--folder", type=Path, help="where the manifest is made for the time being")
    parser.add_argument("--header", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
