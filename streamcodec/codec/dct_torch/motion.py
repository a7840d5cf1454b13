"""Prediction by overlapped blocks (native/src/motion/predict.hpp) as tensors: all blocks of a plane at once.

Every block predicts a window of twice its side, centred on it. The windows are added with weights that
fall linearly, which is the specification's sum over the four blocks around each pixel. Beyond the sides
of the frame stand copies of the outermost blocks.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamcodec import _native
from streamcodec.codec.dct_torch.blocks import Planes

__all__ = ["AVERAGE", "predict"]

_SIDES = (8, 4, 4)
"""Of a block in Y, U and V."""
_FROM_PREVIOUS, _FROM_KEY, AVERAGE = range(3)
_AT_ONCE = 1 << 14
"""Windows: bounds the memory. Each of luma reads 23 x 23 pixels."""


@dataclass(frozen=True)
class _Blocks:
    """All blocks and the copies around them, row by row.

    modes, filters: int64 (n,). vectors: int64 (n, 2) each, into the previous frame and the key frame.
    """

    modes: Tensor
    filters: Tensor
    vectors: tuple[Tensor, Tensor]


def predict(field: _native.MotionField, previous: Planes, key: Planes) -> Planes:
    """Planes, int32, from decoded planes of the same size, on their device."""
    device = previous[0].device
    blocks = _blocks_of(field, device)
    luma, chroma = (
        torch.from_numpy(taps.astype(np.int32)).to(device) for taps in _native.motion_filters()
    )
    y, u, v = (
        _predict_plane(blocks, references, taps, side)
        for *references, taps, side in zip(
            previous, key, (luma, chroma, chroma), _SIDES, strict=True
        )
    )
    return y, u, v


def _blocks_of(field: _native.MotionField, device: torch.device) -> _Blocks:
    def flat(values: NDArray[np.uint8] | NDArray[np.int16]) -> Tensor:
        around = np.pad(values, [(1, 1), (1, 1), (0, 0)][: values.ndim], mode="edge")
        return torch.from_numpy(around.astype(np.int64)).flatten(0, 1).to(device)

    modes, filters = (grid.repeat(2, 0).repeat(2, 1) for grid in (field.modes, field.filters))
    return _Blocks(flat(modes), flat(filters), (flat(field.previous), flat(field.key)))


def _predict_plane(blocks: _Blocks, references: list[Tensor], taps: Tensor, side: int) -> Tensor:
    """references: the previous frame's plane and the key frame's. taps: (3, fractions, taps)."""
    device, (height, width) = taps.device, references[0].shape[2:]
    rows, columns = height // side + 2, width // side + 2
    origins = torch.cartesian_prod(
        *((torch.arange(count, device=device) - 1) * side - side // 2 for count in (rows, columns))
    )
    windows = torch.empty((len(origins), 2 * side, 2 * side), dtype=torch.int32, device=device)
    for mode, used in ((_FROM_PREVIOUS, (0,)), (_FROM_KEY, (1,)), (AVERAGE, (0, 1))):
        for some in torch.split((blocks.modes == mode).nonzero().flatten(), _AT_ONCE):
            parts = [
                _shifted(
                    references[k][0, 0],
                    origins[some],
                    blocks.vectors[k][some],
                    taps[blocks.filters[some]],
                    2 * side,
                )
                for k in used
            ]
            windows[some] = parts[0] if len(parts) == 1 else (parts[0] + parts[1] + 1) >> 1
    return _overlapped(windows.view(rows, columns, 2 * side, 2 * side))[:, :, :height, :width]


def _shifted(plane: Tensor, origins: Tensor, vectors: Tensor, taps: Tensor, side: int) -> Tensor:
    """Windows (n, side, side) of a plane (height, width) at origins + vectors; taps (n, fractions, taps)."""
    _, fractions, length = taps.shape
    whole = vectors.div(fractions, rounding_mode="floor")
    one, part = torch.arange(len(taps), device=taps.device), vectors - fractions * whole
    span = torch.arange(side + length - 1, device=taps.device)
    first = origins + whole - (length // 2 - 1)
    rows, columns = (
        (first[:, axis, None] + span).clamp(0, plane.shape[axis] - 1) for axis in (0, 1)
    )
    pixels = plane[rows[:, :, None], columns[:, None, :]].int()
    down, across = (taps[one, part[:, axis], :, None, None] for axis in (0, 1))
    lines = across[:, 0] * pixels[:, :, :side]
    for k in range(1, length):
        lines = lines + across[:, k] * pixels[:, :, k : k + side]
    sums = down[:, 0] * lines[:, :side]
    for k in range(1, length):
        sums = sums + down[:, k] * lines[:, k : k + side]
    return ((sums + 2048) >> 12).clamp(0, 255)


def _overlapped(windows: Tensor) -> Tensor:
    """Windows (rows, columns, 2 side, 2 side) to a plane (1, 1, height, width) that begins at the first block that is not a copy."""
    rows, columns, side = windows.shape[0], windows.shape[1], windows.shape[2] // 2
    rising = 2 * torch.arange(side, dtype=torch.int32, device=windows.device) + 1
    weights = torch.cat((rising, rising.flip(0)))
    parts = (windows * weights[:, None] * weights).view(rows, columns, 2, side, 2, side)
    halves = parts[:-1, :, 1] + parts[1:, :, 0]
    cells = halves[:, :-1, :, 1] + halves[:, 1:, :, 0]
    sums = cells.transpose(1, 2).reshape(1, 1, (rows - 1) * side, (columns - 1) * side)
    return ((sums + 2 * side**2) // (4 * side**2))[:, :, side // 2 :, side // 2 :]
