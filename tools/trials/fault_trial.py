#!/usr/bin/env python3
"""Transcode clips while workers are killed and a node is removed, and tell whether that changed anything.

    tools/trials/fault_trial.py SOURCE --work FOLDER --clips 200 --workers 2 --kill-every 20 --remove-node-after 60 [--kill-driver-at 0.5]

Makes a cluster of three nodes on this machine (ray.cluster_utils), cuts clips from the videos below SOURCE, transcodes them with
`streamcodec transcode` and compares every output with a single-process encode, byte for byte. With --kill-driver-at the command itself
is killed when that share of the clips is done, and given again. What was done twice and what was lost in flight is counted from the run's
log. Exit code 0 if all outputs are identical and nothing finished was done again.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
import ray
from ray._private.internal_api import node_stats
from ray.cluster_utils import Cluster
from trial_clips import make_clips

from streamcodec import EncodeOptions, encode
from streamcodec.pipelines.cluster import InstalledOnly, patiently
from streamcodec.runtime import prepare

STORE_BYTES = 80 << 20
PROBE_BYTES = 10_000_000
POLL_SECONDS = 1.0
os.environ.setdefault(
    "RAY_worker_niceness", "0"
)  # that of a single process; Ray's 15 has workers wait for whatever else the machine does


@dataclass(frozen=True)
class Result:
    """`tasks_done`: files that were coded whole; plans, parts and joins of long ones. `lost_in_flight`: those that were begun and had to be
    begun again; `done_twice`: those that were finished more than once. `store_created_bytes`: all that went through Ray's object stores."""

    clips: int
    frames: int
    wall_seconds: float
    killed_workers: int
    removed_nodes: int
    lost_workers: int
    driver_killed_after: int | None
    tasks_done: int
    lost_in_flight: int
    done_twice: int
    identical: int
    exit_code: int
    store_peak_bytes: int
    store_created_bytes: int


def trial(arguments: argparse.Namespace) -> Result:
    work: Path = arguments.work
    shape = (arguments.frames, arguments.height)
    folder = work / "clips-{}-{}".format(*shape)
    clips = make_clips(arguments.source, folder, arguments.clips, *shape)
    out = Path(tempfile.mkdtemp(prefix="out-", dir=work))
    log = out / ".streamcodec" / "log.jsonl"
    with simulated(arguments.nodes) as (cluster, nodes):
        trouble = Trouble(
            cluster, nodes, log, arguments.kill_every, arguments.remove_node_after, arguments.seed
        )
        trouble.store.probe()
        trouble.start()
        command = transcoding(clips, out, arguments, cluster.address)
        started = time.monotonic()
        try:
            before = (
                None
                if arguments.kill_driver_at is None
                else kill_at(command, log, round(arguments.kill_driver_at * len(clips)))
            )
            trouble.forget_workers()
            exit_code = subprocess.run(command, check=False).returncode
        finally:
            wall = time.monotonic() - started
            trouble.over.set()
            trouble.join()
    rows = events(log)
    ended = (row for row in rows if row["event"] in ("done", "planned"))
    done = Counter((row["kind"], row["file"], str(row.get("gops")), row["event"]) for row in ended)
    return Result(
        clips=len(clips),
        frames=json.loads((log.parent / "report.json").read_text())["frames"],
        wall_seconds=round(wall, 1),
        killed_workers=trouble.killed,
        removed_nodes=trouble.removed,
        lost_workers=sum(row["event"] == "lost" for row in rows),
        driver_killed_after=before,
        tasks_done=sum(done.values()),
        lost_in_flight=sum(row["event"] == "started" for row in rows) - sum(done.values()),
        done_twice=sum(count - 1 for count in done.values()),
        identical=count_identical(clips, out, arguments),
        exit_code=exit_code,
        store_peak_bytes=trouble.store.peak_bytes,
        store_created_bytes=trouble.store.created_bytes,
    )


def events(log: Path) -> list[dict[str, Any]]:
    """What a run's log says so far; a line that is being written is left out."""
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    return [json.loads(line) for line in lines]


