"""The scheduler under workers that die at any time: all work ends, none is done twice, attempts are bounded."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamcodec.pipelines.options import SchedulerOptions
from streamcodec.pipelines.scheduler import Scheduler
from streamcodec.pipelines.tasks import (
    FileDone,
    FileError,
    FileJob,
    FileRef,
    Outcome,
    Part,
    PartDone,
    PartsLost,
    Plan,
    Planned,
    Skipped,
    Task,
    Verified,
)

from streamcodec.errors import UsageError

LONG = 10_000_000  # bytes: split; less than 1 MB is coded whole
PLAN = Plan(100, 100, (32,) * 6 + (8,))


class Notes:
    """A journal that keeps all calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *values, **more: self.calls.append((name, (*values, *more.values())))

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [values for each, values in self.calls if each == name]


def ref(number: int, size_bytes: int = 1000) -> FileRef:
    return FileRef(number, f"/in/{number}.mp4", f"/out/{number}.ssf", size_bytes, "00")


def jobs(sizes: Sequence[int]) -> list[FileJob]:
    return [FileJob(ref(number, size)) for number, size in enumerate(sizes)]


def scheduler_of(what: Sequence[FileJob], **options: Any) -> tuple[Scheduler, Notes]:
    notes = Notes()
    return Scheduler(what, SchedulerOptions(**options), notes, pending=len(what)), notes


def done(file: FileRef, seconds: float = 1.0) -> FileDone:
    return FileDone(file.file, 100, 200, 7, 100, 100, seconds)


def part_done(task: Task) -> PartDone:
    assert task.part is not None
    return PartDone(task.files[0].file, task.part, f"{task.files[0].file}-{task.part.first_gop}", 10, 1.0)


def outcomes_of(task: Task) -> list[Outcome]:
    """What a worker without faults answers."""
    file = task.files[0]
    match task.kind:
        case "plan":
            return [Planned(file.file, PLAN)]
        case "part":
            return [part_done(task)]
        case "verify":
            return [Verified(file.file, 0.1)]
        case "join":
            check_join(task)
    return [done(each) for each in task.files]


def check_join(task: Task) -> None:
    assert task.plan is not None
    assert [gop for part in task.parts for gop in part.part.range] == list(range(task.plan.gops))


def taken(scheduler: Scheduler, worker: str = "w") -> Task:
    task = scheduler.next_task(worker)
    assert task is not None
    return task


def work_off(scheduler: Scheduler) -> list[Task]:
    tasks = []
    while (task := scheduler.next_task("w")) is not None:
        tasks.append(task)
        scheduler.completed(task, outcomes_of(task))
    return tasks


def test_long_files_are_split_and_short_ones_grouped() -> None:
    scheduler, notes = scheduler_of(jobs([LONG, 1000, 900, 800]), target_seconds=1, pixels_per_second=1e6)
    tasks = work_off(scheduler)
    assert [task.kind for task in tasks] == ["plan", "part", "part", "part", "join", "whole", "whole"]
    assert [task.part for task in tasks if task.part] == [Part(0, 3, 96), Part(3, 3, 96), Part(6, 1, 8)]
    assert [[file.file for file in task.files] for task in tasks[-2:]] == [[1, 2], [3]]  # half of what is left
    assert scheduler.finished
    assert scheduler.counts.done == 4
    assert scheduler.counts.gops == 7 + 3 * 7
    assert scheduler.counts.bytes_in == pytest.approx(LONG + 2700)
    assert [values[1] for values in notes.of("written")] == ["w"] * 4


