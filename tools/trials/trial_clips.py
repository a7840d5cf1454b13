#!/usr/bin/env python3
"""Clips for trials, cut from a folder of videos: successive pieces of all of them in turn, scaled down."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain, cycle, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from streamcodec.errors import SourceError
from streamcodec.files import VIDEO_SUFFIXES
from streamcodec.types import RawFrame
from streamcodec.video import VideoReader, VideoWriter

__all__ = ["make_clips", "make_long_video", "videos_below"]


def videos_below(folder: Path) -> list[Path]:
    """All videos in a folder and below. Raises SourceError if there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    if not found:
        raise SourceError(f"{folder} has no videos")
    return found


def make_clips(source: Path, out: Path, count: int, frames: int, height: int) -> list[Path]:
    """Write `count` clips of at most `frames` frames, CLIP-0000.mp4 and so on; those that are there are kept."""
    out.mkdir(parents=True, exist_ok=True)
    clips = [out / f"clip-{number:04}.mp4" for number in range(count)]
    videos = videos_below(source)
    for number, clip in enumerate(clips):
        if not clip.exists():
            piece = number // len(videos)
            _write(clip, videos[number % len(videos)], frames, piece * frames, height)
    return clips


def _write(clip: Path, video: Path, frames: int, skip: int, height: int) -> None:
    """Cut from frame `skip` on; of a video that is too short for that, from its beginning."""
    with VideoReader(video) as reader:
        reader.skip(skip)
        pictures = list(islice(reader, frames))
        shape = reader.format
    if not pictures:
        return _write(clip, video, frames, skip // 2, height)
    size = _scaled(shape.width, shape.height, height)
    with VideoWriter(clip, replace(shape, width=size[0], height=size[1]), crf=20) as writer:
        for picture in pictures:
            writer.write(replace(picture, planes=(_resized(picture, size),)))


def make_long_video(source: Path, out: Path, seconds: float, height: int, rate: int) -> Path:
    """Write a video of `seconds`: all videos one after another, over and over. An existing file is kept."""
    if out.exists():
        return out
    videos = videos_below(source)
    with VideoReader(videos[0]) as reader:
        shape = reader.format
    size = _scaled(shape.width, shape.height, height)
    target = replace(
        shape, width=size[0], height=size[1], time_base=Fraction(1, rate), frame_rate=None
    )
    frames = chain.from_iterable(_frames(video) for video in cycle(videos))
    with VideoWriter(out, target, crf=20) as writer:
        for number, frame in enumerate(islice(frames, round(seconds * rate))):
            writer.write(RawFrame((_resized(frame, size),), number, 1))
    return out


def _frames(video: Path) -> Iterator[RawFrame]:
    with VideoReader(video, on_error="stop") as reader:
        yield from reader


def _scaled(width: int, height: int, wanted: int) -> tuple[int, int]:
    """(width, height), even numbers."""
    return max(2 * round(width * wanted / height / 2), 2), wanted


def _resized(frame: RawFrame, size: tuple[int, int]) -> NDArray[np.uint8]:
    picture = np.asarray(
        Image.fromarray(frame.planes[0].transpose(1, 2, 0)).resize(size, Image.Resampling.BOX)
    )
    return np.ascontiguousarray(picture.transpose(2, 0, 1))
