"""The scheduler under workers that die at any time: all work ends, none is done twice, attempts are bounded."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamcodec.pipelines.files.locations import FileRef
from streamcodec.pipelines.transcoding.messages import (
    NO_FILE,
    FileError,
    Part,
    PartsLost,
    Planned,
    Task,
)
from streamcodec.pipelines.transcoding.schedule.scheduler import Scheduler

from .scheduling import (
    LONG,
    PLAN,
    done,
    finish,
    jobs,
    outcomes_of,
    part_done,
    scheduler_of,
    taken,
    work_off,
)


def test_killer_fails_after_three_workers_and_its_batch_does_not() -> None:
    scheduler, notes = scheduler_of(jobs([1000, 900, 800, 700]), max_attempts=3)
    batch = taken(scheduler, "w0")
    assert len(batch.files) == 2
    scheduler.reported("w0", done(batch.files[0]))
    scheduler.lost("w0", reason="killed by signal 9")
    assert [file.file for file in taken(scheduler, "w1").files] == [1]
    scheduler.lost("w1", reason="killed by signal 9")
    assert [file.file for file in taken(scheduler, "w2").files] == [1]
    scheduler.lost("w2", reason="killed by signal 11")
    work_off(scheduler)
    assert (scheduler.counts.done, scheduler.counts.failed) == (3, 1)
    [(error, _)] = notes.of("failed")
    assert error == FileError(
        1, "given up after 3 attempts at it; the last ended with: killed by signal 11"
    )
    assert notes.of("attempted") == [(1, None, 1), (1, None, 2), (1, None, 3)]


def test_killer_part_fails_its_file_and_keeps_what_is_coded() -> None:
    scheduler, notes = scheduler_of(jobs([LONG, 10]), target_seconds=1, pixels_per_second=1e6)
    taken(scheduler)
    finish(scheduler, [Planned(0, PLAN)])
    other = taken(scheduler, "other")
    for number in range(3):
        assert taken(scheduler, f"w{number}").part == Part(3, 3, 96)
        scheduler.lost(f"w{number}", reason="out of memory")
    finish(scheduler, outcomes_of(other), "other")
    assert notes.of("part_done") == [(part_done(other), "other")]
    assert (
        notes.of("failed")[0][0].error
        == "given up after 3 attempts at GOPs 3 to 5; the last ended with: out of memory"
    )
    assert [task.kind for task in work_off(scheduler)] == ["whole"]


def test_lost_node_is_not_blamed_on_the_work_but_bounded() -> None:
    scheduler, notes = scheduler_of(jobs([1000]), max_losses=5)
    for number in range(5):
        assert not scheduler.finished
        taken(scheduler, f"w{number}")
        scheduler.lost(f"w{number}", blame=False, reason="node removed")
    assert scheduler.finished
    assert not notes.of("attempted")
    assert (
        notes.of("failed")[0][0].error
        == "5 workers were lost while they had it, the last: node removed"
    )


def test_only_the_worker_that_died_is_blamed() -> None:
    scheduler, notes = scheduler_of(jobs([1000, 900]), max_batch=1)
    first, second = taken(scheduler, "first"), taken(scheduler, "second")
    scheduler.lost("first", reason="x")
    assert notes.of("attempted") == [(first.files[0].file, None, 1)]
    assert taken(scheduler, "third").files == first.files
    assert scheduler.task_of("second") == second


def test_error_fails_at_once() -> None:
    error = FileError.of(0, ValueError("no video stream"))
    assert error.error == "ValueError: no video stream"
    scheduler, notes = scheduler_of(jobs([1000]))
    taken(scheduler)
    scheduler.broke("w", error)
    assert notes.of("failed") == [(error, "w")]
    assert scheduler.finished


def test_file_that_the_answer_leaves_out_fails() -> None:
    scheduler, notes = scheduler_of(jobs([1000, 900, 800, 700]))
    task = taken(scheduler)
    finish(scheduler, [done(task.files[0])])
    assert notes.of("failed")[0][0] == FileError(
        1, "the worker's answer to whole task 1 says nothing of this file"
    )


def test_too_many_failures_stop_the_run() -> None:
    scheduler, notes = scheduler_of(jobs([1000] * 10), max_batch=1, max_failures=2)
    while scheduler.next_task("w") is not None:
        scheduler.broke("w", FileError(NO_FILE, "broken"))
    assert scheduler.draining == "more than 2 files failed"
    assert scheduler.finished
    assert len(notes.of("failed")) == 3


def test_cancel_drains() -> None:
    scheduler, notes = scheduler_of(jobs([1000] * 10), max_batch=1)
    task = taken(scheduler)
    scheduler.cancel()
    assert scheduler.next_task("v") is None
    assert not scheduler.finished
    finish(scheduler, outcomes_of(task))
    assert scheduler.finished
    assert scheduler.draining == "cancelled"
    assert len(notes.of("written")) == 1


def test_events_of_a_task_that_was_taken_back_are_ignored() -> None:
    scheduler, notes = scheduler_of(jobs([1000]))
    task = taken(scheduler, "slow")
    scheduler.lost("slow")
    again = taken(scheduler, "w")
    finish(scheduler, outcomes_of(task), "slow")
    scheduler.broke("slow", FileError(0, "late"))
    scheduler.lost("slow")
    assert not notes.of("written")
    finish(scheduler, outcomes_of(again))
    finish(scheduler, outcomes_of(again))
    assert len(notes.of("written")) == 1
    assert scheduler.counts.done == 1


def test_lost_parts_are_coded_again_but_not_for_ever() -> None:
    scheduler, notes = scheduler_of(jobs([LONG]), target_seconds=1, pixels_per_second=1e6)
    taken(scheduler)
    finish(scheduler, [Planned(0, PLAN)])
    for _ in range(3):
        while (task := taken(scheduler)).kind != "join":
            finish(scheduler, outcomes_of(task))
        finish(scheduler, [PartsLost(0, (3,), "no such file")])
    assert scheduler.finished
    assert len(notes.of("part_done")) == 5
    assert (
        "given up after 3 attempts at GOPs 3 to 5; the last ended with: no such file"
        in notes.of("failed")[0][0].error
    )


def test_parts_lost_that_never_were_fail() -> None:
    scheduler, notes = scheduler_of(jobs([LONG]), target_seconds=100, bytes_per_second=1e4)
    taken(scheduler)
    finish(scheduler, [Planned(0, PLAN)])
    task = taken(scheduler)
    finish(scheduler, outcomes_of(task))
    taken(scheduler)
    finish(scheduler, [PartsLost(0, (1,), "no such file")])
    assert "none of them was coded" in notes.of("failed")[0][0].error


def test_output_that_does_not_verify_fails() -> None:
    scheduler, notes = scheduler_of(jobs([1000]), verify=True)
    task = taken(scheduler)
    finish(scheduler, outcomes_of(task))
    assert notes.of("written")[0][2] is False
    taken(scheduler)
    finish(scheduler, [FileError(0, "3 frames do not decode")])
    assert (scheduler.counts.done, scheduler.counts.failed) == (0, 1)


class Cluster:
    """Workers that finish, raise, report half and die, by chance; keeps what was coded how often."""

    def __init__(self, scheduler: Scheduler, random: Random, killers: set[int]) -> None:
        self.scheduler = scheduler
        self.random = random
        self.killers = killers
        self.idle: list[str] = []
        self.running: dict[str, Task] = {}
        self.finished: Counter[object] = Counter()
        self.names = iter(range(10**9))

    def step(self, workers: int) -> None:
        while len(self.idle) + len(self.running) < workers:
            self.idle.append(f"w{next(self.names)}")
        while self.idle and (task := self.scheduler.next_task(self.idle[0])) is not None:
            self.running[self.idle.pop(0)] = task
        if self.running:
            self.event(self.random.choice(list(self.running)))

    def event(self, name: str) -> None:
        task = self.running.pop(name)
        report = list(zip(task.files, outcomes_of(task), strict=True))
        deadly = next(
            (number for number, (file, _) in enumerate(report) if file.file in self.killers), None
        )
        chance = self.random.random()
        if deadly is not None or chance < 0.15:
            for file, outcome in report[
                : deadly if deadly is not None else self.random.randrange(len(report) + 1)
            ]:
                self.scheduler.reported(name, outcome)
                self.count(task, file)
            self.scheduler.lost(name, blame=deadly is not None or chance < 0.05, reason="died")
        elif chance < 0.2:
            self.idle.append(name)
            self.scheduler.broke(name, FileError(NO_FILE, "raised"))
        else:
            self.idle.append(name)
            finish(self.scheduler, (outcome for _, outcome in report), name)
            for file, _ in report:
                self.count(task, file)

    def count(self, task: Task, file: FileRef) -> None:
        self.finished.update(
            (file.file, gop) for gop in task.part.range
        ) if task.part else self.finished.update([(file.file, task.kind)])


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.sampled_from([LONG, 2 * LONG, 1000, 20_000]), max_size=25),
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 6),
    killers=st.sets(st.integers(0, 24), max_size=3),
    verify=st.booleans(),
)
def test_all_ends_under_random_deaths(
    sizes: list[int],
    seed: int,
    workers: int,
    killers: set[int],
    verify: bool,
) -> None:
    options: dict[str, Any] = {"max_attempts": 3, "max_losses": 8, "verify": verify}
    scheduler, notes = scheduler_of(
        jobs(sorted(sizes, reverse=True)), target_seconds=1, pixels_per_second=1e6, **options
    )
    cluster = Cluster(scheduler, Random(seed), killers)
    for _ in range(20_000):
        if scheduler.finished:
            break
        cluster.step(workers)
    assert scheduler.finished, "work goes on for ever"
    ended = (
        [values[0] for values in notes.of("verified")]
        if verify
        else [values[0].file for values in notes.of("written")]
    )
    given_up = [values[0].file for values in notes.of("failed")]
    assert sorted(ended + given_up) == list(range(len(sizes)))
    assert scheduler.counts.files == len(sizes)
    assert all(times == 1 for times in cluster.finished.values()), "something was done twice"
    assert killers & set(range(len(sizes))) <= set(given_up)
    assert max((attempts for _, _, attempts in notes.of("attempted")), default=0) <= 3
    assert scheduler.counts.bytes_in == pytest.approx(sum(sizes))
