"""Decoded pictures as their users want them: the planes as they are, RGB as an array, RGB as a tensor."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from streamcodec.runtime import require_torch
from streamcodec.types import ColorSpec, Planes

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Views"]


class Views:
    """Gives whatever has `planes` and `color` two more views, made when they are asked for, and kept.

    `planes`: Y (H, W), U and V (ceil(H/2), ceil(W/2)), or one array (3, H, W) RGB; uint8. Of several
    frames they have one dimension more, (N, H, W) and so on.
    """

    planes: Planes
    color: ColorSpec

    @cached_property
    def array(self) -> NDArray[np.uint8]:
        """(3, H, W) or (N, 3, H, W) uint8 RGB, converted from the planes by `color`."""
        if len(self.planes) == 1:
            return self.planes[0]
        from streamcodec.video.color import three, to_rgb

        if self.planes[0].ndim == 2:
            return to_rgb(three(self.planes), self.color)
        count, height, width = self.planes[0].shape
        rgb = np.empty((count, 3, height, width), np.uint8)
        for target, y, u, v in zip(rgb, *self.planes, strict=True):
            target[:] = to_rgb((y, u, v), self.color)
        return rgb

    @cached_property
    def data(self) -> "Tensor":
        """`array` as a tensor, sharing its memory. NotInstalledError without PyTorch; `array` is NumPy."""
        require_torch("a tensor (.data; .array and .planes are NumPy)")
        import torch

        return torch.from_numpy(self.array)
