#!/usr/bin/env python3
"""A crop of one frame as the source has it, as our stream has it, and as x264 and x265 have it at the same size.

    tools/measure/side_by_side.py
    tools/measure/side_by_side.py CLIP --frame 24 --crop LEFT,TOP,WIDTH,HEIGHT -o docs/pictures/NAME.jpg

Without arguments it writes docs/pictures/city.png. x264 and x265 run at preset medium, with
B-frames and look-ahead, as `evaluate` runs them, with our GOP length and the lowest CRF, to a tenth, whose packets
take no more bytes than our whole stream. A last odd line or column is left out, since x264 would make
4:4:4 of it. Size and PSNR of each are printed: YUV of all frames (6:1:1, their mean), RGB of the crop.
With --keep FOLDER the files stay there: `streamcodec compare FOLDER/source.mkv FOLDER/ours.ssf
FOLDER/x264.mkv FOLDER/x265.mkv -o page.html`.
"""

import argparse
import math
import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import fmean

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import streamcodec
from streamcodec.metrics import psnr_db, psnr_yuv_db
from streamcodec.pipelines.evaluation.anchors import anchor_named
from streamcodec.types import RawFrame
from streamcodec.video import VideoReader, VideoWriter

ROOT = Path(__file__).parents[2]
GOP = 32
BESIDE = ("x264", "x265")
BAR, GAP = 16, 4  # pixels, for the caption and between the crops


def write_even(source: Path, path: Path, count: int | None = None) -> None:
    """The first `count` frames without loss, less a last odd line or column."""
    with VideoReader(source, frame_format="yuv420") as reader:
        height, width = reader.format.height // 2 * 2, reader.format.width // 2 * 2
        video = replace(reader.format, height=height, width=width)
        with VideoWriter(path, video, frame_format="yuv420", codec="ffv1") as writer:
            for frame in islice(reader, count):
                y, *chroma = frame.planes
                halves = (plane[: height // 2, : width // 2] for plane in chroma)
                writer.write(replace(frame, planes=(y[:height, :width], *halves)))


def code_by(name: str, source: Path, path: Path, crf: float, gop: int) -> int:
    """Encode `source` by an anchor of `evaluate`; the bytes of its packets."""
    anchor = anchor_named(name)
    with (
        VideoReader(source, frame_format="yuv420") as reader,
        VideoWriter(
            path,
            reader.format,
            frame_format="yuv420",
            codec=anchor.encoder,
            crf=crf,
            options=anchor.options(gop),
            overwrite=True,
        ) as writer,
    ):
        for frame in reader:
            writer.write(frame)
    with av.open(str(path)) as file:
        return sum(packet.size for packet in file.demux(video=0))


def crf_for(measure: Callable[[float], float], most: float) -> float:
    """The lowest CRF, to a tenth, at which `measure(crf)`, which falls as the CRF rises, is at most `most`.

    Looked for between 5 and 51 where its logarithm would be on a straight line; few steps do.
    """
    tenths = {crf: measure(crf / 10) for crf in (200, 360)}
    low, high = 200, 360
    while tenths[low] <= most and low > 50:
        low, high = max(low - 80, 50), low
        tenths[low] = measure(low / 10)
    while tenths[high] > most and high < 510:
        low, high = high, min(high + 80, 510)
        tenths[high] = measure(high / 10)
    if not tenths[low] > most >= tenths[high]:
        raise SystemExit(f"no CRF from {low / 10} to {high / 10} gives {most}")
    while high - low > 1:
        share = math.log(tenths[low] / most) / math.log(tenths[low] / tenths[high])
        crf = min(max(round(low + share * (high - low)), low + 1), high - 1)
        tenths[crf] = measure(crf / 10)
        low, high = (low, crf) if tenths[crf] <= most else (crf, high)
    return high / 10


def frames_of(path: Path) -> list[RawFrame]:
    """Y, U and V of 4:2:0."""
    with VideoReader(path, frame_format="yuv420") as reader:
        return list(reader)


def psnr_between(source: Path, decoded: Path) -> float:
    """PSNR YUV 6:1:1 in dB, mean of the frames."""
    pairs = zip(frames_of(source), frames_of(decoded), strict=True)
    return fmean(psnr_yuv_db(first.planes, second.planes) for first, second in pairs)


def code_all(source: Path, folder: Path, quality: int) -> dict[str, tuple[Path, int]]:
    """Codec -> what it shows, and its bytes."""
    ours, back = folder / "ours.ssf", folder / "decoded.mkv"
    size_bytes = streamcodec.encode(source, ours, quality=quality, gop=GOP).size_bytes
    streamcodec.decode(ours, back, codec="ffv1")
    found = {"streamcodec": (back, size_bytes)}
    for name in BESIDE:
        path = folder / f"{name}.mkv"

        def size_at(crf: float, name: str = name, path: Path = path) -> int:
            return code_by(name, source, path, crf, GOP)

        found[name] = path, size_at(crf_for(size_at, size_bytes))
    return found


def crop_of(path: Path, number: int, crop: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of the frame."""
    left, top, width, height = crop
    with VideoReader(path) as reader:
        frame = next(islice(reader, number, None), None)
    if frame is None:
        raise SystemExit(f"{path} has no frame {number}")
    return frame.planes[0][:, top : top + height, left : left + width].transpose(1, 2, 0)


def draw(crops: dict[str, NDArray[np.uint8]]) -> Image.Image:
    """The crops in a row, under their captions."""
    height, width, _ = next(iter(crops.values())).shape
    sheet = Image.new("RGB", (len(crops) * (width + GAP) - GAP, height + BAR), "white")
    for column, (caption, crop) in enumerate(crops.items()):
        sheet.paste(Image.fromarray(np.ascontiguousarray(crop)), (column * (width + GAP), BAR))
        ImageDraw.Draw(sheet).text((column * (width + GAP) + 2, 2), caption, fill="black")
    return sheet


def four_numbers(text: str) -> tuple[int, int, int, int]:
    left, top, width, height = (int(part) for part in text.split(","))
    return left, top, width, height


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("clip", type=Path, nargs="?", default=ROOT / "tools" / "data" / "city.mkv")
    parser.add_argument("--quality", type=int, default=8)
    parser.add_argument("--frame", type=int, default=30)
    parser.add_argument("--crop", type=four_numbers, default=(270, 90, 240, 210))
    parser.add_argument(
        "-o", type=Path, default=ROOT / "docs" / "pictures" / "city.png", dest="out"
    )
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        folder.mkdir(exist_ok=True)
        source = folder / "source.mkv"
        write_even(given.clip, source)
        original = crop_of(source, given.frame, given.crop)
        crops = {"source": original}
        for label, (path, size) in code_all(source, folder, given.quality).items():
            crop = crop_of(path, given.frame, given.crop)
            crops[f"{label}, {size / 1000:.0f} kB"] = crop
            print(
                f"{label}: {size} bytes, {psnr_between(source, path):.2f} dB YUV, "
                f"crop {psnr_db(crop, original):.2f} dB RGB",
                flush=True,
            )
    settings = {"optimize": True, "quality": 95, "subsampling": 0}
    draw(crops).save(given.out, **(settings if given.out.suffix == ".jpg" else {"optimize": True}))
    print(f"{given.out}: {given.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
