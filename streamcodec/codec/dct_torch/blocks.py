"""Cells and transforms of the DCT codec (native/src/frame/frame.hpp, "Grids" and "Transforms") as tensors.

Planes are (1, 1, height, width), cells (1, 24, h4, w4), latents (1, 96, h8, w8). Transforms multiply in
float64, which holds every sum exactly, on every device; integer matrices cannot be multiplied on GPUs.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "Planes",
    "forward_transform",
    "hadamard_transform",
    "inverse_transform",
    "pack4",
    "unpack4",
]

Planes = tuple[Tensor, Tensor, Tensor]
"""Y, U and V; the sides of Y are multiples of 16."""

_CELL_SIDES = (4, 2, 2)
_BLOCK_SIDES = (8, 4, 4)
_LARGEST_RESIDUAL = 8191


def pack4(planes: Planes) -> Tensor:
    """Planes as cells."""
    parts = zip(planes, _CELL_SIDES, strict=True)
    return torch.cat([F.pixel_unshuffle(plane, side) for plane, side in parts], 1)


def unpack4(cells: Tensor) -> Planes:
    """The reverse of pack4()."""
    parts = zip(_split(cells, _CELL_SIDES), _CELL_SIDES, strict=True)
    y, u, v = (F.pixel_shuffle(part, side) for part, side in parts)
    return y, u, v


def forward_transform(planes: Planes) -> Tensor:
    """Pixels, integers of any type, to coefficients in 1/8 pixel, int32."""
    parts = []
    for plane, side in zip(planes, _BLOCK_SIDES, strict=True):
        basis = _basis(side, plane.device)
        rows = _shifted(basis @ _blocks_of(plane.double(), side), 10)
        parts.append(_channels_of(_sat16(_shifted(rows @ basis.T, 13))))
    return torch.cat(parts, 1).int()


def inverse_transform(coefficients: Tensor) -> Planes:
    """Coefficients in 1/8 pixel, within int16, to a residual in 1/16 pixel, int32."""
    parts = _split(coefficients.double(), _BLOCK_SIDES)
    planes = []
    for part, side in zip(parts, _BLOCK_SIDES, strict=True):
        basis = _basis(side, part.device)
        columns = _sat16(_shifted(basis.T @ _blocks_of(F.pixel_shuffle(part, side), side), 12))
        pixels = _shifted(columns @ basis, 13).clamp(-_LARGEST_RESIDUAL, _LARGEST_RESIDUAL)
        planes.append(F.pixel_shuffle(_channels_of(pixels), side).int())
    y, u, v = planes
    return y, u, v


def hadamard_transform(latent: Tensor, channels: Tensor) -> Tensor:
    """These channels, int64 (n,), of int32 or int64 numbers within int16, over the positions of each macroblock."""
    old = latent[:, channels]
    p, q, r, s = (old[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1))
    sums = (p + q + r + s, p - q + r - s, p + q - r - s, p - q - r + s)
    halves = [_sat16((each + 1) >> 1) for each in sums]
    mixed = latent.clone()
    mixed[:, channels] = F.pixel_shuffle(torch.stack(halves, 2).flatten(1, 2), 2)
    return mixed


@lru_cache(maxsize=8)
def _basis(side: int, device: torch.device) -> Tensor:
    """[frequency][pixel], 2^13 times the orthonormal DCT, rounded."""
    cosines = [
        [math.cos(math.pi * (2 * pixel + 1) * frequency / (2 * side)) for pixel in range(side)]
        for frequency in range(side)
    ]
    basis = 2**13 * math.sqrt(2 / side) * torch.tensor(cosines, dtype=torch.float64)
    basis[0] *= math.sqrt(0.5)
    return basis.round().to(device)


def _split(channels: Tensor, sides: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Those of Y, U and V."""
    return torch.split(channels, [side**2 for side in sides], 1)


def _blocks_of(plane: Tensor, side: int) -> Tensor:
    """(1, 1, height, width) -> (rows, columns, side, side)."""
    _, _, height, width = plane.shape
    return plane.view(height // side, side, width // side, side).transpose(1, 2)


def _channels_of(blocks: Tensor) -> Tensor:
    """(rows, columns, side, side) -> (1, side^2, rows, columns)."""
    return blocks.flatten(2).permute(2, 0, 1)[None]


def _shifted(sums: Tensor, bits: int) -> Tensor:
    """sums >> bits, rounded to the nearest, halves up."""
    return torch.floor((sums + 2 ** (bits - 1)) * 2.0**-bits)


def _sat16(values: Tensor) -> Tensor:
    return values.clamp(-32768, 32767)
