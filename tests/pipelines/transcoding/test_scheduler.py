"""Which tasks the scheduler gives, in which order."""

from typing import Any

import pytest

from streamcodec.errors import UsageError
from streamcodec.pipelines.transcoding.messages import (
    GopLengths,
    Part,
    PartDone,
    PendingFile,
    Planned,
    Skipped,
)
from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions
from streamcodec.pipelines.transcoding.schedule.scheduler import Scheduler

from .scheduling import (
    LONG,
    PLAN,
    Notes,
    check_join,
    finish,
    jobs,
    outcomes_of,
    ref,
    scheduler_of,
    taken,
    work_off,
)


def test_long_files_are_split_and_short_ones_grouped() -> None:
    scheduler, notes = scheduler_of(
        jobs([LONG, 1000, 900, 800]), target_seconds=1, pixels_per_second=1e6
    )
    tasks = work_off(scheduler)
    assert [task.kind for task in tasks] == [
        "whole",
        "part",
        "part",
        "part",
        "join",
        "whole",
        "whole",
    ]
    assert [task.part for task in tasks if task.part] == [
        Part(0, 3, 96),
        Part(3, 3, 96),
        Part(6, 1, 8),
    ]
    assert [[file.file for file in task.files] for task in tasks[-2:]] == [
        [1, 2],
        [3],
    ]  # half of what is left
    assert scheduler.finished
    assert scheduler.counts.done == 4
    assert scheduler.counts.gops == 7 + 3 * 7
    assert scheduler.counts.bytes_in == pytest.approx(LONG + 2700)
    assert [values[1] for values in notes.of("written")] == ["w"] * 4


def test_nothing_is_long_where_nothing_is_split() -> None:
    scheduler, _ = scheduler_of(jobs([LONG]), split=False)
    assert taken(scheduler).long_pixels is None


