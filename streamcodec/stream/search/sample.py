"""A few runs of frames that stand for a whole video, found by seeking."""

import math
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from streamcodec.errors import SourceError
from streamcodec.stream.source import Part
from streamcodec.types import FrameFormat, RawFrame, VideoFormat

__all__ = ["Sample", "can_sample", "take_sample"]

RUN_FRAMES = 8  # the start of a GOP; many short runs tell more of a video than few long ones
LONG_RUN_FRAMES = 2 * RUN_FRAMES  # every second run, to see how pictures fare further on in a GOP
FRAMES_PER_RUN = 40  # of the video
MIN_RUNS, MAX_RUNS = 3, 16
WHOLE_FRAMES = 64  # a video as short as this is taken whole
MAX_BYTES = 1 << 29  # the frames of a sample are kept in memory
FRAME_BYTES: dict[FrameFormat, int] = {"rgb": 6, "yuv420": 3}  # of two pixels
USUAL_RATE = Fraction(25)  # frames per second of a video that does not tell its own


@dataclass(frozen=True, eq=False)
class Sample:
    """`runs`: frames in order of display, each run from somewhere else in the video. `frames`: how many they stand for.

    `is_whole`: the only run is all there is, frame by frame.
    """

    video: VideoFormat
    metadata: dict[str, str]
    runs: tuple[tuple[RawFrame, ...], ...]
    frames: int
    is_whole: bool

    @property
    def sampled_frames(self) -> int:
        return sum(map(len, self.runs))

    @property
    def duration_seconds(self) -> float:
        """Of what the sample stands for, going by the frames in it."""
        ticks = sum(frame.duration for run in self.runs for frame in run)
        return float(ticks * self.video.time_base) * self.frames / self.sampled_frames


def can_sample(source: object) -> bool:
    """Whether the source can be opened again and again, and sought in: a path of an ordinary file."""
    return isinstance(source, (str, os.PathLike)) and Path(source).is_file()


def take_sample(
    source: str | os.PathLike[str], part: Part, gop: int, frame_format: FrameFormat
) -> Sample | None:
    """Read a sample of this part for GOPs of at most `gop` frames; None if the video does not tell its length.

    What is damaged is left out. Raises SourceError if nothing can be read.
    """
    with part.reader(source, frame_format) as reader:
        frames, video, metadata = reader.estimated_frames, reader.format, reader.metadata
    if frames is None:
        return None
    affordable = max(2 * MAX_BYTES // (FRAME_BYTES[frame_format] * video.width * video.height), 1)
    is_whole = frames <= min(WHOLE_FRAMES, affordable)
    if is_whole:
        spots = [replace(part, max_frames=min(part.max_frames or affordable, affordable))]
    else:
        spots = _spots(
            part, frames, video.frame_rate or USUAL_RATE, _run_lengths(frames, gop, affordable)
        )
    runs = tuple(run for run in (_read(source, spot, frame_format) for spot in spots) if run)
    if not runs:
        raise SourceError(f"{os.fspath(source)} has no sound frames where samples were taken")
    return Sample(video, metadata, runs, len(runs[0]) if is_whole else frames, is_whole)


def _run_lengths(frames: int, gop: int, affordable: int) -> list[int]:
    count = min(max(MIN_RUNS, frames // FRAMES_PER_RUN), MAX_RUNS)
    lengths = [min(gop, RUN_FRAMES if number % 2 else LONG_RUN_FRAMES) for number in range(count)]
    excess = max(1, math.ceil(sum(lengths) / affordable))
    return [max(length // excess, 1) for length in lengths]


def _spots(part: Part, frames: int, rate: Fraction, lengths: list[int]) -> list[Part]:
    """Runs of these lengths in the middles of equal stretches of the part."""
    stretch = Fraction(frames, len(lengths))
    firsts = [
        (number + Fraction(1, 2)) * stretch - Fraction(length, 2)
        for number, length in enumerate(lengths)
    ]
    return [
        Part(part.start_seconds + float(first / rate), max_frames=length)
        for first, length in zip(firsts, lengths, strict=True)
    ]


def _read(
    source: str | os.PathLike[str], part: Part, frame_format: FrameFormat
) -> tuple[RawFrame, ...]:
    """The frames of a part before the first damage; none if it begins behind the end or in damage."""
    frames: list[RawFrame] = []
    with (
        suppress(SourceError),
        replace(part, on_error="stop").reader(source, frame_format) as reader,
    ):
        frames.extend(reader)
    return tuple(frames)