def test_same_events_give_same_tasks() -> None:
    sizes = [LONG, LONG // 2, 5000, 4000, 3000]
    assert work_off(scheduler_of(jobs(sizes))[0]) == work_off(scheduler_of(jobs(sizes))[0])


def test_parts_follow_the_measured_speed() -> None:
    scheduler, _ = scheduler_of(jobs([LONG]), target_seconds=2, pixels_per_second=2e5)
    scheduler.completed(taken(scheduler), [Planned(0, PLAN)])
    first = taken(scheduler)
    assert first.part == Part(0, 1, 32)  # 1.6 s each
    scheduler.completed(first, [PartDone(0, first.part, "p", 10, 0.4)])
    assert taken(scheduler).part == Part(1, 2, 64)  # 62 to 80 frames a second by now


def test_several_workers_share_a_file_and_join_waits_for_all() -> None:
    scheduler, _ = scheduler_of(jobs([LONG]), target_seconds=1, pixels_per_second=1e6)
    scheduler.completed(taken(scheduler), [Planned(0, PLAN)])
    parts = [taken(scheduler, name) for name in "abc"]
    for task in parts[1:]:
        assert scheduler.next_task("d") is None
        scheduler.completed(task, outcomes_of(task))
    assert scheduler.next_task("d") is None
    assert not scheduler.finished
    scheduler.completed(parts[0], outcomes_of(parts[0]))
    join = taken(scheduler, "d")
    assert join.kind == "join"
    check_join(join)


def test_killer_fails_after_three_workers_and_its_batch_does_not() -> None:
    scheduler, notes = scheduler_of(jobs([1000, 900, 800, 700]), max_attempts=3)
    batch = taken(scheduler, "w0")
    assert len(batch.files) == 2
    scheduler.progressed(batch, done(batch.files[0]))
    scheduler.worker_lost("w0", reason="killed by signal 9")
    assert [file.file for file in taken(scheduler, "w1").files] == [1]
    scheduler.worker_lost("w1", reason="killed by signal 9")
    assert [file.file for file in taken(scheduler, "w2").files] == [1]
    scheduler.worker_lost("w2", reason="killed by signal 11")
    work_off(scheduler)
    assert (scheduler.counts.done, scheduler.counts.failed) == (3, 1)
    [(error, _)] = notes.of("failed")
    assert error == FileError(1, "given up after 3 attempts at it; the last ended with: killed by signal 11")
    assert notes.of("attempted") == [(1, None, 1), (1, None, 2), (1, None, 3)]


def test_killer_part_fails_its_file_and_keeps_what_is_coded() -> None:
    scheduler, notes = scheduler_of(jobs([LONG, 10]), target_seconds=1, pixels_per_second=1e6)
    scheduler.completed(taken(scheduler), [Planned(0, PLAN)])
    other = taken(scheduler, "other")
    for number in range(3):
        assert taken(scheduler, f"w{number}").part == Part(3, 3, 96)
        scheduler.worker_lost(f"w{number}", reason="out of memory")
    scheduler.completed(other, outcomes_of(other))
    assert notes.of("part_done") == [(part_done(other), "other")]
    assert notes.of("failed")[0][0].error == "given up after 3 attempts at GOPs 3 to 5; the last ended with: out of memory"
    assert [task.kind for task in work_off(scheduler)] == ["whole"]


def test_lost_node_is_not_blamed_on_the_work_but_bounded() -> None:
    scheduler, notes = scheduler_of(jobs([1000]), max_losses=5)
    for number in range(5):
        assert not scheduler.finished
        taken(scheduler, f"w{number}")
        scheduler.worker_lost(f"w{number}", blame=False, reason="node removed")
    assert scheduler.finished
    assert not notes.of("attempted")
    assert notes.of("failed")[0][0].error == "5 workers were lost while they had it, the last: node removed"


def test_only_the_task_that_was_running_is_blamed() -> None:
    scheduler, notes = scheduler_of(jobs([1000, 900]), max_batch=1)
    first, second = taken(scheduler), taken(scheduler)
    scheduler.worker_lost("w", reason="x")
    assert notes.of("attempted") == [(first.files[0].file, None, 1)]
    assert {taken(scheduler, name).files for name in "ab"} == {first.files, second.files}


def test_error_fails_at_once_unless_retries_are_asked() -> None:
    error = FileError.of(0, ValueError("no video stream"))
    assert error.error == "ValueError: no video stream"
    for retries in (0, 2):
        scheduler, notes = scheduler_of(jobs([1000]), retry_errors=retries)
        tries = 0
        while (task := scheduler.next_task("w")) is not None:
            scheduler.failed(task, error)
            tries += 1
        assert tries == retries + 1
        assert notes.of("failed") == [(error, "w")]
        assert scheduler.finished


def test_file_that_the_answer_leaves_out_fails() -> None:
    scheduler, notes = scheduler_of(jobs([1000, 900, 800, 700]))
    task = taken(scheduler)
    scheduler.completed(task, [done(task.files[0])])
    assert notes.of("failed")[0][0] == FileError(1, "the worker's answer to whole task 1 says nothing of this file")


def test_too_many_failures_stop_the_run() -> None:
    scheduler, notes = scheduler_of(jobs([1000] * 10), max_batch=1, max_failures=2)
    while (task := scheduler.next_task("w")) is not None:
        scheduler.failed(task, FileError(0, "broken"))
    assert scheduler.draining == "more than 2 files failed"
    assert scheduler.finished
    assert len(notes.of("failed")) == 3


def test_cancel_drains() -> None:
    scheduler, notes = scheduler_of(jobs([1000] * 10), max_batch=1)
    task = taken(scheduler)
    scheduler.cancel()
    assert scheduler.next_task("v") is None
    assert not scheduler.finished
    scheduler.completed(task, outcomes_of(task))
    assert scheduler.finished
    assert scheduler.draining == "cancelled"
    assert len(notes.of("written")) == 1


def test_events_of_a_task_that_was_taken_back_are_ignored() -> None:
    scheduler, notes = scheduler_of(jobs([1000]))
    task = taken(scheduler, "slow")
    scheduler.worker_lost("slow")
    again = taken(scheduler, "w")
    scheduler.completed(task, outcomes_of(task))
    scheduler.progressed(task, done(task.files[0]))
    scheduler.failed(task, FileError(0, "late"))
    scheduler.worker_lost("slow")
    assert not notes.of("written")
    scheduler.completed(again, outcomes_of(again))
    scheduler.completed(again, outcomes_of(again))
    assert len(notes.of("written")) == 1
    assert scheduler.counts.done == 1


def test_whole_task_may_find_a_file_too_long() -> None:
    scheduler, _ = scheduler_of(jobs([1000, 900, 800, 700]), target_seconds=1, pixels_per_second=1e6)
    task = taken(scheduler)
    scheduler.completed(task, [Planned(0, PLAN), Skipped(1, "there already")])
    assert [task.kind for task in work_off(scheduler)] == ["part", "part", "part", "join", "whole", "whole"]
    assert (scheduler.counts.done, scheduler.counts.skipped) == (3, 1)


def test_lost_parts_are_coded_again_but_not_for_ever() -> None:
    scheduler, notes = scheduler_of(jobs([LONG]), target_seconds=1, pixels_per_second=1e6)
    scheduler.completed(taken(scheduler), [Planned(0, PLAN)])
    for _ in range(3):
        while (task := taken(scheduler)).kind != "join":
            scheduler.completed(task, outcomes_of(task))
        scheduler.completed(task, [PartsLost(0, (3,), "no such file")])
    assert scheduler.finished
    assert len(notes.of("part_done")) == 5
    assert "given up after 3 attempts at GOPs 3 to 5; the last ended with: no such file" in notes.of("failed")[0][0].error


def test_parts_lost_that_never_were_fail() -> None:
    scheduler, notes = scheduler_of(jobs([LONG]), target_seconds=100, bytes_per_second=1e4)
    scheduler.completed(taken(scheduler), [Planned(0, PLAN)])
    task = taken(scheduler)
    scheduler.completed(task, outcomes_of(task))
    scheduler.completed(taken(scheduler), [PartsLost(0, (1,), "no such file")])
    assert "none of them was coded" in notes.of("failed")[0][0].error


def test_resumed_file_codes_only_what_is_missing() -> None:
    coded = (PartDone(0, Part(1, 2, 64), "p1", 10, 1.0), PartDone(0, Part(4, 1, 32), "p4", 10, 1.0))
    job = FileJob(ref(0, LONG), plan=PLAN, done=coded, tried=((Part(5, 2, 40), 2),))
    scheduler, notes = scheduler_of([job], target_seconds=1, pixels_per_second=1e6)
    tasks = work_off(scheduler)
    assert [task.part for task in tasks[:-1]] == [Part(5, 2, 40), Part(0, 1, 32), Part(3, 1, 32)]
    check_join(tasks[-1])
    assert scheduler.counts.bytes_before == pytest.approx(LONG * 96 / 200)
    assert scheduler.counts.bytes_in == pytest.approx(LONG)
    assert not notes.of("planned")
    scheduler, notes = scheduler_of([job], target_seconds=1, pixels_per_second=1e6)
    taken(scheduler)
    scheduler.worker_lost("w", reason="dead")
    assert len(notes.of("failed")) == 1  # the third death of GOPs 5 and 6


def test_resumed_file_that_is_coded_is_joined_and_one_that_is_written_checked() -> None:
    coded = FileJob(ref(0, LONG), plan=PLAN, done=(PartDone(0, Part(0, 7, 200), "p", 10, 1.0),))
    written = FileJob(ref(1), written=True)
    scheduler, _ = scheduler_of([coded, written], verify=True)
    assert [task.kind for task in work_off(scheduler)] == ["join", "verify", "verify"]
    scheduler, notes = scheduler_of([coded, written])
    assert [task.kind for task in work_off(scheduler)] == ["join"]
    assert notes.of("verified") == [(1,)]
    assert scheduler.counts.done == 2


def test_output_that_does_not_verify_fails() -> None:
    scheduler, notes = scheduler_of(jobs([1000]), verify=True)
    task = taken(scheduler)
    scheduler.completed(task, outcomes_of(task))
    assert notes.of("written")[0][2] is False
    scheduler.completed(taken(scheduler), [FileError(0, "3 frames do not decode")])
    assert (scheduler.counts.done, scheduler.counts.failed) == (0, 1)


def test_in_flight_is_bounded_and_jobs_are_read_late() -> None:
    read = []
    scheduler, _ = scheduler_of([], max_in_flight=3, max_batch=1)
    scheduler = Scheduler((read.append(job) or job for job in jobs([1000] * 100)), SchedulerOptions(max_in_flight=3, max_batch=1), Notes())
    tasks = [scheduler.next_task(f"w{number}") for number in range(10)]
    assert sum(task is not None for task in tasks) == scheduler.in_flight == 3
    assert len(read) <= 4


@pytest.mark.parametrize("option", [{"target_seconds": 0}, {"max_attempts": 0}, {"max_failures": -1}, {"max_in_flight": 0}])
def test_impossible_options_fail(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(option))} is "):
        SchedulerOptions(**option)


