"""One long video: how much faster than a single process are workers that share it, and are the bytes the same?

    tools/split_trial.py SOURCE --work FOLDER --seconds 600 --workers 2

Joins the videos below SOURCE to one of so many seconds, encodes it with `streamcodec.encode` in a process with one thread, and with
`streamcodec.pipelines.transcode` on workers with one thread each. The wall time of the latter includes Ray's start and the planning pass.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from streamcodec.pipelines import Coding, transcode
from streamcodec.pipelines.progress import show_progress
from trial_clips import make_long_video

from streamcodec import EncodeOptions

SINGLE = """
import sys, time
from streamcodec.cli.common import prepare
prepare(1)
import streamcodec
started = time.monotonic()
streamcodec.encode(sys.argv[1], sys.argv[2], quality=int(sys.argv[3]), device="cpu", overwrite=True)
print(time.monotonic() - started)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of videos")
    parser.add_argument("--work", type=Path, required=True, help="folder for the video and the streams")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--height", type=int, default=240)
    parser.add_argument("--quality", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    video = make_long_video(arguments.source, arguments.work / f"long-{arguments.seconds:g}.mp4", arguments.seconds, arguments.height)
    single, shared = arguments.work / "single.ssf", arguments.work / "shared"
    shutil.rmtree(shared, ignore_errors=True)
    command = [sys.executable, "-c", SINGLE, str(video), str(single), str(arguments.quality)]
    alone = float(subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}).stdout)
    started = time.monotonic()
    coding = Coding(options=EncodeOptions(quality=arguments.quality, device="cpu"))
    with show_progress() as progress:
        summary = transcode(video, shared, coding=coding, workers=arguments.workers, progress=progress)
    together = time.monotonic() - started
    same = single.read_bytes() == (shared / f"{video.stem}.ssf").read_bytes()
    figures = {"frames": summary.frames, "workers": arguments.workers, "one_process_seconds": alone, "workers_seconds": together}
    print(json.dumps(figures | {"ratio": alone / together, "identical": same}, indent=2))
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
