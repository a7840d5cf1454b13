"""What a stream gives back: decoded frames, one or a batch, and what it says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from streamcodec.codec import Codec, Views
from streamcodec.container import Header, Index, Packet
from streamcodec.text import counted
from streamcodec.types import ColorSpec, FrameFormat, FrameType, Planes, VideoFormat

__all__ = ["Frame", "FrameBatch", "VideoMetadata", "frame_of", "metadata_of"]


@dataclass(frozen=True, eq=False, repr=False)
class Frame(Views):
    """A decoded frame in three views:

    `planes`: as it was decoded, uint8: Y (H, W), U and V (ceil(H/2), ceil(W/2)); of an rgb stream one array (3, H, W).
    `array`: (3, H, W) uint8 RGB, NumPy, converted by `color` when it is asked for. `data`: the same as a tensor, which takes PyTorch.

    `concealed`: the frame is lost to damage, and the last good one before it stands in its place
    (`on_damage="conceal"`).
    `index`: in order of display, from 0. `type`: "I", "P" or "B". `pts_seconds`: when it is shown;
    `duration_seconds`: how long, 0 where the source did not say; `pts` and `duration` are the same as
    integers in units of the stream's time base.
    """

    planes: Planes
    index: int
    type: FrameType
    pts: int
    duration: int
    time_base: Fraction
    color: ColorSpec = field(default_factory=ColorSpec)
    concealed: bool = False

    @property
    def pts_seconds(self) -> float:
        return float(self.pts * self.time_base)

    @property
    def duration_seconds(self) -> float:
        return float(self.duration * self.time_base)

    def __repr__(self) -> str:
        height, width = self.planes[0].shape[-2:]
        concealed = ", concealed" if self.concealed else ""
        return f"<Frame {self.index}: {self.type}, {width}x{height}, {self.pts_seconds:.3f} s{concealed}>"


def frame_of(packet: Packet, planes: Planes, codec: Codec, video: VideoFormat) -> Frame:
    """What a frame packet of this codec and video decodes to, as it is shown."""
    kind: FrameType = "I" if packet.key or codec.inter is None else "P"
    if packet.b_frame:
        kind = "B"
    return Frame(
        planes, packet.frame, kind, packet.pts, packet.duration, video.time_base, video.color
    )


@dataclass(frozen=True, eq=False, repr=False)
class FrameBatch(Views):
    """N frames in the three views of `Frame`, with one dimension in front: `planes` (N, H, W) and so on, `array`, `data` (N, 3, H, W).

    `indexes`: (N,) int64; `concealed`: (N,) bool; all of NumPy.
    `pts_seconds`, `duration_seconds`: (N,) float64; NumPy. Iterating gives the rows of `array`.
    """

    planes: Planes
    indexes: NDArray[np.int64]
    pts_seconds: NDArray[np.float64]
    duration_seconds: NDArray[np.float64]
    concealed: NDArray[np.bool_]
    color: ColorSpec = field(default_factory=ColorSpec)

    @classmethod
    def of(
        cls, frames: list[Frame], size: tuple[int, int], frame_format: FrameFormat, color: ColorSpec
    ) -> "FrameBatch":
        """Stack frames; `size` (height, width) and the format give an empty batch its shape."""
        return cls(
            planes=tuple(
                np.stack(plane) for plane in zip(*(frame.planes for frame in frames), strict=True)
            )
            or _none(size, frame_format),
            indexes=np.array([frame.index for frame in frames], np.int64),
            pts_seconds=np.array([frame.pts_seconds for frame in frames], np.float64),
            duration_seconds=np.array([frame.duration_seconds for frame in frames], np.float64),
            concealed=np.array([frame.concealed for frame in frames], np.bool_),
            color=color,
        )

    def __len__(self) -> int:
        return len(self.indexes)

    def __repr__(self) -> str:
        height, width = self.planes[0].shape[-2:]
        numbers = np.array2string(self.indexes, threshold=8, edgeitems=3, separator=", ")
        return f"<FrameBatch of {counted(len(self), 'frame')}: {width}x{height}, {numbers}>"

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return iter(self.array)


def _none(size: tuple[int, int], frame_format: FrameFormat) -> Planes:
    height, width = size
    half = ((height + 1) // 2, (width + 1) // 2)
    shapes = [(3, *size)] if frame_format == "rgb" else [size, half, half]
    return tuple(np.empty((0, *shape), np.uint8) for shape in shapes)


@dataclass(frozen=True)
class VideoMetadata:
    """`width`, `height`: of the decoded frames, in pixels. `rotation_degrees`: how a player turns them, counter-clockwise.

    `frames`, `duration_seconds` and `size_bytes` are of the whole stream. `frame_rate` is nominal, None = not known.
    `frame_format`: what `planes` of the frames are. `tags`: what the source said of itself (title, ...).
    """

    width: int
    height: int
    frames: int
    gops: int
    duration_seconds: float
    size_bytes: int
    frame_rate: Fraction | None
    time_base: Fraction
    sample_aspect_ratio: Fraction
    rotation_degrees: int
    color: ColorSpec
    intra: str
    inter: str | None
    quality: int | None
    frame_format: FrameFormat
    tags: dict[str, str]


def metadata_of(header: Header, index: Index, size_bytes: int) -> VideoMetadata:
    """What a stream's header and index tell."""
    shown = header.crop or header.video
    return VideoMetadata(
        width=shown.width,
        height=shown.height,
        frames=index.frame_count,
        gops=len(index.entries),
        duration_seconds=float(index.duration * header.video.time_base),
        size_bytes=size_bytes,
        frame_rate=header.video.frame_rate,
        time_base=header.video.time_base,
        sample_aspect_ratio=header.video.sample_aspect_ratio,
        rotation_degrees=header.video.rotation_degrees,
        color=header.video.color,
        intra=header.intra.name,
        inter=None if header.inter is None else header.inter.name,
        quality=header.quality,
        frame_format=header.frame_format,
        tags=dict(header.metadata),
    )