@pytest.mark.parametrize("frames", [(), (3, 0)])
def test_plan_without_frames_fails(frames: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="accepted: a picture, GOPs of 1 frame or more"):
        Plan(10, 10, frames)


class Cluster:
    """Workers that finish, raise, report half and die, by chance; keeps what was coded how often."""

    def __init__(self, scheduler: Scheduler, random: Random, killers: set[int]) -> None:
        self.scheduler = scheduler
        self.random = random
        self.killers = killers
        self.running: dict[str, list[Task]] = {}
        self.finished: Counter[object] = Counter()
        self.names = iter(range(10**9))

    def step(self, workers: int) -> None:
        while len(self.running) < workers:
            self.running[f"w{next(self.names)}"] = []
        for name, tasks in self.running.items():
            while len(tasks) < 2 and (task := self.scheduler.next_task(name)) is not None:
                tasks.append(task)
        busy = [name for name, tasks in self.running.items() if tasks]
        if busy:
            self.event(self.random.choice(busy))

    def event(self, name: str) -> None:
        task = self.running[name][0]
        report = list(zip(task.files, outcomes_of(task), strict=True))
        deadly = next((number for number, (file, _) in enumerate(report) if file.file in self.killers), None)
        chance = self.random.random()
        if deadly is not None or chance < 0.15:
            for file, outcome in report[: deadly if deadly is not None else self.random.randrange(len(report) + 1)]:
                self.scheduler.progressed(task, outcome)
                self.count(task, file)
            del self.running[name]
            self.scheduler.worker_lost(name, blame=deadly is not None or chance < 0.05, reason="died")
        elif chance < 0.2:
            self.running[name].remove(task)
            self.scheduler.failed(task, FileError(-1, "raised"))
        else:
            self.running[name].remove(task)
            self.scheduler.completed(task, [outcome for _, outcome in report])
            for file, _ in report:
                self.count(task, file)

    def count(self, task: Task, file: FileRef) -> None:
        self.finished.update((file.file, gop) for gop in task.part.range) if task.part else self.finished.update([(file.file, task.kind)])


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.sampled_from([LONG, 2 * LONG, 1000, 20_000]), max_size=25),
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 6),
    killers=st.sets(st.integers(0, 24), max_size=3),
    verify=st.booleans(),
    in_flight=st.sampled_from([None, 1, 4]),
)
def test_all_ends_under_random_deaths(
    sizes: list[int], seed: int, workers: int, killers: set[int], verify: bool, in_flight: int | None
) -> None:
    options: dict[str, Any] = {"max_attempts": 3, "max_losses": 8, "verify": verify, "max_in_flight": in_flight}
    scheduler, notes = scheduler_of(jobs(sorted(sizes, reverse=True)), target_seconds=1, pixels_per_second=1e6, **options)
    cluster = Cluster(scheduler, Random(seed), killers)
    for _ in range(20_000):
        if scheduler.finished:
            break
        cluster.step(workers)
    assert scheduler.finished, "work goes on for ever"
    ended = [values[0] for values in notes.of("verified")] if verify else [values[0].file for values in notes.of("written")]
    given_up = [values[0].file for values in notes.of("failed")]
    assert sorted(ended + given_up) == list(range(len(sizes)))
    assert scheduler.counts.files == len(sizes)
    assert all(times == 1 for times in cluster.finished.values()), "something was done twice"
    assert killers & set(range(len(sizes))) <= set(given_up)
    assert max((attempts for _, _, attempts in notes.of("attempted")), default=0) <= 3
    assert scheduler.counts.bytes_in == pytest.approx(sum(sizes))
