"""Workers, nodes and drivers that die: what was finished is kept, what is broken is given up, and the bytes stay the same."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions

pytest.importorskip("ray", reason="Ray is not installed")

import ray
from ray.cluster_utils import Cluster

from streamcodec.pipelines.cluster import InstalledOnly, patiently
from streamcodec.pipelines.transcoding.run import transcode

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own

PATIENCE_SECONDS = 240.0
NODE = {"object_store_memory": 80 << 20}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A simulated cluster: a head with two CPUs, another node with one."""
    found = patiently(
        lambda: Cluster(
            initialize_head=True, head_node_args=NODE | {"num_cpus": 2, "include_dashboard": False}
        )
    )
    found.spare = patiently(lambda: found.add_node(num_cpus=1, **NODE))
    ray.init(
        address=found.address,
        job_config=InstalledOnly(),
        log_to_driver=False,
        logging_level="error",
    )
    yield found
    ray.shutdown()
    found.shutdown()


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


class Killer(threading.Thread):
    """Kills workers while a run goes on: `choose` is asked for the process to kill, or None; at most `times`.

    `struck` is set by the first.
    """

    def __init__(self, choose: Callable[[], int | None], times: int = 1) -> None:
        super().__init__(daemon=True)
        self._choose, self._times = choose, times
        self.killed: list[int] = []
        self.over = False
        self.struck = threading.Event()

    def run(self) -> None:
        while len(self.killed) < self._times and not self.over:
            pid = self._choose()
            if pid is not None and pid not in self.killed:
                with suppress(ProcessLookupError):  # it may have died with its node
                    os.kill(pid, signal.SIGKILL)
                self.killed.append(pid)
                self.struck.set()
            time.sleep(0.02)


def test_a_file_that_kills_its_workers_is_given_up(
    cluster: Any, dataset: Any, log_of: Any, tmp_path: Path
) -> None:
    """Whoever begins with it is killed, long before the end of it."""
    dataset.add("bad.mp4", 9000)
    for number in range(3):
        dataset.add(f"good{number}.mp4", 3)
    log = log_of(tmp_path / "out")

    def victim() -> int | None:
        begun = [event["worker"] for event in log.events("started") if event["file"] == 1]
        return log.pid(begun[-1]) if begun else None

    killer = Killer(victim, times=9)
    killer.start()
    scheduling = SchedulerOptions(split=False, max_batch=1)
    sources = [dataset.folder / "bad.mp4", dataset.folder]  # so it is file 1 of the manifest
    summary = transcode(
        sources, tmp_path / "out", coding=dataset.coding, workers=1, scheduling=scheduling
    )
    killer.over = True
    assert summary.exit_code == 4
    assert (summary.totals.done, summary.totals.failed) == (3, 1)
    lost = [event["blame"] for event in log.events("lost")]
    assert len(killer.killed) == len(lost)
    assert sum(lost) == 3  # Ray may take one that died for one that is out of reach
    assert (
        "given up after 3 attempts"
        in (tmp_path / "out" / ".streamcodec" / "failed.txt").read_text()
    )


def test_workers_and_a_node_die_and_the_bytes_are_those_of_one_process(
    cluster: Any, dataset: Any, cut_up: SchedulerOptions, log_of: Any, tmp_path: Path
) -> None:
    names = {"long.mp4": 80, "a.mp4": 8, "b.mp4": 8, "c.mp4": 8}
    for name, frames in names.items():
        dataset.add(name, frames)
    log = log_of(tmp_path / "out")

    def victim() -> int | None:
        """Somebody at work, after the first part was done."""
        busy = {event["worker"] for event in log.events("started")} - {
            event["worker"] for event in log.events("lost")
        }
        return (
            log.pid(min(busy))
            if busy and any(kind == "part" for kind, _, _ in log.work_done())
            else None
        )

    def hold(_: object) -> None:
        """The run does not end before somebody is killed."""
        if any(kind == "part" for kind, _, _ in log.work_done()):
            assert killer.struck.wait(PATIENCE_SECONDS)

    def lose_node() -> None:
        wait_for(lambda: len(log.work_done()) >= 3)
        cluster.remove_node(cluster.spare, allow_graceful=False)

    killer, remover = Killer(victim), threading.Thread(target=lose_node, daemon=True)
    killer.start()
    remover.start()
    summary = transcode(
        dataset.folder,
        tmp_path / "out",
        coding=dataset.coding,
        workers=3,
        scheduling=cut_up,
        progress=hold,
    )
    remover.join()
    assert summary.exit_code == 0
    assert len(killer.killed) == 1
    assert len(log.events("lost")) >= 1
    for name in names:
        assert (tmp_path / "out" / name).with_suffix(".ssf").read_bytes() == dataset.encoded(
            name
        ), name
    work = log.work_done()
    assert len(work) == len(set(work))  # nothing that was finished was done again


def test_interrupted_and_killed_drivers_leave_the_rest_to_the_next(
    cluster: Any, dataset: Any, cut_up: SchedulerOptions, log_of: Any, tmp_path: Path
) -> None:
    names = {"long.mp4": 400, "a.mp4": 8, "b.mp4": 8, "c.mp4": 8, "d.mp4": 8}
    for name, frames in names.items():
        dataset.add(name, frames)
    out, options = tmp_path / "out", dataset.coding.options
    log, struck = log_of(out), tmp_path / "struck"
    code = f"""
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # which the tests' parent may ignore
from streamcodec import EncodeOptions
from streamcodec.pipelines import Coding, SchedulerOptions, transcode
coding = Coding(options=EncodeOptions(gop=8, scenecut=0, device="cpu", intra={options.intra!r}, inter={options.inter!r}))
log, struck = Path({str(out / ".streamcodec" / "log.jsonl")!r}), Path({str(struck)!r})
def hold(_):  # the run does not end before it is struck
    while log.read_text().count('"event": "done"') > int(sys.argv[1]) and not struck.exists():
        time.sleep(0.02)
summary = transcode({str(dataset.folder)!r}, {str(out)!r}, coding=coding, workers=2, address={cluster.address!r},
    scheduling={cut_up!r}, progress=hold)
raise SystemExit(summary.exit_code)
"""
    for number, expected in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        before = len(log.work_done())
        struck.unlink(missing_ok=True)
        driver = subprocess.Popen(
            [sys.executable, "-P", "-c", code, str(before + 10)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(
                lambda before=before, driver=driver: (
                    len(log.work_done()) >= before + 2 or driver.poll() is not None
                )
            )
            driver.send_signal(number)
            struck.touch()
            assert driver.wait(PATIENCE_SECONDS) == expected
        finally:
            driver.kill()
    work = log.work_done()
    assert 4 <= len(work) < 50
    summary = transcode(dataset.folder, out, coding=dataset.coding, workers=2, scheduling=cut_up)
    assert summary.exit_code == 0
    for name in names:
        assert (out / name).with_suffix(".ssf").read_bytes() == dataset.encoded(name), name
    assert len(log.work_done()) == len(set(log.work_done()))
