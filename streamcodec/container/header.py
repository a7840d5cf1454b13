"""What the header of a stream says, as frozen values that check themselves; fields.py turns them into bytes and back."""

from dataclasses import dataclass
from typing import get_args

from streamcodec.checks import check_precision, check_quality
from streamcodec.container.format import MAX_NAME_SIZE, MAX_NUMBER, MODEL_ID_SIZE
from streamcodec.errors import UsageError
from streamcodec.tracks import AudioTrack, Chapter, SubtitleTrack, Track
from streamcodec.types import MAX_RUN, FrameFormat, Precision, VideoFormat

__all__ = [
    "ContentLight",
    "Crop",
    "Header",
    "MasteringDisplay",
    "ModelRef",
]


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} is {value}; accepted: {low}..{high}")


@dataclass(frozen=True)
class ModelRef:
    """A model by name and by `id`, 16 bytes that stand for its weights and tables (see the weights)."""

    name: str
    id: bytes

    def __post_init__(self) -> None:
        _check_range(
            "size of a model's name in bytes",
            len(self.name.encode(errors="replace")),
            1,
            MAX_NAME_SIZE,
        )
        if len(self.id) != MODEL_ID_SIZE:
            raise UsageError(
                f"id of model {self.name} has {len(self.id)} bytes; accepted: {MODEL_ID_SIZE}"
            )


@dataclass(frozen=True)
class Crop:
    """The part of the stored picture to show, in pixels from its left upper corner."""

    left: int
    top: int
    width: int
    height: int

    def check_inside(self, video: VideoFormat) -> None:
        if min(self.left, self.top) < 0 or min(self.width, self.height) < 1:
            raise UsageError(
                f"crop is {self}; accepted: left and top from 0, width and height from 1"
            )
        if self.left + self.width > video.width or self.top + self.height > video.height:
            raise UsageError(
                f"crop is {self}; accepted: inside the picture of {video.width}x{video.height}"
            )


@dataclass(frozen=True)
class MasteringDisplay:
    """SMPTE ST 2086, in its integers: x, y of red, green, blue and white in steps of 0.00002; luminance in steps of 0.0001 cd/m2."""

    red: tuple[int, int]
    green: tuple[int, int]
    blue: tuple[int, int]
    white: tuple[int, int]
    max_luminance: int
    min_luminance: int

    def __post_init__(self) -> None:
        for value in (*self.red, *self.green, *self.blue, *self.white):
            _check_range("chromaticity of the mastering display", value, 0, 65535)
        _check_range(
            "highest luminance of the mastering display", self.max_luminance, 0, (1 << 32) - 1
        )
        _check_range(
            "lowest luminance of the mastering display", self.min_luminance, 0, (1 << 32) - 1
        )


@dataclass(frozen=True)
class ContentLight:
    """CTA-861.3: the brightest pixel and the brightest frame's average, in cd/m2."""

    max_content: int
    max_frame_average: int

    def __post_init__(self) -> None:
        _check_range("highest content light level", self.max_content, 0, 65535)
        _check_range("highest frame-average light level", self.max_frame_average, 0, 65535)


@dataclass(frozen=True)
class Header:
    """What a stream says of itself before its first packet. Raises UsageError for values that the format has no room for.

    `video`: pictures as stored. `intra`, `inter`: the models; without `inter` every frame is an I-frame. `frame_format`: what they code.
    `precision`, `device`: the encoder's, for information. `crop`: what to show, None = everything.
    `gop_length` (frames) and `quality` (0..63) are nominal, None = not known. `b_frames`: most B-frames in a row, 0..7.
    `metadata`: (key, value) pairs of the source.
    `chapters`: in order, in the times of the frames.
    """

    video: VideoFormat
    intra: ModelRef
    inter: ModelRef | None = None
    frame_format: FrameFormat = "rgb"
    precision: Precision = "fp32"
    device: str = "cpu"
    crop: Crop | None = None
    mastering_display: MasteringDisplay | None = None
    content_light: ContentLight | None = None
    gop_length: int | None = None
    quality: int | None = None
    b_frames: int = 0
    audio_tracks: tuple[AudioTrack, ...] = ()
    subtitle_tracks: tuple[SubtitleTrack, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    chapters: tuple[Chapter, ...] = ()
    software: str = ""

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.frame_format not in get_args(FrameFormat):
            raise UsageError(
                f"frame format is {self.frame_format!r}; accepted: {', '.join(get_args(FrameFormat))}"
            )
        if self.crop is not None:
            self.crop.check_inside(self.video)
        if self.gop_length is not None:
            _check_range("GOP length", self.gop_length, 1, MAX_NUMBER)
        if self.quality is not None:
            check_quality(self.quality)
        _check_range("number of B-frames in a row", self.b_frames, 0, MAX_RUN)
        _check_range("bit depth", self.video.bit_depth, 1, 32)
        numbers = [track.number for track in self.tracks]
        if len(set(numbers)) < len(numbers):
            raise UsageError(f"tracks have the numbers {numbers}; accepted: every number once")

    @property
    def tracks(self) -> tuple[Track, ...]:
        return (*self.audio_tracks, *self.subtitle_tracks)
