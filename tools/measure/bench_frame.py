#!/usr/bin/env python3
"""Speed of the frame codec: encoding and decoding frames of a clip, with the processor time of each part and the peak memory.

    tools/measure/bench_frame.py [CLIP] [--weights INTRA INTER] [--size 720x405] [--frames 8] [--threads 1 2] [--quality 32]

Without weights random ones of the trained widths are used; without a clip, a moving picture that is made up.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamcodec._native import InterModel, IntraModel
from streamcodec.codec.dct_random import random_weights
from streamcodec.codec.dct_weights import load_dct_weights

Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def made_up(width: int, height: int, frames: int) -> Iterator[Planes]:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (height + 64, width + 64))
    for axis in (0, 1):
        for _ in range(3):
            noise = (noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)) / 3
    texture = 128 + 400 * noise
    for t in range(frames):
        shift = texture[t % 64 : t % 64 + height, 2 * t % 64 : 2 * t % 64 + width] + rng.normal(
            0, 2, (height, width)
        )
        y = shift.clip(0, 255).astype(np.uint8)
        u = np.ascontiguousarray(y[::2, ::2])
        yield y, u, 255 - u


def of_clip(path: Path, width: int, height: int, frames: int) -> Iterator[Planes]:
    import av

    with av.open(path) as container:
        for frame, _ in zip(container.decode(video=0), range(frames), strict=False):
            array = frame.reformat(width, height + height % 2, "yuv420p").to_ndarray()
            rows, half = height + height % 2, (width + 1) // 2
            y, rest = array[:height, :width], array[rows:].reshape(-1)
            u, v = (
                rest[: rows // 2 * half].reshape(-1, half),
                rest[rows // 2 * half :].reshape(-1, half),
            )
            yield (
                np.ascontiguousarray(y),
                u[: (height + 1) // 2].copy(),
                v[: (height + 1) // 2].copy(),
            )


class Clock:
    """Seconds since it was made, of the wall's clock and of the processors."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


def show(name: str, seconds: list[tuple[float, float]], parts: dict[str, float]) -> None:
    each = "  ".join(f"{part} {1000 * value / len(seconds):.1f}" for part, value in parts.items())
    wall, cpu = np.median(seconds, 0)
    print(
        f"  {name:6} {1 / wall:6.1f} fps {1000 * wall:6.1f} ms, processor {1000 * cpu:6.1f} ms | {each}"
    )


def measure(
    intra: IntraModel,
    inter: InterModel,
    frames: list[Planes],
    threads: int,
    options: argparse.Namespace,
) -> None:
    """Code two of the frames to warm up, then all of them, and print what that took."""
    height, width = frames[0][0].shape
    print(f"{width}x{height}, {threads} threads")
    seconds: dict[str, list[tuple[float, float]]] = {
        name: [] for name in ("I enc", "I dec", "P enc", "P dec")
    }
    parts: dict[str, dict[str, float]] = {name: {} for name in seconds}
    size_bytes = {"I": 0, "P": 0}
    for repeat in range(2):
        reference = decoded = None
        for number, planes in enumerate(frames[: 2 if repeat == 0 else None]):
            kind, model = ("I", intra) if number == 0 else ("P", inter)
            for_encode = {"times": parts[f"{kind} enc"]} if repeat else {}
            for_decode = {"times": parts[f"{kind} dec"]} if repeat else {}
            clock = Clock()
            payload, reference = model.encode(
                planes,
                options.quality,
                reference,
                threads=threads,
                preset=options.preset,
                instruction_set=options.instruction_set,
                **for_encode,
            )
            encoded = clock.read()
            clock = Clock()
            decoded = model.decode(
                payload,
                (height, width),
                decoded,
                threads=threads,
                instruction_set=options.instruction_set,
                **for_decode,
            )
            if repeat:
                seconds[f"{kind} enc"].append(encoded)
                seconds[f"{kind} dec"].append(clock.read())
                size_bytes[kind] += len(payload)
    for name, values in seconds.items():
        show(name, values, parts[name])
    bits = [8 * size_bytes[kind] / (width * height) / len(seconds[f"{kind} enc"]) for kind in "IP"]
    print(f"  bits per pixel: I {bits[0]:.3f}, P {bits[1]:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--weights", nargs=2, type=Path, metavar=("INTRA", "INTER"))
    parser.add_argument("--size", default="720x405")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--quality", type=int, default=32)
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--instruction-set")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    if options.weights:
        intra, inter = (load_dct_weights(path).native() for path in options.weights)
    else:
        intra, inter = (random_weights(kind, small=False).native() for kind in ("intra", "inter"))
    frames = list(
        (of_clip(options.clip, width, height, options.frames))
        if options.clip
        else made_up(width, height, options.frames)
    )
    for threads in options.threads:
        measure(intra, inter, frames, threads, options)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


main()
