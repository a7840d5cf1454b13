"""Convolutions that see only what is decoded already, and the two orders of decoding that they belong to.

raster          Line by line: a position sees the lines above and what is left of it (mask type A; van den Oord et al., "Pixel Recurrent
                Neural Networks", ICML 2016; for latents Minnen et al., NeurIPS 2018).
checkerboard    The anchors first, where row + column is even, without any context; then the others, which see anchors alone
                (He et al., "Checkerboard Context Model for Efficient Learned Image Compression", CVPR 2021).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from streamcodec.entropy.context import Schedule
from streamcodec.errors import ModelError, UsageError

__all__ = ["MaskedConv2d", "anchors"]


def anchors(size: tuple[int, int], device: torch.device) -> Tensor:
    """bool (1, 1, *size): where row + column is even."""
    row, column = (torch.arange(side, device=device) for side in size)
    even: Tensor = (row[:, None] + column) % 2 == 0
    return even[None, None]


class MaskedConv2d(nn.Conv2d):
    """(N, C_in, H, W) -> (N, C_out, H, W): a convolution of odd size, stride 1, without the weights where `mask` is 0.

    `mask` float32, as the weight: 1 at the taps of the schedule. It is published with the weights and loads with them; ModelError if
    it is another one.
    """

    mask: Tensor

    def __init__(
        self, channels_in: int, channels_out: int, kernel_size: int = 5, *, schedule: Schedule
    ) -> None:
        if kernel_size % 2 == 0:
            raise UsageError(
                f"kernel size is {kernel_size}; accepted: odd sizes, which have a middle"
            )
        super().__init__(channels_in, channels_out, kernel_size, padding=kernel_size // 2)
        self.schedule: Schedule = schedule
        mask = _taps(kernel_size, schedule).expand_as(self.weight)
        self.register_buffer(
            "mask", mask if self.weight.is_meta else mask.contiguous()
        )  # with the weight on "meta" it takes no room

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight * self.mask, self.bias, padding=self.padding)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        mask = state_dict.get(prefix + "mask")
        if (
            mask is not None
            and mask.shape == self.mask.shape
            and not torch.equal(mask.to(self.mask), self.mask)
        ):
            raise ModelError(
                f"{prefix}mask is not that of a {self.schedule} context; accepted: 1 at what is decoded before, else 0"
            )
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _taps(side: int, schedule: Schedule) -> Tensor:
    """float32 (side, side): 1 where a position of the window is decoded before its middle."""
    offsets = torch.arange(
        side, device="cpu"
    )  # also where parameters are made on "meta": it tells what a context model looks at
    row, column = offsets[:, None], offsets
    middle = side // 2
    before = (row < middle) | ((row == middle) & (column < middle))
    return (before if schedule == "raster" else (row + column) % 2 == 1).float()
