"""A decoded frame on a device."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from streamcodec import _native
from streamcodec.codec.dct_torch.blocks import Planes
from streamcodec.types import Planes as Arrays

__all__ = ["TorchReference"]


@dataclass(frozen=True, eq=False)
class TorchReference:
    """`size`: (height, width). `padded`: planes uint8, with sides that are multiples of 16 and 8.

    Of a P-frame: the I-frame of its GOP, its motion, min(|symbol|, 255), int32 (1, 96, h8, w8), and
    the row sums of its two steps, int32 (2, 96, 4, 8).
    """

    size: tuple[int, int]
    padded: Planes
    key: "TorchReference | None" = None
    motion: _native.MotionField | None = None
    magnitudes: Tensor | None = None
    row_sums: NDArray[np.int32] | None = None

    def planes(self) -> Arrays:
        """As Reference (codec/model.py) has it."""
        half = ((self.size[0] + 1) // 2, (self.size[1] + 1) // 2)
        return tuple(
            plane[0, 0, :height, :width].cpu().numpy().copy()
            for plane, (height, width) in zip(self.padded, (self.size, half, half), strict=True)
        )

    def native(self) -> _native.Reference:
        """The same for the native models."""
        y, u, v = (plane[0, 0].cpu().numpy() for plane in self.padded)
        if self.key is None or self.magnitudes is None:
            return _native.Reference((y, u, v), self.size)
        magnitudes = self.magnitudes[0].byte().permute(1, 2, 0).contiguous().cpu().numpy()
        return _native.Reference(
            (y, u, v),
            self.size,
            key=self.key.native(),
            motion=self.motion,
            magnitudes=magnitudes,
            row_sums=self.row_sums,
        )
