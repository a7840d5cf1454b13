#!/usr/bin/env python3
"""Frames per second of loading: streams by streamcodec beside the same pictures in H.264 by PyAV and, where it is installed, torchcodec.

    tools/measure/bench_loading.py CLIP [--frames 96] [--gop 8] [--samples 64] [--quality 40] [--rounds 3]

The clip's first frames are coded once with streamcodec and once with x264 (preset medium, CRF 23, the same GOPs, no B-frames). Each
reader gives RGB frames of full size on one thread, straight through and at random indexes, the same for all; rounds take turns, and the
median counts. Decoders of H.264 are many times faster than a neural one: this says by how much. The two files
are not of equal quality: their sizes only tell what was read.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av

import streamcodec
from streamcodec.runtime import set_threads

Read = Callable[[list[int] | None], int]
"""Reads the frames with these indexes, or all; gives their number."""


def write_h264(frames: Iterable[av.VideoFrame], path: Path, gop: int) -> None:
    options = {"crf": "23", "preset": "medium", "bf": "0", "threads": "1", "sc_threshold": "0"}
    with av.open(str(path), "w") as out:
        stream = None
        for number, frame in enumerate(frames):
            if stream is None:
                stream = out.add_stream("libx264", 25, options={**options, "g": str(gop)})
                stream.width, stream.height = frame.width // 2 * 2, frame.height // 2 * 2
                stream.pix_fmt = "yuv420p"
            picture = frame.reformat(stream.width, stream.height, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(picture))
        if stream is not None:
            out.mux(stream.encode())


def by_streamcodec(path: Path) -> Read:
    def read(indexes: list[int] | None) -> int:
        with streamcodec.open(path, device="cpu") as video:
            frames = video if indexes is None else (video[index] for index in indexes)
            return sum(frame.array is not None for frame in frames)

    return read


def by_av(path: Path) -> Read:
    def one(container: Any, stream: Any, index: int) -> Any:
        wanted = round(index / stream.average_rate / stream.time_base)
        container.seek(wanted, stream=stream)
        frames = container.decode(stream)
        return next(frame for frame in frames if frame.pts >= wanted).to_ndarray(format="rgb24")

    def read(indexes: list[int] | None) -> int:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            if indexes is None:
                frames = (frame.to_ndarray(format="rgb24") for frame in container.decode(stream))
                return sum(frame is not None for frame in frames)
            return sum(one(container, stream, index) is not None for index in indexes)

    return read


def by_torchcodec(path: Path) -> Read | None:
    try:
        from torchcodec.decoders import VideoDecoder
    except (ImportError, RuntimeError, OSError):
        return None

    def read(indexes: list[int] | None) -> int:
        decoder = VideoDecoder(str(path), num_ffmpeg_threads=1)
        wanted = range(len(decoder)) if indexes is None else indexes
        return sum(decoder[index] is not None for index in wanted)

    return read


def fps(read: Read, indexes: list[int] | None) -> float:
    began = time.perf_counter()
    count = read(indexes)
    return count / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("clip", type=Path)
    for name, default in (
        ("frames", 96),
        ("gop", 8),
        ("samples", 64),
        ("quality", 40),
        ("rounds", 3),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    set_threads(1)
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = Path(name) / "a.ssf", Path(name) / "a.mp4"
        settings = {"quality": given.quality, "gop": given.gop, "scenecut": 0}
        streamcodec.encode(given.clip, ours, max_frames=given.frames, **settings)
        with av.open(str(given.clip)) as source:
            write_h264(islice(source.decode(video=0), given.frames), theirs, given.gop)
        readers = {
            "streamcodec": by_streamcodec(ours),
            "PyAV, H.264": by_av(theirs),
            "torchcodec, H.264": by_torchcodec(theirs),
        }
        with streamcodec.open(ours) as video:
            chance, count = random.Random(0), len(video)
        indexes = [chance.randrange(count) for _ in range(given.samples)]
        print(
            f"{count} frames, GOPs of {given.gop}: {ours.stat().st_size} and {theirs.stat().st_size} bytes"
        )
        for title, wanted in (("straight", None), ("random", indexes)):
            speeds: dict[str, list[float]] = {}
            for _ in range(given.rounds):
                for label, read in readers.items():
                    if read is not None:
                        speeds.setdefault(label, []).append(fps(read, wanted))
            for label in readers:
                found = (
                    f"{statistics.median(speeds[label]):8.1f} frames/s"
                    if label in speeds
                    else "not installed"
                )
                print(f"{title:9} {label:18} {found}")


if __name__ == "__main__":
    main()
