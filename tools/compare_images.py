#!/usr/bin/env python3
"""Rate and distortion of image models on frames of clips, as a table, with BD-rates against the first model.

    tools/compare_images.py CLIP... [--frames 0 24] --models bmshj2018-factorized mbt2018-mean mbt2018 [--quality 0 21 42 63]

Bits are those of whole streams of one I-frame, quality is the PSNR of RGB; both are means over the frames. BD-rates are per frame, then
averaged. A model is a name or a path, as for `--intra`.
"""

import argparse
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

import streamcodec
from streamcodec.metrics import RateCurve, bd_rate, psnr_db
from streamcodec.video import VideoReader


@dataclass(frozen=True)
class Point:
    bpp: float
    psnr_db: float


def frames_of(clip: Path, numbers: Sequence[int]) -> list[Tensor]:
    """Frames (3, H, W) uint8 RGB by number."""
    with VideoReader(str(clip), frame_format="rgb", max_frames=max(numbers) + 1) as reader:
        frames = [torch.from_numpy(frame.planes[0].copy()) for frame in reader]
    return [frames[number] for number in numbers]


def measure(model: str, frames: Sequence[Tensor], qualities: Sequence[int]) -> list[list[Point]]:
    """A point for each quality (inner) and frame (outer)."""
    codec = streamcodec.load_codec(model, "none", device="cpu")
    points = []
    for frame in frames:
        reports = [streamcodec.encode_image(frame, io.BytesIO(), codec=codec, quality=quality) for quality in qualities]
        points.append([Point(report.bpp, psnr_db(frame.numpy(), report.reconstruction)) for report in reports])
    return points


def curve(points: Sequence[Point]) -> RateCurve:
    return RateCurve.of([point.bpp for point in points], [point.psnr_db for point in points])


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def row(model: str, points: list[list[Point]], base: list[list[Point]]) -> str:
    """A line of the table: bpp and PSNR at each quality, BD-rate in percent against `base`."""
    cells = [f"{mean([p.bpp for p in column]):.3f} / {mean([p.psnr_db for p in column]):.2f}" for column in zip(*points, strict=True)]
    rates = [bd_rate(curve(theirs), curve(ours)).percent for theirs, ours in zip(base, points, strict=True)]
    return f"| {Path(model).stem} | {' | '.join(cells)} | {mean(rates):+.1f} % |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--frames", nargs="+", type=int, default=[0, 24], help="numbers of the frames of each clip")
    parser.add_argument("--models", nargs="+", required=True)
    parser.add_argument("--quality", nargs="+", type=int, default=[0, 21, 42, 63], help="four or more")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    frames = [frame for clip in arguments.clips for frame in frames_of(clip, arguments.frames)]
    print(f"| bpp / dB at quality | {' | '.join(map(str, arguments.quality))} | BD-rate |\n|---|{'---|' * len(arguments.quality)}---|")
    base = None
    for model in arguments.models:
        points = measure(model, frames, arguments.quality)
        base = base or points
        print(row(model, points, base), flush=True)


if __name__ == "__main__":
    main()
