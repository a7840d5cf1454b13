"""What is encoded: a range of a video file, or frames from Python, as RawFrames of one format."""

import os
import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias, TypeGuard, Union, cast

import numpy as np
from numpy.typing import NDArray

from streamcodec.checks import is_number
from streamcodec.errors import SourceError, UsageError
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.tracks.interleave import Interleaver
from streamcodec.tracks import Carry, Chapter
from streamcodec.types import FrameFormat, Hdr, OnError, Planes, RawFrame, VideoFormat
from streamcodec.video import NoTracks, TrackSource, VideoReader, rgb_of, yuv420_of

__all__ = [
    "FrameSource",
    "Pixels",
    "PythonFrames",
    "SourceRange",
    "as_format",
    "is_tensor",
    "open_source",
    "raw_frame",
]

DEFAULT_FRAME_RATE = Fraction(30)

if TYPE_CHECKING:
    from torch import Tensor

Pixels: TypeAlias = Union["Tensor", NDArray[np.uint8], Planes]
"""One frame: (3, H, W) uint8 RGB, or a tuple of planes as RawFrame has them."""


@dataclass(frozen=True)
class SourceRange:
    """From `start_seconds` on, at most `duration_seconds` and `max_frames` (None = to the end); `on_error`: what to do at damage.

    `background`, what transparent pixels are laid on, `video_track`, `hdr`, `scale` and `fps`: as VideoReader has them.
    """

    start_seconds: float = 0.0
    duration_seconds: float | None = None
    max_frames: int | None = None
    on_error: OnError = "raise"
    background: str | None = None
    video_track: int | None = None
    hdr: Hdr = "tonemap"
    scale: str | None = None
    fps: str | None = None

    @classmethod
    def of(
        cls,
        options: EncodeOptions,
        start_seconds: float = 0.0,
        duration_seconds: float | None = None,
        max_frames: int | None = None,
        on_error: OnError = "raise",
    ) -> "SourceRange":
        """A range that is read as the options say."""
        return cls(
            start_seconds,
            duration_seconds,
            max_frames,
            on_error,
            options.background,
            options.video_track,
            options.hdr,
            options.scale,
            None if options.fps is None else str(options.fps),
        )

    @property
    def is_whole(self) -> bool:
        """Whether nothing is cut away."""
        return not self.start_seconds and self.is_open

    @property
    def is_open(self) -> bool:
        """Whether it goes on to the end."""
        return self.duration_seconds is None and self.max_frames is None

    def reader(
        self,
        source: str | os.PathLike[str] | BinaryIO,
        frame_format: FrameFormat,
        *,
        audio: Carry = "none",
        subtitles: Carry = "none",
        low_latency: bool = False,
    ) -> VideoReader:
        """A reader of this range; raises as VideoReader does."""
        return VideoReader(
            source,
            frame_format=frame_format,
            audio=audio,
            subtitles=subtitles,
            low_latency=low_latency,
            **asdict(self),
        )

    def interleaver(
        self,
        tracks: TrackSource,
        time_base: Fraction,
        *,
        is_later_part: bool = False,
        end: int | None = None,
    ) -> Interleaver:
        """Where the packets of the tracks lie in a stream of this range, or in a part of one that ends before `end`."""
        return Interleaver(
            tracks,
            time_base,
            cut_start=is_later_part or self.start_seconds > 0,
            cut_end=end is None and not self.is_open,
            is_later_part=is_later_part,
            end=end,
        )


class FrameSource(Protocol):
    """What `encode` needs of a source."""

    @property
    def format(self) -> VideoFormat: ...

    @property
    def metadata(self) -> dict[str, str]: ...

    @property
    def estimated_frames(self) -> int | None: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def damage(self) -> str | None: ...

    @property
    def tracks(self) -> TrackSource: ...

    @property
    def chapters(self) -> tuple[Chapter, ...]: ...

    def __iter__(self) -> Iterator[RawFrame]: ...


