"""One set of weights for all qualities: gains per channel (Cui et al., "Asymmetric Gained Deep Image Compression", CVPR 2021)."""

import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError

__all__ = ["Gains", "gain_factors"]


class Gains(nn.Module):
    """Factors on a latent before it is quantised, and factors after it; natural logarithms, one row per trained quality.

    Between two rows the logarithms are interpolated linearly, so the factors are interpolated exponentially.
    """

    def __init__(self, rows: int, channels: int) -> None:
        super().__init__()
        if rows < 1:
            raise UsageError(f"gain rows is {rows}; accepted: 1 or more")
        self.gain = nn.Parameter(torch.zeros(rows, channels))
        self.inverse_gain = nn.Parameter(torch.zeros(rows, channels))

    @property
    def rows(self) -> int:
        return self.gain.shape[0]

    def forward(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """q (N,) float, 0 .. rows - 1 (what lies outside is clamped) -> factors before and after quantisation, each (N, C, 1, 1)."""
        q = q.float().clamp(0, self.rows - 1)
        row = q.long().clamp(max=max(self.rows - 2, 0))
        next_row = (row + 1).clamp(max=self.rows - 1)
        t = (q - row)[:, None]
        return _between(self.gain, row, next_row, t), _between(self.inverse_gain, row, next_row, t)


def gain_factors(gains: Gains | None, like: Tensor, q: Tensor | None) -> tuple[Tensor, Tensor]:
    """Gain and inverse gain for q (N,), (N, C, 1, 1) each, or 1 without gains; q None is the last row, for the batch of `like`."""
    if gains is None:
        one = torch.ones((), device=like.device)
        return one, one
    if q is None:
        q = torch.full((len(like),), gains.rows - 1.0, device=like.device)
    gain, inverse_gain = gains(q)
    return gain, inverse_gain


def _between(logarithms: Tensor, row: Tensor, next_row: Tensor, t: Tensor) -> Tensor:
    return torch.exp(logarithms[row] * (1 - t) + logarithms[next_row] * t)[:, :, None, None]
