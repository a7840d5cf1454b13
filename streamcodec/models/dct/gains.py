"""One set of weights for all qualities: quantisation steps per channel, interpolated between rows."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from streamcodec.models.dct.transforms import CHANNELS
from streamcodec.quality import COARSEST, FINEST

__all__ = ["Gain", "Gains", "condition_of", "lagrangian"]

ROWS = 9


def condition_of(q: Tensor) -> Tensor:
    """What the networks are told of the quality: -1 at FINEST .. 1 at COARSEST."""
    return (q - (FINEST + COARSEST) / 2) * (2 / (COARSEST - FINEST))


def lagrangian(q: Tensor) -> Tensor:
    """Squared error that is worth a bit at q, as H.264 encoders take it."""
    return 0.85 * 2 ** ((q - 12) / 3)


@dataclass(frozen=True)
class Gain:
    """Factors (N, 96, 1, 1): `forward` to units of a step, `back` to samples."""

    forward: Tensor
    back: Tensor


class Gains(nn.Module):
    """log_step and log_back (ROWS, 96): the step of each channel, and a correction of it where symbols are decoded."""

    def __init__(self) -> None:
        super().__init__()
        q = torch.linspace(FINEST, COARSEST, ROWS)
        self.log_step = nn.Parameter(((q - 4) / 6 * math.log(2))[:, None].repeat(1, CHANNELS))
        self.log_back = nn.Parameter(torch.zeros(ROWS, CHANNELS))

    def forward(self, q: Tensor) -> Gain:
        """q (N,) in FINEST..COARSEST."""
        position = ((q - FINEST) / (COARSEST - FINEST) * (ROWS - 1)).clamp(0, ROWS - 1 - 1e-4)
        row = position.long()
        share = (position - row)[:, None]

        def at(table: Tensor) -> Tensor:
            return (table[row] * (1 - share) + table[row + 1] * share)[:, :, None, None]

        log_step = at(self.log_step)
        return Gain((-log_step).exp(), (log_step + at(self.log_back)).exp())
