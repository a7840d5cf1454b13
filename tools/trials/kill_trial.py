#!/usr/bin/env python3
"""Encodes that are killed with SIGKILL at random moments, and gone on with until they are whole.

    python tools/trials/kill_trial.py VIDEO --runs 200

Each run begins an encode of some frames of VIDEO with random settings, kills it, and begins it again
with --resume, until it ends; half of the later tries are killed too. Right is a run whose stream is,
byte for byte, that of an encode that nothing happened to, and whose parts all were beginnings of it.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = [sys.executable, "-m", "streamcodec", "encode"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, help="Stop after this long.")
    arguments = parser.parse_args()
    rng, started = random.Random(arguments.seed), time.monotonic()
    counts = {"runs": 0, "kills": 0, "resumed": 0, "wrong": 0}
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory() as folder:
            run_once(arguments.video, arguments.frames, Path(folder), rng, counts)
        print(json.dumps(counts), flush=True)
        if arguments.minutes and time.monotonic() - started > 60 * arguments.minutes:
            break
    sys.exit(1 if counts["wrong"] else 0)


def run_once(
    video: str, frames: int, folder: Path, rng: random.Random, counts: dict[str, int]
) -> None:
    """One encode to its end."""
    settings = [
        "--preset", "fast", "--frames", str(frames), "--gop", str(rng.randint(1, 9)), "-q", str(rng.randint(10, 50))
    ]  # fmt: skip
    straight, out = folder / "straight.ssf", folder / "out.ssf"
    begun = time.monotonic()
    subprocess.run([*COMMAND, video, str(straight), *settings, "--quiet"], check=True)
    usual = time.monotonic() - begun
    wanted, tries = straight.read_bytes(), 0
    counts["runs"] += 1
    while not out.exists():
        kill_after = rng.uniform(0, 1.1 * usual) if tries == 0 or rng.random() < 0.5 else None
        counts["kills"] += tried(video, out, settings, kill_after)
        for part in folder.glob(".out.*.part.ssf"):
            counts["wrong"] += not wanted.startswith(part.read_bytes())
            counts["resumed"] += 1
        tries += 1
    counts["wrong"] += out.read_bytes() != wanted


def tried(video: str, out: Path, settings: list[str], kill_after: float | None) -> bool:
    """Whether it was killed."""
    process = subprocess.Popen([*COMMAND, video, str(out), *settings, "--quiet", "--resume"])
    try:
        if process.wait(kill_after):
            raise SystemExit(f"encode failed with exit code {process.returncode}")
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


if __name__ == "__main__":
    main()
