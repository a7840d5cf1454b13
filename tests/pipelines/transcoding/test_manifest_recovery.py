"""Drivers that die, and manifests that are torn, lost or damaged: what was written down is kept."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from streamcodec.errors import OutputError, UsageError
from streamcodec.pipelines.files.sources import Item
from streamcodec.pipelines.transcoding.manifest.enter import Policy
from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
from streamcodec.pipelines.transcoding.manifest.rows import Totals
from streamcodec.pipelines.transcoding.messages import PartDone, Planned
from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions
from streamcodec.pipelines.transcoding.schedule.scheduler import Scheduler

from .conftest import PLAN, done, end_all, listed, with_outputs
from .scheduling import finish


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
from streamcodec.pipelines.transcoding.messages import FileDone

with Manifest.open(Path(sys.argv[1])) as manifest:
    manifest.begin({}, [])
    manifest.add((Item(f"/in/{n}", "x", n, "v"), f"/out/{n}") for n in range(100_000))
    for job in manifest.jobs():
        manifest.started(job.ref.file, "w")
        manifest.written(FileDone(job.ref.file, 1, 1, 1, 1, 1, 1.0), "w", final=True)
        if job.ref.size_bytes % 10 == 0:
            manifest.flush()
            print(f"{job.ref.size_bytes:4000}", flush=True)  # the pipe is full before all are done
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
    """Work with a driver that dies without a flush after `steps` events; True if it came to the end."""
    with Manifest.open(path) as manifest:
        items = [
            Item(f"/in/{number}", "x", 10_000_000 if number < 4 else 100, "v")
            for number in range(20)
        ]
        totals = listed(manifest, items)
        options = SchedulerOptions(target_seconds=1, pixels_per_second=1e5)
        scheduler = Scheduler(manifest.jobs(), options, manifest, pending=totals.pending)
        idle, running = ["a", "b", "c"], []
        for _ in range(steps):
            while idle and scheduler.next_task(idle[-1]) is not None:
                running.append(idle.pop())
            if scheduler.finished:
                manifest.finish()
                return True
            manifest.flush()
            idle.append(running.pop(random.randrange(len(running))))
            answer(scheduler, idle[-1], coded)
        if manifest._connection.in_transaction:
            manifest._connection.execute("ROLLBACK")  # as a killed process would
        return False


def answer(scheduler: Scheduler, worker: str, coded: Counter[object]) -> None:
    task = scheduler.task_of(worker)
    assert task is not None
    number = task.files[0].file
    if task.kind == "whole" and task.files[0].size_bytes > 1000:
        finish(scheduler, [Planned(number, PLAN)], worker)
    elif task.part is not None:
        coded.update((number, gop) for gop in task.part.range)
        finish(scheduler, [PartDone(number, task.part, "p", 1, 1.0)], worker)
    else:
        coded.update(file.file for file in task.files if task.kind == "whole")
        finish(scheduler, [done(file) for file in task.files], worker)


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
    """A manifest of `count` files, all done, with their outputs; its items."""
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
