#!/usr/bin/env python3
"""What the depth of a GOP costs: PSNR of the same pictures deep in one GOP, and nearer to a key frame.

    measure_drift.py CLIP... [--gop 32] [--frames 32] [--qualities 12 24 36 48] [--scale WxH]

It codes the frames twice, in GOPs of --gop: from the first frame on, and from half a GOP later. Frames
of the last quarter of a GOP in the first stream are of the second quarter in the second, where the
better key frame no longer shows. For each quality it prints the mean PSNR (YUV 6:1:1, dB) of those
frames in both, the difference, and that of bits. With --each it also prints the PSNR of every frame
of the first stream.
"""

import argparse
from pathlib import Path
from statistics import fmean

from streamcodec import EncodeOptions, Encoder
from streamcodec.metrics import mse_to_psnr_db
from streamcodec.stream.coding import coded
from streamcodec.types import RawFrame, VideoFormat
from streamcodec.video import VideoReader

Coded = list[tuple[float, int]]
"""PSNR in dB and bytes of each frame."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--gop", type=int, default=32)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--qualities", nargs="+", type=int, default=[12, 24, 36, 48])
    parser.add_argument("--scale")
    parser.add_argument("--each", action="store_true")
    arguments = parser.parse_args()
    half = arguments.gop // 2
    if arguments.gop < 4:
        parser.error("--gop must be at least 4")
    for clip in arguments.clips:
        with VideoReader(
            clip, frame_format="yuv420", max_frames=arguments.frames, scale=arguments.scale
        ) as reader:
            frames, video = list(reader), reader.format
        deep = [k for k in range(len(frames)) if 4 * (k % arguments.gop) >= 3 * arguments.gop]
        if not deep:
            parser.error(
                f"{clip} has {len(frames)} frames; accepted: more than three quarters of a GOP"
            )
        for quality in arguments.qualities:
            early = code(frames, video, arguments.gop, quality)
            late = code(frames[half:], video, arguments.gop, quality)
            far = [early[k] for k in deep]
            near = [late[k - half] for k in deep]
            psnr = [fmean(value for value, _ in each) for each in (near, far)]
            size = [sum(count for _, count in each) for each in (near, far)]
            print(
                f"{clip.stem} quality {quality}: frames {deep[0]}..{deep[-1]} near {psnr[0]:.2f} dB, deep {psnr[1]:.2f} dB, "
                f"{psnr[1] - psnr[0]:+.2f} dB, {100 * size[1] / size[0] - 100:+.1f} % bits",
                flush=True,
            )
            if arguments.each:
                print("  " + " ".join(f"{value:.2f}" for value, _ in early), flush=True)


def code(frames: list[RawFrame], video: VideoFormat, gop: int, quality: int) -> Coded:
    encoder = Encoder(video, EncodeOptions(quality=quality, gop=gop, scenecut=0))
    return [
        (mse_to_psnr_db(step.error), sum(len(packet.payload) for packet in step.packets))
        for step in coded(encoder, frames, measure=True)
        if step.error is not None
    ]


if __name__ == "__main__":
    main()
