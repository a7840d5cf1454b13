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

from streamcodec._native import MotionTables, instruction_sets, predict_motion
from streamcodec.motion import default_motion_tables
from streamcodec.quality import motion_lambda_16, quality_of
from streamcodec.training.data.planes import Planes
from streamcodec.training.data.references import through_x264
from streamcodec.video import VideoReader


def read(path: Path, count: int) -> list[Planes]:
    """The first frames of a clip."""
    with VideoReader(path, frame_format="yuv420", max_frames=count) as reader:
        planes = [frame.planes for frame in reader]
    return [(y, u, v) for y, u, v in planes]


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
    frames: list[Planes],
    references: list[Planes],
    *,
    with_key: bool,
    crf: float,
    preset: str,
    how: dict,
) -> str:
    """Figures of one GOP whose key frame is references[0]."""
    search, prediction, previous, bits, quality_db = Clock(), Clock(), None, [], []
    quality = quality_of(crf)
    for t in range(1, len(frames)):
        key = references[0] if with_key and t > 1 else None
        with search:
            field = motion.search(
                frames[t][0],
                references[t - 1][0],
                None if key is None else key[0],
                previous,
                quality=quality,
                lambda_16=motion_lambda_16(crf),
                preset=preset,
                **how,
            )
        with prediction:
            out = predict_motion(field, references[t - 1], key, **how)
        bits.append(
            motion.bits(field, previous=previous, has_key=key is not None, quality=quality)
            / frames[t][0].size
        )
        height, width = frames[t][0].shape
        quality_db.append(psnr_db(out[0][:height, :width], frames[t][0]))
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
    motion = default_motion_tables()
    how = {"threads": options.threads, "instruction_set": options.instruction_set}
    for path in options.clips:
        frames = read(path, options.frames)
        coded = through_x264(frames, preset="medium", crf=f"{options.crf:g}")
        references = [each.planes for each in coded]
        height, width = frames[0][0].shape
        print(f"{path.name} {width}x{height}, CRF {options.crf:g}, {options.threads} threads")
        for preset in ("fast", "medium"):
            for with_key in (False, True):
                figures = measure(
                    motion,
                    frames,
                    references,
                    with_key=with_key,
                    crf=options.crf,
                    preset=preset,
                    how=how,
                )
                print(
                    f"  {preset:6} {'with key frame' if with_key else 'previous only '} {figures}"
                )


if __name__ == "__main__":
    main()