def test_same_events_give_same_tasks() -> None:
    sizes = [LONG, LONG // 2, 5000, 4000, 3000]
    assert work_off(scheduler_of(jobs(sizes))[0]) == work_off(scheduler_of(jobs(sizes))[0])


def test_parts_are_cut_when_a_video_is_planned_by_the_speed_measured_until_then() -> None:
    scheduler, _ = scheduler_of(jobs([LONG, LONG - 1]), target_seconds=2, pixels_per_second=2e5)
    taken(scheduler)
    finish(scheduler, [Planned(0, PLAN)])
    parts = {name: taken(scheduler, name) for name in "abcdef"}
    expected = [*(Part(gop, 1, 32) for gop in range(5)), Part(5, 2, 40)]  # 40 frames in 2 s
    assert [task.part for task in parts.values()] == expected
    for name, task in parts.items():
        assert task.part is not None
        finish(scheduler, [PartDone(0, task.part, "p", 10, task.part.frames / 40)], name)
    join, planning = taken(scheduler, "a"), taken(scheduler, "b")
    assert (join.kind, planning.kind) == ("join", "whole")
    assert planning.long_pixels == pytest.approx(2 * 2 * 100 * 100 * 40, rel=0.1)
    finish(scheduler, [Planned(1, PLAN)], "b")
    assert taken(scheduler).part == Part(0, 2, 64)  # 35 to 40 frames a second by now


def test_the_last_video_is_cut_for_all_workers_however_fast_its_coding_is_thought_to_be() -> None:
    plan = GopLengths(100, 100, (5,) * 40)
    options = SchedulerOptions(target_seconds=20, bytes_per_second=LONG / 30, pixels_per_second=1e9)
    scheduler = Scheduler(jobs([LONG]), options, Notes(), workers=2, pending=1)
    planning = taken(scheduler)
    assert planning.long_pixels == 20e9  # two workers can have 20 s each
    finish(scheduler, [Planned(0, plan)])
    parts = [taken(scheduler, f"w{number}").part for number in range(8)]
    assert parts == [Part(first, 5, 25) for first in range(0, 40, 5)]  # four for each worker


def test_several_workers_share_a_file_and_join_waits_for_all() -> None:
    scheduler, _ = scheduler_of(jobs([LONG]), target_seconds=1, pixels_per_second=1e6)
    taken(scheduler)
    finish(scheduler, [Planned(0, PLAN)])
    parts = {name: taken(scheduler, name) for name in "abc"}
    for name in "bc":
        assert scheduler.next_task("d") is None
        finish(scheduler, outcomes_of(parts[name]), name)
    assert scheduler.next_task("d") is None
    assert not scheduler.finished
    finish(scheduler, outcomes_of(parts["a"]), "a")
    join = taken(scheduler, "d")
    assert join.kind == "join"
    check_join(join)


def test_whole_task_may_find_a_file_too_long() -> None:
    scheduler, _ = scheduler_of(
        jobs([1000, 900, 800, 700]), target_seconds=1, pixels_per_second=1e6
    )
    taken(scheduler)
    finish(scheduler, [Planned(0, PLAN), Skipped(1, "there already")])
    assert [task.kind for task in work_off(scheduler)] == [
        "part",
        "part",
        "part",
        "join",
        "whole",
        "whole",
    ]
    assert (scheduler.counts.done, scheduler.counts.skipped) == (3, 1)


def test_resumed_file_codes_only_what_is_missing() -> None:
    coded = (PartDone(0, Part(1, 2, 64), "p1", 10, 1.0), PartDone(0, Part(4, 1, 32), "p4", 10, 1.0))
    job = PendingFile(ref(0, LONG), plan=PLAN, done=coded, tried=((Part(5, 2, 40), 2),))
    scheduler, notes = scheduler_of([job], target_seconds=1, pixels_per_second=1e6)
    tasks = work_off(scheduler)
    assert [task.part for task in tasks[:-1]] == [Part(5, 2, 40), Part(0, 1, 32), Part(3, 1, 32)]
    check_join(tasks[-1])
    assert scheduler.counts.bytes_before == pytest.approx(LONG * 96 / 200)
    assert scheduler.counts.bytes_in == pytest.approx(LONG)
    assert not notes.of("planned")
    scheduler, notes = scheduler_of([job], target_seconds=1, pixels_per_second=1e6)
    taken(scheduler)
    scheduler.lost("w", reason="dead")
    assert len(notes.of("failed")) == 1  # the third death of GOPs 5 and 6


def test_resumed_file_that_is_coded_is_joined_and_one_that_is_written_checked() -> None:
    coded = PendingFile(ref(0, LONG), plan=PLAN, done=(PartDone(0, Part(0, 7, 200), "p", 10, 1.0),))
    written = PendingFile(ref(1), written=True)
    scheduler, _ = scheduler_of([coded, written], verify=True)
    assert [task.kind for task in work_off(scheduler)] == ["join", "verify", "verify"]
    scheduler, notes = scheduler_of([coded, written])
    assert [task.kind for task in work_off(scheduler)] == ["join"]
    assert notes.of("verified") == [(1,)]
    assert scheduler.counts.done == 2


def test_jobs_are_read_late() -> None:
    read = []
    many = (read.append(job) or job for job in jobs([1000] * 100))
    scheduler = Scheduler(many, SchedulerOptions(max_batch=1), Notes())
    tasks = {name: taken(scheduler, name) for name in "abc"}
    assert {name: scheduler.task_of(name) for name in "abcd"} == {**tasks, "d": None}
    assert scheduler.in_flight == 3
    assert len(read) <= 4


@pytest.mark.parametrize(
    "option",
    [{"target_seconds": 0}, {"max_attempts": 0}, {"max_failures": -1}],
)
def test_impossible_options_fail(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(option))} is "):
        SchedulerOptions(**option)


@pytest.mark.parametrize("frames", [(), (3, 0)])
def test_plan_without_frames_fails(frames: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="accepted: a picture, GOPs of 1 frame or more"):
        GopLengths(10, 10, frames)
