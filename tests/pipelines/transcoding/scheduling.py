"""What tests of the scheduler share: a manifest in a list, jobs, and a worker without faults."""

from collections.abc import Iterable, Sequence
from typing import Any

from streamcodec.pipelines.files.locations import FileRef
from streamcodec.pipelines.transcoding.messages import (
    FileDone,
    GopLengths,
    Outcome,
    PartDone,
    PendingFile,
    Planned,
    Task,
    Verified,
)
from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions
from streamcodec.pipelines.transcoding.schedule.scheduler import Scheduler

LONG = 10_000_000  # bytes: planned; less than half of it is coded whole
PLAN = GopLengths(100, 100, (32,) * 6 + (8,))


class Notes:
    """In the place of a manifest: keeps all calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *values, **more: self.calls.append((name, (*values, *more.values())))

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [values for each, values in self.calls if each == name]


def ref(number: int, size_bytes: int = 1000) -> FileRef:
    return FileRef(number, f"/in/{number}.mp4", f"/out/{number}.ssf", size_bytes, "00")


def jobs(sizes: Sequence[int]) -> list[PendingFile]:
    return [PendingFile(ref(number, size)) for number, size in enumerate(sizes)]


def scheduler_of(what: Sequence[PendingFile], **options: Any) -> tuple[Scheduler, Notes]:
    notes = Notes()
    return Scheduler(what, SchedulerOptions(**options), notes, pending=len(what)), notes


def done(file: FileRef, seconds: float = 1.0) -> FileDone:
    return FileDone(file.file, 100, 200, 7, 100, 100, seconds)


def part_done(task: Task) -> PartDone:
    assert task.part is not None
    return PartDone(
        task.files[0].file, task.part, f"{task.files[0].file}-{task.part.first_gop}", 10, 1.0
    )


def outcomes_of(task: Task) -> list[Outcome]:
    """What a worker without faults answers."""
    file = task.files[0]
    match task.kind:
        case "part":
            return [part_done(task)]
        case "verify":
            return [Verified(file.file, 0.1)]
        case "join":
            check_join(task)
            return [done(file)]
        case "whole":
            return [
                Planned(each.file, PLAN) if each.size_bytes >= LONG // 2 else done(each)
                for each in task.files
            ]


def check_join(task: Task) -> None:
    assert task.plan is not None
    assert [gop for part in task.parts for gop in part.part.range] == list(range(task.plan.gops))


def taken(scheduler: Scheduler, worker: str = "w") -> Task:
    task = scheduler.next_task(worker)
    assert task is not None
    return task


def finish(scheduler: Scheduler, outcomes: Iterable[Outcome], worker: str = "w") -> None:
    """The worker reports these, and its task is over."""
    for outcome in outcomes:
        scheduler.reported(worker, outcome)
    scheduler.ended(worker)


def work_off(scheduler: Scheduler) -> list[Task]:
    tasks = []
    while (task := scheduler.next_task("w")) is not None:
        tasks.append(task)
        finish(scheduler, outcomes_of(task))
    return tasks
