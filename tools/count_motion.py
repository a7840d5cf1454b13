#!/usr/bin/env python3
"""Counts motion symbols over clips and writes them to the file that streamcodec.motion.default_tables() reads.

    tools/count_motion.py CLIP ... --out streamcodec/motion/counts.npz

Each clip's first frames are coded by x264 (zerolatency) at some CRF of 13 to 43; motion is searched against what it decoded,
with tables from the counts of the round before.
"""

import argparse
import io
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from streamcodec._native import MotionTables, Tables
from streamcodec.motion import bootstrap_tables, tables_from_counts

Luma = NDArray[np.uint8]
CRFS = (13, 16, 19, 22, 25, 28, 31, 34, 37, 40, 43)


def quality_of(crf: float) -> int:
    """The quality whose lambda is that of x264 at `crf`."""
    return min(63, max(0, round((44 - crf) * 63 / 32)))


def read(path: Path, frames: int) -> list[av.VideoFrame]:
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            found.append(frame.reformat(frame.width // 16 * 16, frame.height // 16 * 16, "yuv420p"))
            if len(found) == frames:
                break
    return found


def coded(frames: list[av.VideoFrame], crf: float) -> list[av.VideoFrame]:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        options = {"preset": "veryfast", "tune": "zerolatency", "crf": str(crf)}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuv420p"
        for pts, frame in enumerate(frames):
            frame.pts = pts
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as container:
        return list(container.decode(video=0))


def luma(frame: av.VideoFrame) -> Luma:
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return np.ascontiguousarray(rows[:, : plane.width])


def count(motion: MotionTables, frames: list[Luma], references: list[Luma], quality: int) -> NDArray[np.int64]:
    """Counts of a GOP whose key frame is references[0]."""
    total, previous = np.zeros(1, np.int64), None
    for t in range(1, len(frames)):
        key = references[0] if t > 1 else None
        field = motion.search(frames[t], references[t - 1], key, previous, quality=quality)
        total = total + field.counts(previous=previous, has_key=key is not None, quality=quality)
        previous = field
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    gops = []
    for number, path in enumerate(options.clips):
        frames, crf = read(path, options.frames), CRFS[number * 3 % len(CRFS)]
        if len(frames) > 1:
            gops.append(([luma(f) for f in frames], [luma(f) for f in coded(frames, crf)], quality_of(crf)))
    data = bootstrap_tables()
    for number in range(options.rounds):
        motion = MotionTables(Tables(data.quantized_cdf, data.cdf_length, data.offset))
        counts = np.asarray(sum(count(motion, *gop) for gop in gops))
        data = tables_from_counts(counts)
        print(f"round {number}: {counts.sum()} symbols", flush=True)
    np.savez_compressed(options.out, counts=counts.astype(np.int32))


if __name__ == "__main__":
    main()
