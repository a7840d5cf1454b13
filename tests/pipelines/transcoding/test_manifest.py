"""The manifest: resume, crashes, locks, and the scheduler on top of it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from streamcodec.errors import OutputError, UsageError
from streamcodec.pipelines.files.locations import FileRef
from streamcodec.pipelines.files.sources import Item
from streamcodec.pipelines.transcoding.manifest.enter import Policy
from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
from streamcodec.pipelines.transcoding.manifest.rows import Totals
from streamcodec.pipelines.transcoding.schedule.messages import (
    FileDone,
    FileError,
    GopLengths,
    Part,
    PartDone,
    PartsLost,
    PendingFile,
    Planned,
    SchedulerOptions,
    Skipped,
    Task,
)
from streamcodec.pipelines.transcoding.schedule.scheduler import Scheduler

PLAN = GopLengths(64, 48, (32, 32, 8), '{"x": "ü"}')
ITEMS = [Item(f"/in/{number}.mp4", f"{number}.mp4", 100 + number, "v1") for number in range(5)]


def with_outputs(items: Sequence[Item]) -> list[tuple[Item, str]]:
    return [
        (item, item.location.replace("/in/", "/out/").replace(".mp4", ".ssf")) for item in items
    ]


def listed(
    manifest: Manifest,
    items: Sequence[Item] = ITEMS,
    policy: Policy | None = None,
    quality: int = 32,
) -> Totals:
    manifest.begin({"quality": quality}, ["model"], ["transcode"])
    return manifest.add(with_outputs(items), policy)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.sqlite"


@pytest.fixture
def manifest(path: Path) -> Iterator[Manifest]:
    with Manifest.open(path, clock=iter(range(1000)).__next__) as opened:
        yield opened


def done(ref: FileRef) -> FileDone:
    return FileDone(ref.file, 50, 72, 3, 64, 48, 1.5, 40.25)


def end_all(manifest: Manifest) -> None:
    for job in manifest.jobs():
        manifest.started([job.ref], "w")
        manifest.written(done(job.ref), "w", final=True)


def test_jobs_are_largest_first(manifest: Manifest) -> None:
    assert listed(manifest) == Totals(pending=5, pending_bytes=510)
    jobs = list(manifest.jobs())
    assert [job.ref.input for job in jobs] == [f"/in/{number}.mp4" for number in (4, 3, 2, 1, 0)]
    assert jobs[0] == PendingFile(FileRef(5, "/in/4.mp4", "/out/4.ssf", 104, jobs[0].ref.key))
    assert len({job.ref.key for job in jobs}) == 5


def test_second_run_does_nothing(manifest: Manifest) -> None:
    listed(manifest)
    end_all(manifest)
    assert manifest.totals() == Totals(done=5)
    manifest.finish()
    assert listed(manifest) == Totals(kept=5)
    assert not list(manifest.jobs())
    assert listed(manifest, policy=Policy(force=True)) == Totals(pending=5, pending_bytes=510)


def test_changed_input_settings_or_model_is_done_again(manifest: Manifest) -> None:
    listed(manifest)
    end_all(manifest)
    changed = [replace(ITEMS[0], identity="v2"), *ITEMS[1:]]
    assert listed(manifest, changed) == Totals(kept=4, pending=1, pending_bytes=100)
    end_all(manifest)
    assert listed(manifest, changed, quality=40).pending == 5
    end_all(manifest)
    manifest.begin({"quality": 40}, ["other model"])
    assert manifest.add(with_outputs(changed)).pending == 5


def test_only_what_is_listed_counts(manifest: Manifest) -> None:
    listed(manifest)
    assert listed(manifest, ITEMS[:2]).files == 2
    assert [job.ref.input for job in manifest.jobs()] == ["/in/1.mp4", "/in/0.mp4"]


def test_output_that_is_gone_is_made_again(manifest: Manifest) -> None:
    listed(manifest)
    end_all(manifest)
    assert listed(
        manifest, policy=Policy(output_exists=lambda output: output != "/out/3.ssf")
    ) == Totals(kept=4, pending=1, pending_bytes=103)


def test_failures_are_kept_until_retried(manifest: Manifest) -> None:
    listed(manifest)
    first, *_ = manifest.jobs()
    manifest.attempted(first.ref.file, None, 2)
    manifest.failed(FileError(first.ref.file, "no video", "Traceback"), "w")
    [row] = manifest.files("failed")
    assert (row.input, row.error, row.traceback, row.attempts) == (
        first.ref.input,
        "no video",
        "Traceback",
        2,
    )
    assert listed(manifest).failed == 1
    assert listed(manifest, policy=Policy(retry_failed=True)).failed == 0
    job = next(manifest.jobs())
    assert (job.ref.input, job.attempts) == (first.ref.input, 0)
    manifest.failed(FileError(first.ref.file, "again"), "w")
    assert listed(manifest, [replace(ITEMS[4], retry=True)]).pending == 1


def test_parts_are_resumed(manifest: Manifest) -> None:
    listed(manifest)
    ref = next(manifest.jobs()).ref
    coded = [
        PartDone(ref.file, Part(gop, 1, PLAN.gop_frames[gop]), f"p{gop}", 7, 0.5, "{}")
        for gop in (0, 2)
    ]
    manifest.started([ref], "w")
    manifest.planned(ref.file, PLAN)
    manifest.attempted(ref.file, Part(1, 1, 32), 2)
    for part in coded:
        manifest.part_done(part, "w")
    listed(manifest)
    assert next(manifest.jobs()) == PendingFile(ref, 0, PLAN, tuple(coded), ((Part(1, 1, 32), 2),))
    manifest.parts_lost(PartsLost(ref.file, (2,), "gone"))
    assert next(manifest.jobs()) == PendingFile(
        ref, 0, PLAN, tuple(coded[:1]), ((Part(1, 1, 32), 2), (Part(2, 1, 8), 0))
    )
    manifest.written(done(ref), "w", final=False)
    assert next(manifest.jobs()) == PendingFile(ref, written=True)
    manifest.verified(ref.file)
    assert manifest.totals().done == 1


def test_rows_tell_what_came_of_a_file(manifest: Manifest) -> None:
    listed(manifest, ITEMS[:2])
    first, second = manifest.jobs()
    manifest.started([first.ref, second.ref], "worker-1")
    manifest.written(done(first.ref), "worker-1", final=True)
    manifest.skipped(Skipped(second.ref.file, "was there"), "worker-1")
    rows = {row.state: row for row in manifest.files()}
    row = rows["done"]
    assert (row.output_bytes, row.frames, row.psnr_db, row.worker, row.seconds) == (
        50,
        72,
        40.25,
        "worker-1",
        1.5,
    )
    assert row.bpp == pytest.approx(8 * 50 / (72 * 64 * 48))
    assert row.fps == pytest.approx(48)
    assert row.started is not None
    assert row.finished is not None
    assert row.started < row.finished
    assert rows["skipped"].bpp is None
    assert manifest.totals() == Totals(done=1, skipped=1)


def test_input_listed_twice_counts_once(manifest: Manifest) -> None:
    assert listed(manifest, [*ITEMS, *ITEMS]).files == 5
    many = [Item(f"/in/{number}.mp4", "x", 1, "v1") for number in range(2000)]
    assert listed(manifest, [*many, many[0]]).files == 2000


@pytest.mark.parametrize("between", [0, 2000])
def test_two_inputs_with_one_output_fail_before_anything_is_listed(
    manifest: Manifest, between: int
) -> None:
    listed(manifest)
    many = [Item(f"/in/x{number}.mp4", "x", 1, "v1") for number in range(between)]
    other = Item("/in/0.mkv", "0.mkv", 1, "v1")
    manifest.begin({}, [])
    with pytest.raises(
        UsageError, match=r"/in/0.mp4 and /in/0.mkv would both be written to /out/0.ssf"
    ):
        manifest.add([*with_outputs([*ITEMS, *many]), (other, "/out/0.ssf")])
    assert manifest.totals() == Totals()


def test_listing_that_breaks_off_leaves_no_trace(manifest: Manifest) -> None:
    def items() -> Iterator[tuple[Item, str]]:
        yield from with_outputs(ITEMS)
        raise KeyboardInterrupt

    manifest.begin({}, [])
    with pytest.raises(KeyboardInterrupt):
        manifest.add(items())
    assert manifest.totals() == Totals()


def test_two_drivers_fail(manifest: Manifest, path: Path) -> None:
    with pytest.raises(OutputError, match=rf"in use by pid {os.getpid()} on \S+; wait for it"):
        Manifest.open(path)
    listed(manifest)
    with Manifest.read(path) as other:
        assert other.totals().pending == 5
        assert other.run is not None
        assert other.run.state == "running"


def test_lock_ends_with_the_manifest(path: Path) -> None:
    for _ in range(2):
        with Manifest.open(path) as manifest:
            listed(manifest)


def test_foreign_newer_or_damaged_files_fail(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(UsageError, match="is a database of another program"):
        Manifest.open(path)
    path.unlink()
    with Manifest.open(path) as manifest:
        listed(manifest)
        manifest.finish()
        manifest._connection.execute("PRAGMA user_version = 2")
    with pytest.raises(
        UsageError, match="is a manifest of version 2; this streamcodec reads version 1"
    ):
        Manifest.open(path)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(OutputError, match=r"is damaged .* makes it anew"):
        Manifest.read(path)
    with pytest.raises(OutputError, match="cannot use the manifest"):
        Manifest.read(path.with_name("none"))
    with pytest.raises(OutputError, match="cannot write"):
        Manifest.open(path / "below" / "a file")


def test_full_disk_is_told(manifest: Manifest) -> None:
    manifest._connection.execute("PRAGMA max_page_count = 30")
    many = [Item(f"/in/{number}.mp4", "x", 1, "v1") for number in range(5000)]
    manifest.begin({}, [])
    with pytest.raises(OutputError, match="database or disk is full"):
        manifest.add(with_outputs(many))


DRIVER = """
import sys
from pathlib import Path
from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
from streamcodec.pipelines.files.sources import Item
from streamcodec.pipelines.transcoding.schedule.messages import FileDone

