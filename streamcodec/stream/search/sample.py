"""A few pieces of frames that stand for a whole video, found by seeking."""

import math
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TypeGuard

from streamcodec.errors import SourceError
from streamcodec.stream.source import SourceRange
from streamcodec.types import MAX_RUN, FrameFormat, RawFrame, VideoFormat

__all__ = ["Sample", "can_sample", "take_sample"]

PIECE_FRAMES = 2 + MAX_RUN  # the start of a GOP: an I-frame, B-frames and the P-frame behind them
"""Many short pieces tell more of a video than few long ones."""
LONG_PIECE_FRAMES = (
    2 * PIECE_FRAMES - 1
)  # every second piece, to see how pictures fare further on in a GOP
FRAMES_PER_PIECE = 40  # of the video
MIN_PIECES, MAX_PIECES = 3, 16
WHOLE_FRAMES = 64  # a video as short as this is taken whole
MAX_BYTES = 1 << 29  # the frames of a sample are kept in memory
FRAME_BYTES: dict[FrameFormat, int] = {"rgb": 6, "yuv420": 3}  # of two pixels
USUAL_RATE = Fraction(25)  # frames per second of a video that does not tell its own


@dataclass(frozen=True, eq=False)
class Sample:
    """`pieces`: frames in order of display, each piece from somewhere else in the video. `frames`: how many they stand for.

    `is_whole`: the only piece is all there is, frame by frame.
    """

    video: VideoFormat
    metadata: dict[str, str]
    pieces: tuple[tuple[RawFrame, ...], ...]
    frames: int
    is_whole: bool

    @property
    def sampled_frames(self) -> int:
        return sum(map(len, self.pieces))

    @property
    def duration_seconds(self) -> float:
        """Of what the sample stands for, going by the frames in it."""
        ticks = sum(frame.duration for piece in self.pieces for frame in piece)
        return float(ticks * self.video.time_base) * self.frames / self.sampled_frames


def can_sample(source: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether the source can be opened again and again, and sought in: a path of an ordinary file."""
    return isinstance(source, (str, os.PathLike)) and Path(source).is_file()


def take_sample(
    source: str | os.PathLike[str], source_range: SourceRange, gop: int, frame_format: FrameFormat
) -> Sample:
    """Read a sample of this range for GOPs of at most `gop` frames.

    A video that does not tell its length (raw H.264, APNG) cannot be sought in either: it is read
    through twice, to count its frames and to take some. What is damaged is left out. Raises
    SourceError if nothing can be read.
    """
    with source_range.reader(source, frame_format) as reader:
        told, video, metadata = reader.estimated_frames, reader.format, reader.metadata
    frames = _count(source, source_range, frame_format) if told is None else told
    affordable = max(2 * MAX_BYTES // (FRAME_BYTES[frame_format] * video.width * video.height), 1)
    is_whole = frames <= min(WHOLE_FRAMES, affordable)
    lengths = _piece_lengths(frames, gop, affordable)
    if is_whole:
        whole = replace(
            source_range, max_frames=min(source_range.max_frames or affordable, affordable)
        )
        found = [_read(source, whole, frame_format)]
    elif told is None:
        found = _read_in_passing(
            source, source_range, frame_format, _firsts(frames, lengths), lengths
        )
    else:
        spots = _spots(
            source_range, _firsts(frames, lengths), video.frame_rate or USUAL_RATE, lengths
        )
        found = [_read(source, spot, frame_format) for spot in spots]
    pieces = tuple(piece for piece in found if piece)
    if not pieces:
        raise SourceError(f"{os.fspath(source)} has no sound frames where samples were taken")
    return Sample(video, metadata, pieces, len(pieces[0]) if is_whole else frames, is_whole)


def _piece_lengths(frames: int, gop: int, affordable: int) -> list[int]:
    count = min(max(MIN_PIECES, frames // FRAMES_PER_PIECE), MAX_PIECES)
    lengths = [
        min(gop, PIECE_FRAMES if number % 2 else LONG_PIECE_FRAMES) for number in range(count)
    ]
    excess = max(1, math.ceil(sum(lengths) / affordable))
    return [max(length // excess, 1) for length in lengths]


def _firsts(frames: int, lengths: list[int]) -> list[Fraction]:
    """First frames of the pieces: each lies in the middle of its share of the `frames`."""
    stretch = Fraction(frames, len(lengths))
    return [
        (number + Fraction(1, 2)) * stretch - Fraction(length, 2)
        for number, length in enumerate(lengths)
    ]


def _spots(
    source_range: SourceRange, firsts: list[Fraction], rate: Fraction, lengths: list[int]
) -> list[SourceRange]:
    """The pieces as ranges of the source, by their times at a constant rate."""
    return [
        replace(
            source_range,
            start_seconds=source_range.start_seconds + float(first / rate),
            duration_seconds=None,
            max_frames=length,
        )
        for first, length in zip(firsts, lengths, strict=True)
    ]


def _count(
    source: str | os.PathLike[str], source_range: SourceRange, frame_format: FrameFormat
) -> int:
    """The frames of a range before the first damage, by reading them all."""
    with replace(source_range, on_error="stop").reader(source, frame_format) as reader:
        return sum(1 for _ in reader)


def _read_in_passing(
    source: str | os.PathLike[str],
    source_range: SourceRange,
    frame_format: FrameFormat,
    firsts: list[Fraction],
    lengths: list[int],
) -> list[tuple[RawFrame, ...]]:
    """The pieces of a source that cannot be sought in, read from its beginning on."""
    pieces: list[tuple[RawFrame, ...]] = []
    at = 0
    with replace(source_range, on_error="stop").reader(source, frame_format) as reader:
        for first, length in zip(firsts, lengths, strict=True):
            reader.skip(max(math.floor(first) - at, 0))
            at = max(math.floor(first), at) + length
            pieces.append(tuple(islice(reader, length)))
    return pieces


def _read(
    source: str | os.PathLike[str], source_range: SourceRange, frame_format: FrameFormat
) -> tuple[RawFrame, ...]:
    """The frames of a range before the first damage; none if it begins behind the end or in damage."""
    frames: list[RawFrame] = []
    with (
        suppress(SourceError),
        replace(source_range, on_error="stop").reader(source, frame_format) as reader,
    ):
        frames.extend(reader)
    return tuple(frames)
