"""What a stream gives back: decoded frames, one or a batch."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from streamcodec.types import FrameType

__all__ = ["Frame", "FrameBatch"]


@dataclass(frozen=True, eq=False)
class Frame:
    """`data`: (3, H, W) uint8 RGB. `index`: display order from 0. `pts_seconds`: when it is shown; `pts`: the same in units of the
    stream's time base. `duration_seconds` is 0 where the source did not say. `type`: "I" or "P".
    """

    data: Tensor
    index: int
    pts: int
    pts_seconds: float
    duration_seconds: float
    type: FrameType


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
