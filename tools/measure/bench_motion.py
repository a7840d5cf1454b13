#!/usr/bin/env python3
"""Time, bits and PSNR of motion search and prediction: tools/measure/bench_motion.py CLIP ... [--threads N] [--frames N] [--crf N]

References are what x264 (zerolatency) decodes at --crf. Times are medians of a whole call from Python, with its copies of
planes: wall, and CPU of all threads. docs/motion.md has figures.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import numpy as np
from count_motion import Luma, coded, luma, quality_of, read

from streamcodec._native import MotionTables, Tables, instruction_sets, predict_motion
from streamcodec.motion import default_tables


def chroma_like(plane: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(plane[::2, ::2])


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-9)))


class Clock:
    """Keeps the milliseconds of each `with`."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def __enter__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall.append(1e3 * (time.perf_counter() - self._start[0]))
        self.cpu.append(1e3 * (time.process_time() - self._start[1]))

    def __str__(self) -> str:
        return f"{median(self.wall):6.1f} ms wall, {median(self.cpu):6.1f} ms CPU"


def measure(
    motion: MotionTables,
    frames: list[Luma],
    references: list[Luma],
    *,
    with_key: bool,
    quality: int,
    preset: str,
    how: dict,
) -> str:
    """Figures of one GOP whose key frame is references[0]."""
    search, prediction, previous, bits, quality_db = Clock(), Clock(), None, [], []
    for t in range(1, len(frames)):
        key = references[0] if with_key and t > 1 else None
        with search:
            field = motion.search(
                frames[t], references[t - 1], key, previous, quality=quality, preset=preset, **how
            )
        planes = (references[t - 1], *2 * (chroma_like(references[t - 1]),))
        keys = None if key is None else (key, *2 * (chroma_like(key),))
        with prediction:
            out = predict_motion(field, planes, keys, **how)
        bits.append(
            motion.bits(field, previous=previous, has_key=key is not None, quality=quality)
            / frames[t].size
        )
        quality_db.append(psnr_db(out[0], frames[t]))
        previous = field
    return f"{np.mean(bits):.4f} bpp {np.mean(quality_db):.2f} dB  search {search}  predict {prediction}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--crf", type=float, default=28)
    parser.add_argument("--instruction-set", choices=instruction_sets())
    options = parser.parse_args()
    data, quality = default_tables(), quality_of(options.crf)
    motion = MotionTables(Tables(data.quantized_cdf, data.cdf_length, data.offset))
    how = {"threads": options.threads, "instruction_set": options.instruction_set}
    for path in options.clips:
        source = read(path, options.frames)
        frames, references = (
            [luma(f) for f in source],
            [luma(f) for f in coded(source, options.crf)],
        )
        print(
            f"{path.name} {frames[0].shape[1]}x{frames[0].shape[0]}, CRF {options.crf:g}, {options.threads} threads"
        )
        for preset in ("fast", "medium", "slow"):
            for with_key in (False, True):
                figures = measure(
                    motion,
                    frames,
                    references,
                    with_key=with_key,
                    quality=quality,
                    preset=preset,
                    how=how,
                )
                print(
                    f"  {preset:6} {'with key frame' if with_key else 'previous only '} {figures}"
                )


if __name__ == "__main__":
    main()
