#!/usr/bin/env python3
"""Transcode clips while workers are killed and a node is removed, and tell whether that changed anything.

    tools/trials/fault_trial.py SOURCE --work FOLDER --clips 200 --workers 2 --kill-every 20 --remove-node-after 60 [--kill-driver-at 0.5]

Makes a cluster of three nodes on this machine (ray.cluster_utils), cuts clips from the videos below SOURCE, transcodes them with
`streamcodec transcode` and compares every output with a single-process encode, byte for byte. With --kill-driver-at the command itself
is killed when so many of the clips are done, and given again. What was done twice and what was lost in flight is counted from the run's
log. Exit code 0 if all outputs are identical and nothing finished was done again.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster
from trial_clips import make_clips
from trouble import Trouble, events

from streamcodec import EncodeOptions, encode
from streamcodec.pipelines.cluster import InstalledOnly, patiently
from streamcodec.runtime import prepare

STORE_BYTES = 80 << 20
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
    clips = make_clips(
        arguments.source,
        work / f"clips-{arguments.frames}-{arguments.height}",
        arguments.clips,
        arguments.frames,
        arguments.height,
    )
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
    done = Counter(
        (row["kind"], row["file"], str(row.get("gops"))) for row in rows if row["event"] == "done"
    )
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


@contextmanager
def simulated(count: int) -> Iterator[tuple[Any, list[Any]]]:
    """A cluster of so many nodes of one CPU each, and those of them that may be removed."""
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


def transcoding(
    clips: Sequence[Path], out: Path, arguments: argparse.Namespace, address: str
) -> list[str]:
    """The command."""
    settings = {
        "quality": arguments.quality,
        "gop": arguments.gop,
        "intra": arguments.intra,
        "inter": arguments.inter,
        "device": "cpu",
    }
    settings |= {
        "workers": arguments.workers,
        "task-seconds": arguments.task_seconds,
        "address": address,
        "out": out,
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [sys.executable, "-P", "-m", "streamcodec", "transcode", str(clips[0].parent), *options]


def kill_at(command: Sequence[str], log: Path, files: int) -> int:
    """Begin, and kill the driver when so many files are done; how many were. Raises RuntimeError if it ended before."""
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
    names = {
        "quality": arguments.quality,
        "gop": arguments.gop,
        "intra": arguments.intra,
        "inter": arguments.inter,
    }
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
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("--frames", type=int, default=48, help="of a clip")
    parser.add_argument("--height", type=int, default=96, help="of a clip")
    parser.add_argument("--quality", type=int, default=32)
    parser.add_argument("--gop", type=int, default=16)
    parser.add_argument(
        "--intra", default=EncodeOptions.intra, help="model, as for `streamcodec encode`"
    )
    parser.add_argument("--inter", default=EncodeOptions.inter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--nodes", type=int, default=3)
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
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    arguments.work.mkdir(parents=True, exist_ok=True)
    result = trial(arguments)
    print(json.dumps(asdict(result), indent=2))
    return int(result.identical < result.clips or result.done_twice > 0 or result.exit_code != 0)


if __name__ == "__main__":
    raise SystemExit(main())
