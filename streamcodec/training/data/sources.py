"""Clips to learn from: some frames in a row of a video, of a folder of pictures, or of a photograph
set in motion.

A video is anything that FFmpeg reads, or a folder whose pictures, by name, are its frames.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from streamcodec.errors import SourceError, UsageError
from streamcodec.files import VIDEO_SUFFIXES
from streamcodec.training.data.planes import Planes, planes_of, window

__all__ = [
    "PICTURES",
    "VIDEO_SUFFIXES",
    "Window",
    "draw_window",
    "find_photos",
    "find_videos",
    "read_clip",
    "read_rgb",
]

PICTURES = frozenset([".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"])
TALLEST = 540
"""Short side that larger frames are reduced to, at least: that takes most of their old coding
noise away."""
WINDOW = (320, 384)
"""Height and width at most: more of a frame is not searched for the few crops that are taken of
it."""


@dataclass(frozen=True)
class Window:
    """A part of a picture after it was reduced to `height` x `width`; multiples of 16, but top
    and left: even."""

    height: int
    width: int
    top: int
    left: int
    size: tuple[int, int]


def find_videos(paths: Sequence[Path]) -> list[Path]:
    """Video files and folders of frames, at and below the paths, in order. Raises UsageError
    where there are none."""
    found: set[Path] = set()
    for path in _walk(paths):
        if path.suffix.lower() in VIDEO_SUFFIXES:
            found.add(path)
        elif path.suffix.lower() in PICTURES:
            found.add(path.parent)
    if paths and not found:
        raise UsageError(
            f"no videos in {', '.join(map(str, paths))}; known by: {' '.join(sorted(VIDEO_SUFFIXES))}"
        )
    return sorted(found)


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Picture files at and below the paths, in order. Raises UsageError where there are none."""
    found = sorted({path for path in _walk(paths) if path.suffix.lower() in PICTURES})
    if paths and not found:
        raise UsageError(
            f"no pictures in {', '.join(map(str, paths))}; known by: {' '.join(sorted(PICTURES))}"
        )
    return found


def _walk(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist; name a file or a folder")
        if path.is_file():
            yield path
        for folder, _, names in os.walk(path):
            yield from (Path(folder) / name for name in names)


def draw_window(height: int, width: int, crop: int, rng: np.random.Generator) -> Window | None:
    """A random scale and place. None: the picture is too small for a crop of this size."""
    scale = rng.uniform(0.55, 1.0) * min(1.0, TALLEST / min(height, width))
    scale = max(scale, min(1.0, crop / min(height, width)))
    h, w = (round(side * scale) // 16 * 16 for side in (height, width))
    if min(h, w) < crop:
        return None
    size = max(crop, min(h, WINDOW[0])), max(crop, min(w, WINDOW[1]))
    top, left = (
        int(rng.integers(0, (a - b) // 2 + 1)) * 2 for a, b in zip((h, w), size, strict=True)
    )
    return Window(h, w, top, left, size)


def read_clip(source: Path, count: int, crop: int, rng: np.random.Generator) -> list[Planes] | None:
    """`count` frames of a random window, every one or every second. None: too short or too
    small. Raises SourceError."""
    stride = int(rng.choice((1, 1, 1, 2)))
    try:
        frames = (
            _sequence(source, count, stride, rng)
            if source.is_dir()
            else _video(source, count, stride, rng)
        )
        place: Window | None = None
        clip = []
        for frame in frames:
            place = place or draw_window(frame.height, frame.width, crop, rng)
            if place is None:
                return None
            small = frame.reformat(
                place.width, place.height, "yuv420p", dst_color_range="MPEG", interpolation="AREA"
            )
            clip.append(window(planes_of(small), place.top, place.left, *place.size))
    except (FFmpegError, OSError, ValueError, IndexError) as error:
        raise SourceError(f"cannot read {source}: {error}") from error
    return clip if len(clip) == count else None


def _video(
    source: Path, count: int, stride: int, rng: np.random.Generator
) -> Iterator[av.VideoFrame]:
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        rate = float(stream.average_rate or 25)
        seconds = float(container.duration or 0) / av.time_base - (count * stride + 1) / rate
        begin = rng.uniform(0, max(seconds, 0.0)) + float(container.start_time or 0) / av.time_base
        container.seek(round(begin * av.time_base))
        taken = 0
        for frame in container.decode(stream):
            if frame.time is not None and frame.time < begin:
                continue
            if taken % stride == 0:
                yield frame
            taken += 1
            if taken >= count * stride:
                return


def _sequence(
    source: Path, count: int, stride: int, rng: np.random.Generator
) -> Iterator[av.VideoFrame]:
    names = sorted(path for path in source.iterdir() if path.suffix.lower() in PICTURES)
    begin = int(rng.integers(0, max(1, len(names) - count * stride + 1)))
    for path in names[begin : begin + count * stride : stride]:
        with av.open(str(path)) as container:
            yield next(container.decode(video=0))


def read_rgb(path: Path, short_side: Callable[[int], float]) -> NDArray[np.uint8]:
    """(H, W, 3) of a picture file, reduced to the short side that `short_side` gives for the
    file's. Raises SourceError."""
    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            factor = min(
                1.0, short_side(min(frame.height, frame.width)) / min(frame.height, frame.width)
            )
            w, h = (max(1, round(side * factor)) for side in (frame.width, frame.height))
            return (
                frame.reformat(w, h, "rgb24", interpolation="AREA")
                .to_ndarray()
                .astype(np.uint8, copy=False)
            )
    except (FFmpegError, OSError, ValueError, IndexError, StopIteration) as error:
        raise SourceError(f"cannot read {path}: {error}") from error
