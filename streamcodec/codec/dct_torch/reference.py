"""A decoded frame on a device."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamcodec import _native
from streamcodec.codec.dct_torch.blocks import Planes
from streamcodec.codec.dct_torch.motion import AVERAGE
from streamcodec.codec.model import Between
from streamcodec.errors import UsageError
from streamcodec.types import Planes as Arrays

__all__ = ["TorchBetween", "TorchReference"]


@dataclass(frozen=True, eq=False)
class TorchBetween(Between):
    """Of frames that were decoded on a device."""

    past: "TorchReference"
    future: "TorchReference"


@dataclass(frozen=True, eq=False)
class TorchReference:
    """`size`: (height, width). `padded`: planes uint8, with sides that are multiples of 16 and 8.

    Of a P- or B-frame: the I-frame of its GOP, its motion, min(|symbol|, 255), int32 (1, 96, h8, w8), and
    the row sums of its two steps, int32 (2, 96, 4, 8).

    With `two` it is what a B-frame is decoded with: the pixels of the past, and what stands for the rest of
    the frame before.
    """

    size: tuple[int, int]
    padded: Planes
    key: "TorchReference | None" = None
    motion: _native.MotionField | None = None
    magnitudes: Tensor | None = None
    row_sums: NDArray[np.int32] | None = None
    two: TorchBetween | None = None

    @property
    def second(self) -> "TorchReference":
        """What the motion of the next frame may refer to besides this one."""
        if self.two is not None:
            return self.two.future
        return self if self.key is None else self.key

    def planes(self) -> Arrays:
        """As Reference (codec/model.py) has it."""
        half = ((self.size[0] + 1) // 2, (self.size[1] + 1) // 2)
        return tuple(
            plane[0, 0, :height, :width].cpu().numpy().copy()
            for plane, (height, width) in zip(self.padded, (self.size, half, half), strict=True)
        )

    def native(self) -> _native.Reference:
        """The same for the native models."""
        if self.two is not None:
            return self.two.past.native().between(
                self.two.future.native(),
                back=self.two.back,
                ahead=self.two.ahead,
                spanned_by_future=self.two.spanned_by_future,
            )
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

    @classmethod
    def of_b_frame(cls, two: TorchBetween) -> "TorchReference":
        """What a B-frame is decoded with: native/src/frame/frame.hpp. Raises UsageError for frames that do not fit."""
        past, future = two.past, two.future
        known = future.motion if two.spanned_by_future else past.motion
        others = past is not future and past.two is None and future.two is None
        if not others or past.size != future.size or future.magnitudes is None or known is None:
            raise UsageError("a B-frame lies between two other frames of one GOP and one size")
        key = past if past.key is None else past.key
        motion = _expected_motion(known, two)
        if past.magnitudes is None or past.row_sums is None or future.row_sums is None:
            return cls(past.size, past.padded, key, motion, None, None, two)
        magnitudes = torch.minimum(past.magnitudes, future.magnitudes)
        row_sums = (past.row_sums >> 1) + (future.row_sums >> 1)
        return cls(past.size, past.padded, key, motion, magnitudes, row_sums, two)


def _expected_motion(known: _native.MotionField, two: Between) -> _native.MotionField:
    u = (known.previous if two.spanned_by_future else -known.key).astype(np.int32)
    frames = two.back + two.ahead
    share = (2 * u * two.back + frames) // (2 * frames)
    return _native.MotionField(
        np.full_like(known.modes, AVERAGE),
        np.zeros_like(known.filters),
        share.astype(np.int16),
        (-u).astype(np.int16),
    )