@contextmanager
def open_source(
    source: str | os.PathLike[str] | BinaryIO | Iterable[Pixels],
    source_range: SourceRange,
    frame_rate: Fraction | float | None,
    frame_format: FrameFormat,
    *,
    audio: Carry = "none",
    subtitles: Carry = "none",
    low_latency: bool = False,
) -> Iterator[FrameSource]:
    if isinstance(source, (str, os.PathLike)) or hasattr(source, "read"):
        if frame_rate is not None:
            raise UsageError("frame_rate is for frames from Python; a video file brings its own")
        with source_range.reader(
            cast(BinaryIO, source),
            frame_format,
            audio=audio,
            subtitles=subtitles,
            low_latency=low_latency,
        ) as reader:
            yield reader
        return
    if isinstance(source, (bytes, bytearray, memoryview)):
        raise UsageError(
            f"source is {type(source).__name__}; accepted: a path, a binary file object (io.BytesIO(data) of the bytes of a file) "
            "or an iterable of frames"
        )
    if not source_range.is_whole:
        raise UsageError(
            "start_seconds, duration_seconds and max_frames are for video files; slice frames from Python yourself"
        )
    if source_range.video_track is not None:
        raise UsageError("video_track is for video files; frames from Python are of one track")
    if source_range.scale is not None:
        raise UsageError("scale is for video files; scale frames from Python yourself")
    if source_range.fps is not None:
        raise UsageError("fps is for video files; say the rate of frames from Python by frame_rate")
    yield PythonFrames(source, frame_rate, frame_format)


class PythonFrames:
    """Frames from an iterable, at a constant rate, in the format that is coded."""

    def __init__(
        self,
        frames: Iterable[Pixels],
        frame_rate: Fraction | float | None,
        frame_format: FrameFormat,
    ) -> None:
        wanted = DEFAULT_FRAME_RATE if frame_rate is None else frame_rate
        rate = (
            Fraction(float(wanted)).limit_denominator(1001)
            if is_number(wanted) and wanted > 0
            else Fraction(0)
        )
        if rate == 0:
            raise UsageError(
                f"frame rate is {frame_rate!r}; accepted: from 1/1001 frames per second"
            )
        if not isinstance(frames, Iterable):
            raise UsageError(
                f"source is a {type(frames).__name__}; accepted: a path, a binary file object or an iterable of frames"
            )
        raw = (raw_frame(frame, pts, 1) for pts, frame in enumerate(frames))
        first = next(raw, None)
        if first is None:
            raise SourceError("the source has no frames")
        self._frames, self._frame_format = chain([first], raw), frame_format
        width, height = first.size
        self.format = VideoFormat(width, height, time_base=1 / rate, frame_rate=rate)
        self.metadata: dict[str, str] = {}
        converted = first.format == "rgb" and frame_format == "yuv420"
        self.notes = ("its RGB samples were converted to 4:2:0",) if converted else ()
        self.estimated_frames = len(frames) if isinstance(frames, Sized) else None
        self.damage: str | None = None
        self.tracks: TrackSource = NoTracks()
        self.chapters: tuple[Chapter, ...] = ()

    def __iter__(self) -> Iterator[RawFrame]:
        return (as_format(frame, self._frame_format, self.format) for frame in self._frames)


def raw_frame(pixels: Pixels, pts: int, duration: int) -> RawFrame:
    """A RawFrame with a copy of the pixels, since sources like to use a buffer again; UsageError for another shape or dtype."""
    planes = pixels if isinstance(pixels, tuple) else (pixels,)
    shape = tuple(getattr(planes[0], "shape", ())) if len(planes) == 1 else ()
    if len(shape) == 3 and shape[2] == 3 and shape[0] != 3:
        raise UsageError(
            f"frame is {shape}, (H, W, 3); accepted: (3, H, W) RGB: give frame.transpose(2, 0, 1), "
            "and of OpenCV, which has BGR, frame[..., ::-1].transpose(2, 0, 1)"
        )
    return RawFrame(tuple(_copied(plane) for plane in planes), pts, duration)


def _copied(plane: "Tensor | NDArray[np.uint8]") -> NDArray[np.uint8]:
    if (
        not (isinstance(plane, np.ndarray) or is_tensor(plane))
        or str(plane.dtype).removeprefix("torch.") != "uint8"
    ):
        kind = getattr(plane, "dtype", type(plane).__name__)
        raise UsageError(
            f"frame is {kind}; accepted: a tensor or an array, (3, H, W) uint8 RGB, or planes, (Y, U, V)"
        )
    return np.array(plane.detach().cpu().numpy() if is_tensor(plane) else plane, order="C")


def as_format(frame: RawFrame, frame_format: FrameFormat, video: VideoFormat) -> RawFrame:
    """The frame in this format, converted by the colour of `video` unless it is in it already."""
    if frame.format == frame_format:
        return frame
    return replace(
        frame,
        planes=(rgb_of(frame, video.color),)
        if frame_format == "rgb"
        else yuv420_of(frame, video.color),
    )


def is_tensor(value: Any) -> TypeGuard["Tensor"]:
    """Whether this is a tensor, without importing PyTorch: where there is one, it is imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
