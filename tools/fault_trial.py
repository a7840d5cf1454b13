"""Transcode clips while workers are killed and a node is removed, and tell whether that changed anything.

    tools/fault_trial.py SOURCE --work FOLDER --clips 200 --workers 2 --kill-every 20 --remove-node-after 60

Makes a cluster of three nodes on this machine (ray.cluster_utils), cuts clips from the videos below SOURCE, transcodes them with
`streamcodec.pipelines.transcode` and compares every output with a single-process encode, byte for byte. What was done twice and what
was lost in flight is counted from the run's log. Exit code 0 if all outputs are identical and nothing finished was done again.
"""

import argparse
import json
import os
import random
import re
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ray
from ray._private.internal_api import memory_summary
from ray.cluster_utils import Cluster
from streamcodec.pipelines import Coding, SchedulerOptions, transcode
from streamcodec.pipelines.actors import patiently
from streamcodec.pipelines.progress import show_progress
from trial_clips import make_clips

from streamcodec import EncodeOptions, encode
from streamcodec.cli.common import prepare

STORE_BYTES = 80 << 20


@dataclass(frozen=True)
class Result:
    """`lost_in_flight`: tasks that were begun and had to be begun again; `done_twice`: pieces of work that were finished more than once."""

    clips: int
    frames: int
    wall_seconds: float
    killed_workers: int
    removed_nodes: int
    lost_workers: int
    tasks_done: int
    lost_in_flight: int
    done_twice: int
    identical: int
    exit_code: int
    store_peak_bytes: int


class Trouble(threading.Thread):
    """Kills a worker every `kill_every` seconds, removes a node after `remove_after` (0 = never); watches Ray's object store."""

    def __init__(self, cluster: Any, nodes: list[Any], log: Path, kill_every: float, remove_after: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._cluster, self._nodes, self._log = cluster, nodes, log
        self._kill_every, self._remove_after = kill_every, remove_after
        self._random = random.Random(seed)
        self.over = threading.Event()
        self.killed = self.removed = self.store_peak_bytes = 0

    def run(self) -> None:
        started = last = time.monotonic()
        while not self.over.wait(0.5):
            now = time.monotonic()
            self._watch_store()
            if not events(self._log):
                started = last = now  # nobody is at work yet
            if self._kill_every and now - last >= self._kill_every:
                last = now
                self.killed += self._kill()
            if self._remove_after and self._nodes and now - started >= self._remove_after:
                self._cluster.remove_node(self._nodes.pop(), allow_graceful=False)
                self.removed += 1

    def _kill(self) -> int:
        """One of the workers that are alive as far as the log tells."""
        rows = events(self._log)
        lost = {row["worker"] for row in rows if row["event"] == "lost"}
        alive = {row["worker"]: row["pid"] for row in rows if row["event"] == "ready" and row["worker"] not in lost}
        if not alive:
            return 0
        try:
            os.kill(self._random.choice(sorted(alive.values())), signal.SIGKILL)
        except ProcessLookupError:
            return 0
        return 1

    def _watch_store(self) -> None:
        found = re.search(r"Plasma memory usage ([\d.]+) MiB", memory_summary(stats_only=True))
        self.store_peak_bytes = max(self.store_peak_bytes, round(float(found[1]) * (1 << 20)) if found else 0)


def events(log: Path) -> list[dict[str, Any]]:
    """What the run's log says so far."""
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    return [json.loads(line) for line in lines]


def trial(arguments: argparse.Namespace) -> Result:
    work: Path = arguments.work
    clips = make_clips(arguments.source, work / "clips", arguments.clips, arguments.frames, arguments.height)
    options = EncodeOptions(quality=arguments.quality, gop=arguments.gop, intra=arguments.intra, inter=arguments.inter, device="cpu")
    out = Path(tempfile.mkdtemp(prefix="out-", dir=work))
    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False}))
    nodes = [patiently(lambda: cluster.add_node(**node)) for _ in range(arguments.nodes - 1)]
    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    log = out / ".streamcodec" / "log.jsonl"
    trouble = Trouble(cluster, nodes, log, arguments.kill_every, arguments.remove_node_after, arguments.seed)
    trouble.start()
    started = time.monotonic()
    try:
        with show_progress() as progress:
            summary = transcode(
                work / "clips", out, coding=Coding(options=options), workers=arguments.workers, progress=progress,
                scheduling=SchedulerOptions(target_seconds=arguments.task_seconds),
            )  # fmt: skip
    finally:
        wall = time.monotonic() - started
        trouble.over.set()
        trouble.join()
        ray.shutdown()
        cluster.shutdown()
    rows = events(log)
    done = Counter((row["kind"], row["file"], str(row.get("gops"))) for row in rows if row["event"] == "done")
    begun = sum(row["event"] == "started" for row in rows)
    return Result(
        clips=len(clips),
        frames=summary.frames,
        wall_seconds=round(wall, 1),
        killed_workers=trouble.killed,
        removed_nodes=trouble.removed,
        lost_workers=sum(row["event"] == "lost" for row in rows),
        tasks_done=sum(done.values()),
        lost_in_flight=begun - sum(done.values()),
        done_twice=sum(count - 1 for count in done.values()),
        identical=count_identical(clips, out, options),
        exit_code=summary.exit_code,
        store_peak_bytes=trouble.store_peak_bytes,
    )


def count_identical(clips: Sequence[Path], out: Path, options: EncodeOptions) -> int:
    """How many outputs are, byte for byte, what one process with one thread writes."""
    prepare(1)
    same = 0
    for clip in clips:
        single, made = out.with_name("single.ssf"), out / f"{clip.stem}.ssf"
        encode(clip, single, options=options, overwrite=True)
        same += made.exists() and made.read_bytes() == single.read_bytes()
    return same


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of videos to cut clips from")
    parser.add_argument("--work", type=Path, required=True, help="folder for clips and outputs")
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--frames", type=int, default=48, help="of a clip")
    parser.add_argument("--height", type=int, default=96, help="of a clip")
    parser.add_argument("--quality", type=int, default=32)
    parser.add_argument("--gop", type=int, default=16)
    parser.add_argument("--intra", default=EncodeOptions.intra, help="model, as for `streamcodec encode`")
    parser.add_argument("--inter", default=EncodeOptions.inter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--kill-every", type=float, default=20.0, help="seconds; 0 = never")
    parser.add_argument("--remove-node-after", type=float, default=30.0, help="seconds after the first worker is ready; 0 = never")
    parser.add_argument("--task-seconds", type=float, default=5.0, help="length of a task; well below --kill-every")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    result = trial(parse())
    print(json.dumps(asdict(result), indent=2))
    return int(result.identical < result.clips or result.done_twice > 0 or result.exit_code != 0)


if __name__ == "__main__":
    raise SystemExit(main())
