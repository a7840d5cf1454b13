"""The DCT skeleton in float: 8x8 on luma, 4x4 on chroma, so that both give latents at 1/8 of the frame."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "CHANNELS",
    "LUMA",
    "Planes",
    "dct_matrix",
    "forward_dct",
    "hadamard_transform",
    "inverse_dct",
    "pack",
    "unpack",
]

CHANNELS = 96
"""Of the latent: 64 of luma, then 16 of U and 16 of V; vertical frequency first."""
LUMA = 64

Planes = tuple[Tensor, Tensor]
"""Luma (N, 1, H, W) and chroma (N, 2, H / 2, W / 2), sides multiples of 16."""


def dct_matrix(n: int) -> Tensor:
    """(n, n) float64, orthonormal: row u is the basis function of frequency u."""
    u, i = torch.arange(n, dtype=torch.float64)[:, None], torch.arange(n, dtype=torch.float64)[None]
    matrix = torch.cos(math.pi * (2 * i + 1) * u / (2 * n)) * math.sqrt(2 / n)
    matrix[0] /= math.sqrt(2)
    return matrix


def _basis(n: int) -> Tensor:
    matrix = dct_matrix(n)
    return torch.einsum("ui,vj->uvij", matrix, matrix).reshape(n * n, 1, n, n).float()


_LUMA, _CHROMA = _basis(8), _basis(4)


def forward_dct(planes: Planes) -> Tensor:
    """Planes -> (N, 96, H / 8, W / 8), in units of the samples."""
    luma, chroma = planes
    four = _CHROMA.to(chroma)
    return torch.cat(
        (
            F.conv2d(luma, _LUMA.to(luma), stride=8),
            F.conv2d(chroma[:, :1], four, stride=4),
            F.conv2d(chroma[:, 1:], four, stride=4),
        ),
        1,
    )


def inverse_dct(y: Tensor) -> Planes:
    """(N, 96, H / 8, W / 8) -> planes."""
    four = _CHROMA.to(y)
    chroma = (F.conv_transpose2d(part, four, stride=4) for part in (y[:, LUMA:80], y[:, 80:]))
    return F.conv_transpose2d(y[:, :LUMA], _LUMA.to(y), stride=8), torch.cat(tuple(chroma), 1)


def hadamard_transform(y: Tensor, channels: Sequence[int]) -> Tensor:
    """y (N, 96, H / 8, W / 8) with these channels transformed over the 2x2 positions of each macroblock. Its own inverse."""
    if not channels:
        return y
    old, mixed = y[:, list(channels)], y.clone()
    p, q, r, s = (old[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1))
    sums = (p + q + r + s, p - q + r - s, p + q - r - s, p - q - r + s)
    mixed[:, list(channels)] = F.pixel_shuffle(torch.stack(sums, 2).flatten(1, 2) / 2, 2)
    return mixed


def pack(planes: Planes) -> Tensor:
    """Planes -> (N, 24, H / 4, W / 4): the 16 samples of luma, 4 of U and 4 of V of each 4x4 cell, row by row."""
    return torch.cat((F.pixel_unshuffle(planes[0], 4), F.pixel_unshuffle(planes[1], 2)), 1)


def unpack(x: Tensor) -> Planes:
    """The inverse of `pack`."""
    return F.pixel_shuffle(x[:, :16], 4), F.pixel_shuffle(x[:, 16:], 2)