with Manifest.open(Path(sys.argv[1])) as manifest:
    manifest.begin({}, [])
    manifest.add((Item(f"/in/{n}", "x", n, "v"), f"/out/{n}") for n in range(100_000))
    for job in manifest.jobs():
        manifest.started([job.ref], "w")
        manifest.written(FileDone(job.ref.file, 1, 1, 1, 1, 1, 1.0), "w", final=True)
        if job.ref.size_bytes % 10 == 0:
            manifest.flush()
            print(job.ref.size_bytes, flush=True)
"""


@pytest.mark.slow
def test_killed_driver_loses_nothing_it_flushed(path: Path) -> None:
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-P", "-c", DRIVER, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            flushed = [int(process.stdout.readline()) for _ in range(40)]
            time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            flushed += [int(line) for line in process.stdout.read().splitlines() if line]
        with Manifest.open(path) as manifest:
            [check] = manifest._connection.execute("PRAGMA integrity_check").fetchone()
            finished = {row.input for row in manifest.files("done")}
        assert check == "ok"
        assert {f"/in/{number}" for number in flushed} <= finished


def test_torn_log_gives_an_earlier_state(path: Path, tmp_path: Path) -> None:
    with Manifest.open(path) as manifest:
        listed(manifest)
        for job in manifest.jobs():
            manifest.written(done(job.ref), "w", final=True)
            manifest.flush()
        data, log = path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()
    random = Random(1)
    states = set()
    for number in range(30):
        copy = tmp_path / f"copy{number}"
        copy.write_bytes(data)
        torn = bytearray(log[: random.randrange(len(log))])
        if torn and number % 2:
            torn[-1] ^= 0xFF
        copy.with_name(copy.name + "-wal").write_bytes(torn)
        with Manifest.open(copy) as manifest:
            totals = manifest.totals()
        assert totals.files in (0, 5)
        states.add(totals.done)
    assert len(states) > 2


def run_until(path: Path, steps: int, coded: Counter[object], random: Random) -> bool:
    """Work off with a driver that dies without a flush after so many events; True if it came to the end."""
    with Manifest.open(path) as manifest:
        items = [
            Item(f"/in/{number}", "x", 10_000_000 if number < 4 else 100, "v")
            for number in range(20)
        ]
        totals = listed(manifest, items)
        options = SchedulerOptions(target_seconds=1, pixels_per_second=1e5)
        scheduler = Scheduler(manifest.jobs(), options, manifest, pending=totals.pending)
        running: list[Task] = []
        for _ in range(steps):
            while (
                len(running) < 3 and (task := scheduler.next_task(f"w{len(running)}")) is not None
            ):
                running.append(task)
            if scheduler.finished:
                manifest.finish()
                return True
            manifest.flush()
            answer(scheduler, running.pop(random.randrange(len(running))), coded)
        if manifest._connection.in_transaction:
            manifest._connection.execute("ROLLBACK")  # as a killed process would
        return False


def answer(scheduler: Scheduler, task: Task, coded: Counter[object]) -> None:
    number = task.files[0].file
    if task.kind == "plan":
        scheduler.completed(task, [Planned(number, PLAN)])
    elif task.part is not None:
        coded.update((number, gop) for gop in task.part.range)
        scheduler.completed(task, [PartDone(number, task.part, "p", 1, 1.0)])
    else:
        coded.update(file.file for file in task.files if task.kind == "whole")
        scheduler.completed(task, [done(file) for file in task.files])


@pytest.mark.parametrize("seed", range(5))
def test_driver_dies_again_and_again(path: Path, seed: int) -> None:
    random, coded, deaths = Random(seed), Counter[object](), 0
    while not run_until(path, random.randrange(2, 8), coded, random):
        deaths += 1
    assert deaths > 1
    with Manifest.read(path) as manifest:
        assert manifest.totals().files == 20
        assert manifest.totals().pending == manifest.totals().failed == 0
    assert set(coded) == {(number, gop) for number in range(1, 5) for gop in range(3)} | set(
        range(5, 21)
    )
    again = sum(coded.values()) - len(coded)
    assert again <= deaths * 16  # one task that came home after the last flush: a part, or a batch


def test_time_does_not_go_back_with_the_clock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Manifest.open(path) as manifest:
        listed(manifest)
        end_all(manifest)
        monkeypatch.setattr(time, "time", lambda: 0.0)  # as if it had been set back to 1970
        manifest.finish()
        run = manifest.run
    assert run is not None
    assert run.finished is not None
    assert run.finished >= run.started > 1e9


def finished(path: Path, folder: Path, count: int) -> list[tuple[Item, str]]:
    """A manifest of so many files, all done, whose outputs are there; its items."""
    pairs = []
    for number in range(count):
        output = folder / f"{number}.ssf"
        output.write_bytes(bytes(50))
        pairs.append((Item(f"/in/{number}.mp4", f"{number}.mp4", 5, "v1"), str(output)))
    with Manifest.open(path) as manifest:
        manifest.begin({"quality": 1}, ["ab"])
        manifest.add(pairs)
        end_all(manifest)
        manifest.finish()
    return pairs


def resumed(
    path: Path, pairs: Sequence[tuple[Item, str]], quality: int = 1
) -> tuple[Totals, str | None]:
    """What the next run makes of it, and what it says of the manifest."""
    with Manifest.open(path) as manifest:
        manifest.begin({"quality": quality}, ["ab"])
        exists = Policy(output_exists=lambda output: Path(output).exists())
        totals = manifest.add(pairs, exists)
        list(manifest.jobs())
        manifest.finish()
        return totals, manifest.repaired


@pytest.mark.parametrize("damage", ["gone", "empty", "no database", "cut", "zeros", "noise"])
def test_lost_or_damaged_manifest_is_made_anew(path: Path, tmp_path: Path, damage: str) -> None:
    pairs = finished(path, tmp_path, 200)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "gone": b"",
            "empty": b"",
            "no database": b"text" * 1000,
            "cut": data[:middle],
            "zeros": data[:middle] + bytes(8192) + data[middle + 8192 :],
            "noise": data[:5000] + Random(1).randbytes(8192) + data[13192:],
        }[damage]
    )
    if damage == "gone":
        path.unlink()
    totals, said = resumed(path, pairs)
    assert (totals.kept, totals.pending) == (200, 0)
    if damage == "gone":
        assert said is None
    else:
        assert said is not None
        assert f"{path} was damaged (" in said
        assert (tmp_path / "manifest.sqlite.damaged-1").exists()
    assert resumed(path, pairs) == (totals, None)


def test_any_flipped_page_is_survived(path: Path, tmp_path: Path) -> None:
    """What SQLite cannot tell (it has no checksums) may cost work, never an error of another kind."""
    pairs = finished(path, tmp_path, 60)
    data, random = path.read_bytes(), Random(2)
    receipts = (tmp_path / "done.jsonl").read_bytes()
    for _ in range(40):
        at = random.randrange(len(data) - 200)
        path.write_bytes(data[:at] + random.randbytes(200) + data[at + 200 :])
        (tmp_path / "done.jsonl").write_bytes(receipts)
        try:
            totals, _ = resumed(path, pairs)
        except (OutputError, UsageError):
            path.unlink()
            totals, _ = resumed(path, pairs)
        assert totals.files == 60


def test_receipts_hold_only_for_what_they_were_given_for(path: Path, tmp_path: Path) -> None:
    pairs = finished(path, tmp_path, 5)
    receipts = path.with_name("done.jsonl")
    (tmp_path / "0.ssf").unlink()
    (tmp_path / "1.ssf").write_bytes(b"shorter")
    path.unlink()
    with pytest.raises(UsageError, match=r"1\.ssf exists, and was not made here"):
        resumed(path, pairs)
    (tmp_path / "1.ssf").unlink()
    path.unlink()
    assert resumed(path, pairs)[0].kept == 3
    path.unlink()
    with pytest.raises(UsageError, match="exists, and was not made here"):
        resumed(path, pairs[2:], quality=2)
    path.unlink()
    receipts.write_bytes(receipts.read_bytes()[:-20] + b'{"output": 5}\n\xff\xff\n[[')
    assert resumed(path, pairs[2:4])[0].kept == 2
