"""What a stream gives back: decoded frames, one or a batch, and what it says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from streamcodec.types import ColorSpec, FrameType

__all__ = ["Frame", "FrameBatch", "VideoMetadata"]


@dataclass(frozen=True, eq=False)
class Frame:
    """`data`: (3, H, W) uint8 RGB. `index`: in order of display, from 0. `type`: "I" or "P".

    `pts_seconds`: when it is shown; `duration_seconds`: how long, 0 where the source did not say; `pts` and `duration` are
    the same as integers in units of the stream's time base.
    """

    data: Tensor
    index: int
    type: FrameType
    pts: int
    duration: int
    time_base: Fraction

    @property
    def pts_seconds(self) -> float:
        return float(self.pts * self.time_base)

    @property
    def duration_seconds(self) -> float:
        return float(self.duration * self.time_base)


@dataclass(frozen=True, eq=False)
class FrameBatch:
    """`data`: (N, 3, H, W) uint8 RGB. `indexes`: (N,) int64; `pts_seconds`, `duration_seconds`: (N,) float64."""

    data: Tensor
    indexes: Tensor
    pts_seconds: Tensor
    duration_seconds: Tensor

    @classmethod
    def of(cls, frames: list[Frame], size: tuple[int, int]) -> "FrameBatch":
        """Stack frames; `size` (height, width) gives an empty batch its shape."""
        return cls(
            data=torch.stack([frame.data for frame in frames]) if frames else torch.empty((0, 3, *size), dtype=torch.uint8),
            indexes=torch.tensor([frame.index for frame in frames], dtype=torch.int64),
            pts_seconds=torch.tensor([frame.pts_seconds for frame in frames], dtype=torch.float64),
            duration_seconds=torch.tensor([frame.duration_seconds for frame in frames], dtype=torch.float64),
        )

    def __len__(self) -> int:
        return self.data.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.data)


@dataclass(frozen=True)
class VideoMetadata:
    """`width`, `height`: of the decoded frames, in pixels. `rotation_degrees`: how a player turns them, counter-clockwise.

    `frames`, `duration_seconds` and `size_bytes` are of the whole stream. `frame_rate` is nominal, None = not known.
    `tags`: what the source said of itself (title, ...).
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
    tags: dict[str, str]
