#!/usr/bin/env python3
"""Encodes that are killed with SIGKILL at random moments and resumed until they are whole.

    python tools/trials/kill_trial.py VIDEO --runs 200

A run encodes some frames of VIDEO with random settings, once without a break, and once killed. The
first try is killed when its part on disk has grown to a random size, a moment later; half of the
later ones are killed too, at such a size or at any time since their start. Each try is the same command
with --resume. A run is right if every part was a beginning of the unbroken stream, and the stream in
the end is that stream, byte for byte. A line of JSON after each run counts:

    runs, kills        runs done, and processes killed in all
    parts              kills after which a part lay on disk
    with_gops          those of them that held a whole GOP: the next try has something to resume
    resumed_runs       runs whose last try went on from a whole GOP
    frames_kept        frames that the last tries found in whole GOPs, over all runs
    wrong              parts and streams that are not what they should be
"""

import argparse
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from streamcodec.container import Packet, PacketType, Reader
from streamcodec.errors import StreamCodecError

COMMAND = [sys.executable, "-P", "-m", "streamcodec", "encode"]
LOOK_SECONDS = 0.001


class Trial:
    """Runs, and how they ended."""

    def __init__(self, video: str, frames: int, scale: str | None, seed: int) -> None:
        self._video, self._frames = video, frames
        self._scale = ["--scale", scale] if scale else []
        self._rng = random.Random(seed)
        self.counts = dict.fromkeys(
            ("runs", "kills", "parts", "with_gops", "resumed_runs", "frames_kept", "wrong"), 0
        )

    def run(self, folder: Path) -> None:
        """One encode to its end."""
        settings = [
            "--preset", "fast", "--frames", str(self._frames), "--gop", str(self._rng.randint(1, 9)),
            "-q", str(self._rng.randint(10, 50)), *self._scale, "--quiet",
        ]  # fmt: skip
        straight, out = folder / "straight.ssf", folder / "out.ssf"
        begun = time.monotonic()
        subprocess.run([*COMMAND, self._video, str(straight), *settings], check=True)
        usual_seconds = time.monotonic() - begun
        wanted, kept, is_first = straight.read_bytes(), 0, True
        command = [*COMMAND, self._video, str(out), *settings, "--resume"]
        while not out.exists():
            kept = self._frames_left_in(folder, wanted)
            process = subprocess.Popen(command)
            if is_first or self._rng.random() < 0.5:
                self._kill(process, folder, len(wanted), usual_seconds)
            if process.wait() > 0:
                raise SystemExit(f"encode failed with exit code {process.returncode}")
            self.counts["kills"] += process.returncode < 0
            is_first = False
        self.counts["runs"] += 1
        self.counts["resumed_runs"] += kept > 0
        self.counts["frames_kept"] += kept
        self.counts["wrong"] += out.read_bytes() != wanted

    def _kill(
        self, process: subprocess.Popen[bytes], folder: Path, size: int, usual_seconds: float
    ) -> None:
        """At a random moment, unless it ends before."""
        rng = self._rng
        target = rng.uniform(0, size) if rng.random() < 0.8 else None
        latest = rng.uniform(0, usual_seconds) if target is None else float("inf")
        begun = time.monotonic()
        while process.poll() is None:
            grown = sum(part.stat().st_size for part in parts_in(folder))
            if time.monotonic() - begun > latest or (target is not None and grown > target):
                time.sleep(rng.uniform(0, 2 * usual_seconds / self._frames))
                process.kill()
                return
            time.sleep(LOOK_SECONDS)

    def _frames_left_in(self, folder: Path, wanted: bytes) -> int:
        """Frames in whole GOPs of the part that a try left."""
        frames = 0
        for part in parts_in(folder):
            data = part.read_bytes()
            frames = frames_in_gops(data)
            self.counts["parts"] += 1
            self.counts["with_gops"] += frames > 0
            self.counts["wrong"] += not wanted.startswith(data)
        return frames


def parts_in(folder: Path) -> list[Path]:
    return list(folder.glob(".out.*.part.ssf"))


def frames_in_gops(data: bytes) -> int:
    """Frames before the last I-frame that is sound: the GOP of that one may lack some."""
    frames = 0
    try:
        for item in Reader(io.BytesIO(data), on_damage="skip"):
            if not isinstance(item, Packet):
                break
            if item.type == PacketType.FRAME and item.key:
                frames = item.frame
    except StreamCodecError:  # cut off within the header
        return 0
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--scale", help="Size of the pictures, as encode takes it.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, help="Stop after this long.")
    arguments = parser.parse_args()
    trial = Trial(arguments.video, arguments.frames, arguments.scale, arguments.seed)
    started = time.monotonic()
    while trial.counts["runs"] < arguments.runs:
        with tempfile.TemporaryDirectory() as folder:
            trial.run(Path(folder))
        print(json.dumps(trial.counts), flush=True)
        if arguments.minutes and time.monotonic() - started > 60 * arguments.minutes:
            break
    sys.exit(1 if trial.counts["wrong"] else 0)


if __name__ == "__main__":
    main()
