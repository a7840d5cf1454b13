#!/usr/bin/env python3
"""How much better I-frames should be than the P-frames behind them, by GOP length.

    measure_offset.py CLIP... [--gops 2 4 8 16 32] [--offsets 0 8 16] [--frames 32] [--scale WxH]

For every GOP length and --intra-offset it codes the frames at four qualities and prints the BD-rate
beside that of the first offset: over the mean of the frames' PSNR, and over the PSNR of their mean
squared error (YUV 6:1:1). Below zero is better. Without --offsets it compares the GOP lengths, at the
offsets that `encode` chooses, with the last of them.
"""

import argparse
import math
from pathlib import Path
from statistics import fmean

from streamcodec import EncodeOptions, Encoder
from streamcodec.metrics import RateCurve, bd_rate, mse_to_psnr_db
from streamcodec.stream.coding import coded
from streamcodec.types import RawFrame, VideoFormat
from streamcodec.video import VideoReader

QUALITIES = (12, 24, 36, 48)
Point = tuple[float, float, float]
"""Bytes, mean PSNR, PSNR of the mean error; in dB."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--gops", nargs="+", type=int, default=[2, 4, 8, 16, 32])
    parser.add_argument(
        "--offsets", nargs="+", type=int, help="leave out: those that encode chooses"
    )
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--scale")
    arguments = parser.parse_args()
    for clip in arguments.clips:
        with VideoReader(
            clip, frame_format="yuv420", max_frames=arguments.frames, scale=arguments.scale
        ) as reader:
            frames, video = list(reader), reader.format
        curves = {
            (gop, offset): [
                point(frames, video, gop, offset, quality, arguments.preset)
                for quality in QUALITIES
            ]
            for gop in arguments.gops
            for offset in arguments.offsets or [None]
        }
        for (gop, offset), curve in curves.items():
            anchor = (
                (gop, arguments.offsets[0]) if arguments.offsets else (arguments.gops[-1], None)
            )
            told = " ".join(f"{rate(curves[anchor], curve, measure):+.1f}" for measure in (1, 2))
            print(f"{clip.stem} GOP {gop} offset {offset}: {told} % beside {anchor}", flush=True)


def point(
    frames: list[RawFrame],
    video: VideoFormat,
    gop: int,
    offset: int | None,
    quality: int,
    preset: str,
) -> Point:
    options = EncodeOptions(
        quality=quality, gop=gop, intra_offset=offset, scenecut=0, preset=preset
    )
    steps = list(coded(Encoder(video, options), frames, measure=True))
    size = sum(len(packet.payload) for step in steps for packet in step.packets)
    errors = [step.error for step in steps if step.error is not None]
    return size, fmean(map(mse_to_psnr_db, errors)), mse_to_psnr_db(fmean(errors))


def rate(anchor: list[Point], test: list[Point], measure: int) -> float:
    curves = (
        RateCurve.of([each[0] for each in curve], [each[measure] for each in curve])
        for curve in (anchor, test)
    )
    found = bd_rate(*curves).percent
    return found if math.isfinite(found) else math.nan


if __name__ == "__main__":
    main()
