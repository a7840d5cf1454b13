"""The densities of latents: a discretised logistic of 63 scales, and certainty below the smallest."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = [
    "LARGEST_SYMBOL",
    "LOG_SCALE_STEP",
    "ROWS",
    "SMALLEST_LOG_SCALE",
    "SymbolCounts",
    "bits_of",
    "choose_symbols",
    "is_certain",
]

ROWS = 64
"""Row 0 is certain (the symbol is 0 and is not coded); row k has log scale SMALLEST_LOG_SCALE + (k - 1) LOG_SCALE_STEP."""
SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE = -2.6, 4.6
LOG_SCALE_STEP = (LARGEST_LOG_SCALE - SMALLEST_LOG_SCALE) / (ROWS - 2)
LARGEST_SYMBOL = 2047
_CERTAIN_BELOW = SMALLEST_LOG_SCALE - LOG_SCALE_STEP / 2


def is_certain(log_scale: Tensor) -> Tensor:
    """Where a symbol is 0 without being coded."""
    return log_scale < _CERTAIN_BELOW


def bits_of(value: Tensor, log_scale: Tensor) -> Tensor:
    """Bits of `value` (any real, for training) under a logistic of mean 0, integrated over an interval of 1."""
    rate = torch.exp(-log_scale.clamp(SMALLEST_LOG_SCALE - 0.4, LARGEST_LOG_SCALE))
    magnitude = value.abs()
    likelihood = torch.sigmoid((0.5 - magnitude) * rate) - torch.sigmoid((-0.5 - magnitude) * rate)
    return -likelihood.clamp_min(1e-9).log() / math.log(2)


@torch.no_grad()
def choose_symbols(y: Tensor, log_scale: Tensor, squared_steps_per_bit: float) -> Tensor:
    """Rate-distortion-optimised quantisation: of the nearest integer, the next towards 0, and 0, the one with the least
    (y - symbol)^2 + squared_steps_per_bit * bits."""
    nearest = y.round()
    best, cost = nearest, (y - nearest) ** 2 + squared_steps_per_bit * bits_of(nearest, log_scale)
    for symbol in (nearest - nearest.sign(), torch.zeros_like(y)):
        other = (y - symbol) ** 2 + squared_steps_per_bit * bits_of(symbol, log_scale)
        best, cost = torch.where(other < cost, symbol, best), torch.minimum(cost, other)
    return best.masked_fill(is_certain(log_scale), 0)


class SymbolCounts:
    """How often each symbol came in each row, to fit the rows' tables to: `rows` int64 (ROWS, 2 LARGEST_SYMBOL + 1), from
    -LARGEST_SYMBOL up; `z` int64 (channels, 255), from -127 up, of models that have z."""

    def __init__(self, z_channels: int = 0) -> None:
        self.rows: NDArray[np.int64] = np.zeros((ROWS, 2 * LARGEST_SYMBOL + 1), np.int64)
        self.z: NDArray[np.int64] = np.zeros((z_channels, 255), np.int64)

    def add(self, symbols: Tensor, log_scale: Tensor) -> None:
        row = (
            ((log_scale - SMALLEST_LOG_SCALE) / LOG_SCALE_STEP + 1)
            .round()
            .clamp(0, ROWS - 1)
            .long()
        )
        self._add(self.rows, row, symbols, LARGEST_SYMBOL)

    def add_z(self, z: Tensor) -> None:
        """z (N, channels, h, w)."""
        channel = torch.arange(z.shape[1])[None, :, None, None].expand_as(z)
        self._add(self.z, channel, z, 127)

    @staticmethod
    def _add(counts: NDArray[np.int64], row: Tensor, symbols: Tensor, largest: int) -> None:
        place = row * counts.shape[1] + symbols.long().clamp(-largest, largest) + largest
        counts += np.bincount(place.flatten().numpy(), minlength=counts.size).reshape(counts.shape)
