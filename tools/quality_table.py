"""Bits and quality of real clips at several qualities, with everything checked on the way: a table in Markdown.

    python tools/quality_table.py CLIP... [--quality 0 16 32 48 63] [--frames N]

Each clip is encoded and decoded by the command line's own functions. Checked: the decoded video has the same size, number of frames and
timestamps as the source, and its pixels are as good, to the last bit, as the encoder's reconstruction. PSNR is of RGB, and of YUV as 6:1:1
averaged over the frames, against the source's own planes; fps are wall time on this machine.
"""

import argparse
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path

import numpy as np

import streamcodec
from streamcodec.metrics import mse, mse_to_psnr_db, psnr_yuv_db
from streamcodec.types import RawFrame
from streamcodec.video import VideoReader, to_yuv420


@dataclass(frozen=True)
class Row:
    clip: str
    quality: int
    frames: int
    bpp: float
    psnr_db: float
    psnr_yuv_db: float
    encode_fps: float
    decode_fps: float


def measure(clip: Path, quality: int, max_frames: int | None, folder: Path) -> Row:
    """Encode, decode, verify and compare one clip; a difference ends the program with a message."""
    stream, back = folder / "clip.ssf", folder / "back.mp4"
    coded = streamcodec.encode(clip, stream, quality=quality, max_frames=max_frames, psnr=True, overwrite=True)
    decoded = streamcodec.decode(stream, back, codec="libx264rgb", codec_options={"qp": "0"}, overwrite=True)  # lossless
    with VideoReader(clip, max_frames=max_frames) as source, VideoReader(back) as target:
        check(clip, "size", size_of(target), size_of(source))
        pairs = list(zip_longest(source, target))
        check(clip, "number of frames", sum(frame is not None for _, frame in pairs), sum(frame is not None for frame, _ in pairs))
        check(clip, "timestamps", times(target, [b for _, b in pairs]), times(source, [a for a, _ in pairs]))
    error = float(np.mean([mse(a.planes[0], b.planes[0]) for a, b in pairs]))
    check(clip, "PSNR of the encoder's reconstruction", mse_to_psnr_db(error), coded.psnr_db)
    color = source.format.color
    with VideoReader(clip, frame_format="yuv420", max_frames=max_frames) as source:
        planes = zip(source, (to_yuv420(shown.planes[0], color) for _, shown in pairs), strict=True)
        qualities = [psnr_yuv_db(frame.planes, shown) for frame, shown in planes]
    return Row(clip.name, quality, coded.frames, coded.bpp, coded.psnr_db or 0.0, float(np.mean(qualities)), coded.fps, decoded.fps)


def size_of(reader: VideoReader) -> tuple[int, int]:
    return reader.format.width, reader.format.height


def times(reader: VideoReader, frames: list[RawFrame]) -> list[Fraction]:
    return [frame.pts * reader.format.time_base for frame in frames]


def check(clip: Path, what: str, found: object, expected: object) -> None:
    if found != expected:
        raise SystemExit(f"{clip}: {what} came back as {found}, not {expected}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    parser.add_argument("--quality", type=int, nargs="+", default=[0, 16, 32, 48, 63], metavar="Q")
    parser.add_argument("--frames", type=int, metavar="N")
    arguments = parser.parse_args()
    print("| clip | q | frames | bpp | PSNR RGB | PSNR YUV | encode fps | decode fps |\n|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for clip in arguments.clips:
            for quality in arguments.quality:
                row = measure(clip, quality, arguments.frames, Path(folder))
                print(
                    f"| {row.clip} | {row.quality} | {row.frames} | {row.bpp:.4f} | {row.psnr_db:.2f} | {row.psnr_yuv_db:.2f} "
                    f"| {row.encode_fps:.2f} | {row.decode_fps:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
