#!/usr/bin/env python3
"""Writes docs/pictures/city.png: a crop of tools/data/city.mkv, the same of our stream, and of x264's at the same size.

Both code the clip without its last line, since x264 would store 405 lines as 4:4:4. x264 runs at preset
medium with tune zerolatency, the same GOP length and the lowest crf whose packets take no more bytes
than our whole stream.

    python tools/measure/side_by_side.py
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import streamcodec
from streamcodec.metrics import psnr_db
from streamcodec.video import VideoReader, VideoWriter

ROOT = Path(__file__).parents[2]
CITY = ROOT / "tools" / "data" / "city.mkv"
OUT = ROOT / "docs" / "pictures" / "city.png"
QUALITY = 8
FRAME = 30
LEFT, TOP, WIDTH, HEIGHT = 270, 90, 240, 210
BAR = 16  # pixels, for the caption


def write_even(path: Path) -> None:
    """The clip with an even number of lines, without loss."""
    with VideoReader(CITY, frame_format="yuv420") as reader:
        height = reader.format.height // 2 * 2
        video = replace(reader.format, height=height)
        with VideoWriter(path, video, frame_format="yuv420", codec="ffv1") as writer:
            for frame in reader:
                y, u, v = frame.planes
                writer.write(
                    replace(frame, planes=(y[:height], u[: height // 2], v[: height // 2]))
                )


def x264(source: Path, path: Path, crf: float) -> int:
    """Encode `source`; the bytes of its packets."""
    options = {"preset": "medium", "tune": "zerolatency", "g": "32"}
    with (
        VideoReader(source, frame_format="yuv420") as reader,
        VideoWriter(
            path, reader.format, frame_format="yuv420", crf=crf, options=options, overwrite=True
        ) as writer,
    ):
        for frame in reader:
            writer.write(frame)
    with av.open(str(path)) as file:
        return sum(packet.size for packet in file.demux(video=0))


def crop_of(path: Path) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3) uint8 RGB of the frame."""
    with VideoReader(path) as reader:
        for number, frame in enumerate(reader):
            if number == FRAME:
                return frame.planes[0][:, TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH].transpose(
                    1, 2, 0
                )
    raise SystemExit(f"{path} has no frame {FRAME}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, ours, back, theirs = (
            Path(folder) / name for name in ("s.mkv", "o.ssf", "o.mkv", "x.mkv")
        )
        write_even(source)
        report = streamcodec.encode(source, ours, quality=QUALITY)
        streamcodec.decode(ours, back, codec="ffv1")
        low, high = 10.0, 50.0
        for _ in range(9):
            crf = (low + high) / 2
            too_large = x264(source, theirs, crf) > report.size_bytes
            low, high = (crf, high) if too_large else (low, crf)
        size = x264(source, theirs, high)
        crops = {"source": crop_of(source), "streamcodec": crop_of(back), "x264": crop_of(theirs)}
    sizes = {"streamcodec": report.size_bytes, "x264": size}
    sheet = Image.new("RGB", (3 * WIDTH + 8, HEIGHT + BAR), "white")
    for column, (name, crop) in enumerate(crops.items()):
        at = column * (WIDTH + 4)
        sheet.paste(Image.fromarray(np.ascontiguousarray(crop)), (at, BAR))
        words = name if name not in sizes else f"{name}, {sizes[name] / 1000:.0f} kB"
        ImageDraw.Draw(sheet).text((at + 2, 2), words, fill="black")
        if name in sizes:
            print(f"{words}, crop {psnr_db(crop, crops['source']):.2f} dB RGB", file=sys.stderr)
    OUT.parent.mkdir(exist_ok=True)
    sheet.save(OUT, optimize=True)
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