class Store:
    """The object stores of all nodes: `peak_bytes` that lay in them at one time, when `look` was called, and `created_bytes`, all that were
    ever put there, whenever that was."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._created: dict[str, int] = {}
        self._before = 0

    def look(self) -> int:
        """Bytes that lie there now."""
        used = 0
        for node in ray.nodes():
            if not node["Alive"]:
                continue
            try:
                stats = node_stats(
                    node["NodeManagerAddress"], node["NodeManagerPort"], include_memory_info=False
                ).store_stats
            except grpc.RpcError:  # it is about to go
                continue
            used += stats.object_store_bytes_used
            self._created[node["NodeID"]] = stats.cumulative_created_bytes
        self.peak_bytes = max(self.peak_bytes, used)
        return used

    def probe(self) -> None:
        """Put something there and see that it is seen; then begin to count. Raises RuntimeError."""
        self.look()
        before = sum(self._created.values())
        kept = ray.put(bytes(PROBE_BYTES))
        end = time.monotonic() + 10
        while self.look() < PROBE_BYTES or sum(self._created.values()) < before + PROBE_BYTES:
            if time.monotonic() > end:
                raise RuntimeError(
                    f"{PROBE_BYTES} bytes were put into the object store; its figures do not show them"
                )
            time.sleep(0.2)
        del kept
        self.peak_bytes, self._before = 0, sum(self._created.values())

    @property
    def created_bytes(self) -> int:
        return sum(self._created.values()) - self._before


class Trouble(threading.Thread):
    """Kills a worker every `kill_every` seconds, removes a node after `remove_after` (0 = never), if it can one with a worker; watches
    Ray's object stores."""

    def __init__(
        self,
        cluster: Any,
        nodes: list[Any],
        log: Path,
        kill_every: float,
        remove_after: float,
        seed: int,
    ) -> None:
        super().__init__(daemon=True)
        self._cluster, self._nodes, self._log = cluster, nodes, log
        self._kill_every, self._remove_after = kill_every, remove_after
        self._random = random.Random(seed)
        self._first_row = 0
        self.over = threading.Event()
        self.store = Store()
        self.killed = self.removed = 0

    def forget_workers(self) -> None:
        """Those of a driver that was killed: they end by themselves, and their numbers may come to be others'."""
        self._first_row = len(events(self._log))

    def run(self) -> None:
        started = last = time.monotonic()
        while not self.over.wait(POLL_SECONDS):
            now = time.monotonic()
            self.store.look()
            if not events(self._log):
                started = last = now  # nobody is at work yet
            if self._kill_every and now - last >= self._kill_every:
                last = now
                self.killed += self._kill()
            if self._remove_after and not self.removed and now - started >= self._remove_after:
                self._cluster.remove_node(self._node(), allow_graceful=False)
                self.removed += 1

    def _workers(self) -> list[dict[str, Any]]:
        """Those that are alive as far as the log tells, each with the row that told so."""
        alive: dict[str, dict[str, Any]] = {}
        for row in events(self._log)[self._first_row :]:
            if row["event"] == "ready":
                alive[row["worker"]] = row
            elif row["event"] == "lost":
                alive.pop(row["worker"], None)
        return list(alive.values())

    def _kill(self) -> int:
        alive = self._workers()
        if not alive:
            return 0
        try:
            os.kill(self._random.choice(alive)["pid"], signal.SIGKILL)
        except ProcessLookupError:
            return 0
        return 1

    def _node(self) -> Any:
        busy = {row["node"] for row in self._workers()}
        return next((node for node in self._nodes if node.node_id in busy), self._nodes[-1])


@contextmanager
def simulated(count: int) -> Iterator[tuple[Any, list[Any]]]:
    """A cluster of `count` nodes with one CPU each, and those of them that may be removed."""
    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    cluster = patiently(
        lambda: Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    )
    nodes = [patiently(lambda: cluster.add_node(**node)) for _ in range(count - 1)]
    ray.init(
        address=cluster.address,
        job_config=InstalledOnly(),
        log_to_driver=False,
        logging_level="error",
    )
    try:
        yield cluster, nodes
    finally:
        ray.shutdown()
        cluster.shutdown()


def coding_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the bytes of the outputs depend on."""
    return {name: getattr(arguments, name) for name in ("quality", "gop", "intra", "inter")}


def transcoding(
    clips: Sequence[Path], out: Path, arguments: argparse.Namespace, address: str
) -> list[str]:
    """The command."""
    settings = coding_of(arguments) | {"device": "cpu", "workers": arguments.workers}
    settings |= {"task-seconds": arguments.task_seconds, "address": address, "out": out}
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-P", "-m", "streamcodec", "transcode", str(clips[0].parent), *options]


def kill_at(command: Sequence[str], log: Path, files: int) -> int:
    """Begin, and kill the driver when `files` files are done; how many were. Raises RuntimeError if it ended before."""
    driver = subprocess.Popen(command)
    try:
        while (
            done := sum(
                row["event"] == "done" and row["kind"] in ("whole", "join") for row in events(log)
            )
        ) < files:
            if driver.poll() is not None:
                raise RuntimeError(
                    f"the driver has ended, with exit code {driver.returncode}, after {done} files; {files} were to be done"
                )
            time.sleep(0.1)
    finally:
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    return done


def count_identical(clips: Sequence[Path], out: Path, arguments: argparse.Namespace) -> int:
    """How many outputs are, byte for byte, what one process with one thread writes. What it has written is kept for the next trial."""
    prepare(1)
    names = coding_of(arguments)
    options = EncodeOptions(**names, device="cpu")
    folder = clips[0].parent / "-".join(
        ("single", *(str(value).replace("/", "_") for value in names.values()))
    )
    folder.mkdir(exist_ok=True)
    same = 0
    for clip in clips:
        single, made = folder / f"{clip.stem}.ssf", out / f"{clip.stem}.ssf"
        if not single.exists():
            encode(clip, single, options=options)
        same += made.exists() and made.read_bytes() == single.read_bytes()
    return same


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="folder of videos to cut clips from")
    parser.add_argument("--work", type=Path, required=True, help="folder for clips and outputs")
    numbers = {"clips": 24, "quality": 32, "gop": 16, "workers": 2, "nodes": 3, "seed": 0}
    for name, number in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--frames", type=int, default=48, help="of a clip")
    parser.add_argument("--height", type=int, default=96, help="of a clip")
    parser.add_argument("--intra", default=EncodeOptions.intra, help="model, as for `encode`")
    parser.add_argument("--inter", default=EncodeOptions.inter)
    parser.add_argument("--kill-every", type=float, default=20.0, help="seconds; 0 = never")
    parser.add_argument(
        "--remove-node-after",
        type=float,
        default=30.0,
        help="seconds after the first worker is ready; 0 = never",
    )
    parser.add_argument(
        "--kill-driver-at",
        type=float,
        metavar="SHARE",
        help="kill it when this share of the clips is done, and go on",
    )
    parser.add_argument(
        "--task-seconds", type=float, default=5.0, help="length of a task; well below --kill-every"
    )
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    arguments.work.mkdir(parents=True, exist_ok=True)
    result = trial(arguments)
    print(json.dumps(asdict(result), indent=2))
    return int(result.identical < result.clips or result.done_twice > 0 or result.exit_code != 0)


if __name__ == "__main__":
    raise SystemExit(main())
