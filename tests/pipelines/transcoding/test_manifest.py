"""The manifest: resume, crashes, locks, and the scheduler on top of it."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streamcodec.errors import OutputError, UsageError
from streamcodec.pipelines.files.locations import FileRef
from streamcodec.pipelines.files.sources import Item
from streamcodec.pipelines.transcoding.manifest.enter import Policy
from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
from streamcodec.pipelines.transcoding.manifest.rows import Totals, Work
from streamcodec.pipelines.transcoding.messages import (
    FileError,
    Part,
    PartDone,
    PartsLost,
    PendingFile,
    Skipped,
)

from .conftest import ITEMS, PLAN, done, end_all, listed, with_outputs


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
        PartDone(ref.file, Part(gop, 1, PLAN.gop_frames[gop]), f"p{gop}", 7, 0.5) for gop in (0, 2)
    ]
    manifest.started(ref.file, "w")
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
    manifest.started(first.ref.file, "worker-1")
    manifest.started(second.ref.file, "worker-1")
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


def test_work_is_that_of_all_runs_that_ended_these_files(path: Path) -> None:
    now = [100.0]
    with Manifest.open(path, clock=lambda: now[0]) as manifest:
        listed(manifest, ITEMS[:1])
        now[0] += 10
        end_all(manifest)
        now[0] += 1
        manifest.finish()  # 11 seconds
        now[0] += 1000
        listed(manifest, ITEMS[:3])
        now[0] += 5
        end_all(manifest)  # killed after 5 seconds
        now[0] += 1000
        listed(manifest, ITEMS[:3])
        now[0] += 1
        manifest.finish("idle")
        assert manifest.work() == Work(2, 16.0)
        listed(manifest, ITEMS[:1])
        manifest.finish("idle")
        assert manifest.work() == Work(1, 11.0)


def test_later_work_than_that_of_a_report(path: Path) -> None:
    now = [100.0]
    with Manifest.open(path, clock=lambda: now[0]) as manifest:
        first = listed(manifest, ITEMS[:1])
        assert first.pending == 1
        end_all(manifest)
        manifest.finish()
        now[0] += 7
        listed(manifest, ITEMS[:1])
        manifest.finish("idle")
        assert not manifest.is_later_work(1, 100.0)
        assert manifest.is_later_work(1, 99.0)  # of another manifest
        assert manifest.is_later_work(3, 107.0)
        listed(manifest, ITEMS[:2])  # killed
        assert manifest.is_later_work(1, 100.0)
