"""Networks of the default codec as lists of layers: one description, from which the float network for training is built here
and the integer network for coding is exported (export.py).

A layer reads and writes named slots: tensors (N, C, h, w). Layers run in order; a convolution that names several sources reads
their concatenation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "ConditionalConv",
    "Conv",
    "DepthToSpace",
    "FloatNetwork",
    "Taps",
    "depth_to_space",
    "parity_grid",
    "tap_offsets",
    "tap_stride",
]

Taps = Literal["1x1", "3x3", "5x5/2", "2x2/2", "4x4/2", "cross", "diagonals", "ring"]
"""Positions that a convolution reads. "/2": at stride 2. The last three are the neighbours in a parity grid's surroundings: the
4 beside, the 4 across and all 8."""

_KERNELS: dict[Taps, tuple[int, int, int]] = {  # size, stride, padding
    "1x1": (1, 1, 0),
    "3x3": (3, 1, 1),
    "5x5/2": (5, 2, 2),
    "2x2/2": (2, 2, 0),
    "4x4/2": (4, 2, 1),
}
_NEIGHBOURS: dict[Taps, tuple[tuple[int, int], ...]] = {
    "cross": ((-1, 0), (0, -1), (0, 1), (1, 0)),
    "diagonals": ((-1, -1), (-1, 1), (1, -1), (1, 1)),
    "ring": ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)),
}


@dataclass(frozen=True)
class Conv:
    """out = [relu](convolution(sources) + bias + slope * condition [+ add]); `width` output channels.

    `add`: the first `width` channels of that slot. `at_parity`: the output is one of the four parity
    grids, at half the size of the source; neighbours imply it.
    `zero`: weights start at zero, so that training begins as if the layer were not there.
    """

    name: str
    sources: tuple[str, ...]
    out: str
    width: int
    taps: Taps = "1x1"
    relu: bool = False
    conditional: bool = False
    add: str | None = None
    at_parity: bool = False
    zero: bool = False


@dataclass(frozen=True)
class DepthToSpace:
    """Channel (2 iy + ix) C + c of `source` becomes channel c of pixel (2 y + iy, 2 x + ix) of `out`."""

    source: str
    out: str


Layer = Conv | DepthToSpace


def tap_offsets(taps: Taps) -> tuple[tuple[int, int], ...]:
    """(dy, dx) of each tap, relative to stride * output position, in the order of the weights."""
    if taps in _NEIGHBOURS:
        return _NEIGHBOURS[taps]
    size, _, padding = _KERNELS[taps]
    return tuple((y - padding, x - padding) for y in range(size) for x in range(size))


def tap_stride(taps: Taps) -> int:
    """Pixels of the input from one output to the next, away from parity grids."""
    return 1 if taps in _NEIGHBOURS else _KERNELS[taps][1]


class FloatNetwork(nn.Module):
    """A list of layers in float, for training. `widths`: channels of each input slot (C of the plain slot, without its taps)."""

    def __init__(self, layers: Sequence[Layer], widths: Mapping[str, int]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.inputs = dict(widths)
        self.convs = nn.ModuleDict()
        sizes = dict(widths)
        for layer in layers:
            if isinstance(layer, DepthToSpace):
                sizes[layer.out] = sizes[layer.source] // 4
            else:
                self.convs[layer.name] = ConditionalConv(
                    sum(sizes[slot] for slot in layer.sources), layer
                )
                sizes[layer.out] = layer.width

    def conv(self, name: str) -> "ConditionalConv":
        """The convolution of the layer of this name."""
        conv = self.convs[name]
        assert isinstance(conv, ConditionalConv)
        return conv

    def forward(self, condition: Tensor, **slots: Tensor) -> dict[str, Tensor]:
        """All slots after the last layer. `condition` (N,) in -1..1. A source of a layer that reads neighbours holds them
        as channels, tap by tap (`parity_grid`); a source of another layer at a parity grid holds that grid."""
        for layer in self.layers:
            if isinstance(layer, DepthToSpace):
                slots[layer.out] = depth_to_space(slots[layer.source])
                continue
            sources = [slots[name] for name in layer.sources]
            x = self.conv(layer.name)(
                sources[0] if len(sources) == 1 else torch.cat(sources, 1), condition
            )
            if layer.add is not None:
                x = x + slots[layer.add][:, : layer.width]
            slots[layer.out] = F.relu(x) if layer.relu else x
        return slots


class ConditionalConv(nn.Conv2d):
    """A convolution whose bias moves with the condition: by `slope`, if the layer has one."""

    def __init__(self, inputs: int, layer: Conv) -> None:
        size, stride, padding = _KERNELS.get(layer.taps, (1, 1, 0))
        super().__init__(
            inputs * len(_NEIGHBOURS.get(layer.taps, (0,))), layer.width, size, stride, padding
        )
        self.slope = nn.Parameter(torch.zeros(layer.width)) if layer.conditional else None
        if layer.zero:
            nn.init.zeros_(self.weight)
            assert self.bias is not None
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]
        x = super().forward(x)
        return x if self.slope is None else x + (condition[:, None] * self.slope)[:, :, None, None]


def depth_to_space(x: Tensor) -> Tensor:
    """(N, 4 C, h, w) -> (N, C, 2 h, 2 w)."""
    n, c, h, w = x.shape
    return x.view(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // 4, 2 * h, 2 * w)


def parity_grid(x: Tensor, parity: tuple[int, int], taps: Taps = "1x1") -> Tensor:
    """Every second row and column of x (N, C, h, w) from `parity` on: (N, T C, h / 2, w / 2), tap by tap; zeros outside."""
    if taps == "1x1":
        return x[:, :, parity[0] :: 2, parity[1] :: 2]
    h, w = x.shape[-2:]
    padded = F.pad(x, (1, 1, 1, 1))
    rows = [(parity[0] + dy + 1, parity[1] + dx + 1) for dy, dx in tap_offsets(taps)]
    return torch.cat([padded[:, :, y : y + h - 1 : 2, x0 : x0 + w - 1 : 2] for y, x0 in rows], 1)
