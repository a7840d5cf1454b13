#!/usr/bin/env python3
"""One long video: how much faster than a single process are workers that share it, and are the bytes the same?

    tools/trials/split_trial.py SOURCE --work FOLDER --seconds 600 --workers 2 [--rate 25] [--repeat 3] [--threads]

Joins the videos below SOURCE to one of --seconds, encodes it with `streamcodec.encode` in a process with one thread (with --threads
also in one with as many threads as there are workers), and with `streamcodec.pipelines.transcode` on workers with one thread each. The wall
time of the latter includes Ray's start and the planning pass; that of a process leaves out its imports. Prints a JSON line each time.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from trial_clips import make_long_video

from streamcodec import EncodeOptions
from streamcodec.pipelines import Coding, transcode
from streamcodec.pipelines.transcoding.report.progress import show_progress

os.environ.setdefault(
    "RAY_worker_niceness", "0"
)  # that of a single process; Ray's 15 has workers wait for whatever else the machine does
SINGLE = """
import sys, time
from streamcodec.runtime import prepare
prepare(int(sys.argv[4]))
import streamcodec
started = time.monotonic()
streamcodec.encode(sys.argv[1], sys.argv[2], quality=int(sys.argv[3]), device="cpu", overwrite=True)
print(time.monotonic() - started)
"""


def main() -> int:
    arguments = parse()
    arguments.work.mkdir(parents=True, exist_ok=True)
    name = f"long-{arguments.seconds:g}-{arguments.height}-{arguments.rate}.mp4"
    video = make_long_video(
        arguments.source, arguments.work / name, arguments.seconds, arguments.height, arguments.rate
    )
    same = True
    for _ in range(arguments.repeat):
        row = compare(video, arguments)
        print(json.dumps(row), flush=True)
        same &= bool(row["identical"])
    return 0 if same else 1


def compare(video: Path, arguments: argparse.Namespace) -> dict[str, float | bool]:
    """Wall seconds of each way, how many times those of the workers the others are, and whether the streams of one thread are the same."""
    single, shared = arguments.work / "single.ssf", arguments.work / "shared"
    alone = encode_alone(video, single, arguments.quality, threads=1)
    shutil.rmtree(shared, ignore_errors=True)
    started = time.monotonic()
    coding = Coding(options=EncodeOptions(quality=arguments.quality, device="cpu"))
    with show_progress() as progress:
        summary = transcode(
            video, shared, coding=coding, workers=arguments.workers, progress=progress
        )
    together = time.monotonic() - started
    figures = {
        "frames": summary.frames,
        "workers": arguments.workers,
        "workers_seconds": round(together, 1),
    }
    figures |= {
        "one_thread_seconds": round(alone, 1),
        "ratio_to_one_thread": round(alone / together, 2),
    }
    if arguments.threads:
        threaded = encode_alone(
            video, arguments.work / "threaded.ssf", arguments.quality, threads=arguments.workers
        )
        figures |= {
            "threads_seconds": round(threaded, 1),
            "ratio_to_threads": round(threaded / together, 2),
        }
    return figures | {
        "identical": single.read_bytes() == (shared / f"{video.stem}.ssf").read_bytes()
    }


def encode_alone(video: Path, out: Path, quality: int, threads: int) -> float:
    """Seconds of `streamcodec.encode` in a process of its own."""
    command = [sys.executable, "-c", SINGLE, str(video), str(out), str(quality), str(threads)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return float(
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="folder of videos")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the video and the streams"
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rate", type=int, default=25, help="frames per second")
    parser.add_argument("--height", type=int, default=240)
    parser.add_argument("--quality", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument(
        "--threads", action="store_true", help="time a process with as many threads as workers too"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
