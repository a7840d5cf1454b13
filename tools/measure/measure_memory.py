#!/usr/bin/env python3
"""Does memory grow with the length of a video? Encodes and decodes clips of two lengths and compares the peaks.

    python tools/measure/measure_memory.py                     # 100 and 600 frames of 640x480 with the default models: takes a while
    python tools/measure/measure_memory.py --frames 12 24 --size 1920x1080 --to .y4m

Each command runs in a process of its own; its peak is the kernel's (maximum resident set size).
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from streamcodec.types import RawFrame, VideoFormat
from streamcodec.video import VideoWriter


def make_clip(path: Path, frames: int, width: int, height: int) -> None:
    """A texture that pans, with a little noise."""
    rng = np.random.default_rng(0)
    base = np.repeat(
        np.repeat(rng.integers(0, 256, (3, height // 8, width // 8), dtype=np.uint8), 8, axis=1),
        8,
        axis=2,
    )
    video = VideoFormat(width, height, Fraction(1, 25), frame_rate=Fraction(25))
    with VideoWriter(path, video) as writer:
        for position in range(frames):
            writer.write(RawFrame((np.roll(base, 3 * position, axis=2),), position, 1))


def apart(work: Callable[..., None], *arguments: object) -> None:
    """Call it in a process of its own: the kernel counts this one's peak as that of every command that it starts."""
    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed")


def peak_mib(*arguments: str) -> float:
    """Run `streamcodec ARGUMENTS`; its peak memory in MiB."""
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "streamcodec", *arguments, "--quiet"],
        os.environ,
    )
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"streamcodec {' '.join(arguments)} failed")
    return usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, nargs=2, default=(100, 600), metavar="N")
    parser.add_argument("--size", default="640x480", help="multiples of 8")
    parser.add_argument("--to", default=".mp4", help="suffix of what is decoded to")
    options = parser.parse_args()
    counts = options.frames
    width, height = map(int, options.size.split("x"))
    peaks: dict[str, list[float]] = {"encode": [], "decode": []}
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            clip, stream, back = (
                str(Path(folder) / f"{count}{suffix}")
                for suffix in (".mp4", ".ssf", f".back{options.to}")
            )
            apart(make_clip, Path(clip), count, width, height)
            peaks["encode"].append(peak_mib("encode", clip, stream))
            peaks["decode"].append(peak_mib("decode", stream, back))
    print(f"peak memory at {width}x{height}, MiB")
    for name, (short, long) in peaks.items():
        print(
            f"{name}: {short:.0f} for {counts[0]} frames, {long:.0f} for {counts[1]} frames, ratio {long / short:.3f}"
        )


if __name__ == "__main__":
    main()
