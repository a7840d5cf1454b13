"""Probability models of the latents: differentiable likelihoods for training, integer tables for coding.

`EntropyBottleneck` learns one density per channel (Balle et al., ICLR 2018, appendix 6.1); `GaussianConditional` takes
its scale from elsewhere (same paper, section 3). Both keep their tables as buffers in CompressAI's layout, at
`PROBABILITY_BITS` bits: the tables are data that travels with the weights, never computed again to decode.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from streamcodec.entropy.tables import (
    CERTAIN,
    PROBABILITY_BITS,
    Table,
    TableData,
    fit_table,
    stack_tables,
)
from streamcodec.errors import ModelError, UsageError
from streamcodec.models.layers.basic import LowerBound

__all__ = ["EntropyBottleneck", "GaussianConditional", "default_scale_table"]

MIN_LIKELIHOOD = 1e-9
MAX_RADIUS = 4096
"""Widest support given to a density on each side of its median; what lies outside is left to the escape."""


def default_scale_table() -> Tensor:
    """The 128 standard deviations that have a table, float32: evenly spaced in the logarithm from 0.11 to 64."""
    return torch.linspace(math.log(0.11), math.log(64), 128, dtype=torch.float64).exp().float()


class EntropyModel(nn.Module):
    """What both models share: the buffers of the tables, and quantisation."""

    _offset: Tensor
    _quantized_cdf: Tensor
    _cdf_length: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("_offset", "_quantized_cdf", "_cdf_length"):
            self.register_buffer(name, torch.zeros(0, dtype=torch.int32))
        self.likelihood_lower_bound = LowerBound(MIN_LIKELIHOOD)

    @property
    def has_tables(self) -> bool:
        """Whether update() was called, or weights with tables were loaded."""
        return self._offset.numel() > 0

    @property
    def rows(self) -> int:
        """How many tables there are."""
        return len(self._cdf_length)

    def require_tables(self) -> None:
        """Raise ModelError before update()."""
        if not self.has_tables:
            raise ModelError(
                f"{type(self).__name__} has no probability tables; call update() on the model or load weights that have them"
            )

    def tables(self) -> TableData:
        """The tables, one row per channel or scale. ModelError before update()."""
        self.require_tables()
        cdf, length, offset = (
            buffer.cpu().numpy() for buffer in (self._quantized_cdf, self._cdf_length, self._offset)
        )
        return TableData(quantized_cdf=cdf, cdf_length=length, offset=offset)

    def settled(self, symbols: Tensor, rows: Tensor) -> Tensor:
        """Symbols, with the only value that there is where the row is certain. Both int32; `rows` may be broadcast."""
        certain, rows = self._cdf_length == 2, rows.long()
        return torch.where(certain[rows], self._offset[rows], symbols) if certain.any() else symbols

    def _store(self, rows: Iterable[Table]) -> None:
        data = stack_tables(list(rows))
        device = self._offset.device
        self._quantized_cdf = torch.from_numpy(data.quantized_cdf).clone().to(device)
        self._cdf_length = torch.from_numpy(data.cdf_length).clone().to(device)
        self._offset = torch.from_numpy(data.offset).clone().to(device)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take tables of any size; without tables, or with tables of another precision, the model counts as not updated."""
        buffers = {
            prefix + name: buffer
            for name, buffer in self._buffers.items()
            if name in _RESIZED and buffer is not None
        }
        for key, buffer in buffers.items():
            state_dict.setdefault(key, buffer.new_zeros(0))
        if not _has_our_precision(
            state_dict[f"{prefix}_quantized_cdf"], state_dict[f"{prefix}_cdf_length"]
        ):
            state_dict.update({key: buffer.new_zeros(0) for key, buffer in buffers.items()})
        for key, buffer in buffers.items():
            self._buffers[key.removeprefix(prefix)] = buffer.new_zeros(state_dict[key].shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)


_RESIZED = ("_offset", "_quantized_cdf", "_cdf_length", "scale_table")


def _has_our_precision(cdf: Tensor, length: Tensor) -> bool:
    """Whether every row of cdf (K, L) ends in 2 ** PROBABILITY_BITS (CompressAI's end in 65536). True of no rows at all."""
    if cdf.numel() == 0:
        return True
    if (
        cdf.ndim != 2
        or length.shape != cdf.shape[:1]
        or length.min() < 2
        or length.max() > cdf.shape[1]
    ):
        raise ModelError(
            f"probability tables are damaged: cumulative frequencies {tuple(cdf.shape)}, lengths {tuple(length.shape)}"
        )
    last = cdf.gather(1, length.long()[:, None] - 1)
    return bool((last == 1 << PROBABILITY_BITS).all())


def quantize(values: Tensor, means: Tensor | None, training: bool) -> Tensor:
    """Values of any shape plus uniform noise in [-0.5, 0.5) when training, otherwise rounded at integer distances from `means`."""
    if training:
        return values + torch.rand_like(values) - 0.5
    return values.round() if means is None else (values - means).round() + means


class EntropyBottleneck(EntropyModel):
    """A learned density for each of `channels` channels (Balle et al. 2018, appendix 6.1).

    `filters` are the widths of the network that is the cumulative distribution, `init_scale` the width of the
    density at the start, `tail_mass` what the two outer quantiles leave outside.
    """

    target: Tensor

    def __init__(
        self,
        channels: int,
        filters: Sequence[int] = (3, 3, 3, 3),
        init_scale: float = 10,
        tail_mass: float = 1e-9,
    ) -> None:
        super().__init__()
        widths = (1, *filters, 1)
        scale = init_scale ** (1 / (len(widths) - 1))
        self.matrices, self.biases, self.factors = (
            nn.ParameterList(),
            nn.ParameterList(),
            nn.ParameterList(),
        )
        for before, after in pairwise(widths):
            self.matrices.append(
                nn.Parameter(
                    torch.full((channels, after, before), math.log(math.expm1(1 / scale / after)))
                )
            )
            self.biases.append(nn.Parameter(torch.empty(channels, after, 1).uniform_(-0.5, 0.5)))
        for width in filters:
            self.factors.append(nn.Parameter(torch.zeros(channels, width, 1)))
        self.quantiles = nn.Parameter(
            torch.tensor([-init_scale, 0.0, init_scale]).repeat(channels, 1, 1)
        )
        tail = math.log(2 / tail_mass - 1)
        self.register_buffer("target", torch.tensor([-tail, 0.0, tail]))

    def forward(self, z: Tensor, training: bool | None = None) -> tuple[Tensor, Tensor]:
        """z (N, C, H, W) -> (z_hat, likelihoods), same shape: with noise when training, otherwise rounded around the medians."""
        z_hat = quantize(z, self.medians(), self.training if training is None else training)
        return z_hat, self.likelihood(z_hat)

    def tables(self) -> TableData:
        data, channels = super().tables(), len(self.quantiles)
        if data.rows != channels:
            raise ModelError(
                f"probability tables are damaged: {data.rows} rows for {channels} channels"
            )
        return data

    def likelihood(self, z: Tensor) -> Tensor:
        """Probability of the interval of width 1 around each value of z (N, C, H, W); float32, at least 1e-9."""
        with torch.autocast(z.device.type, enabled=False):
            values = z.float().transpose(0, 1)
            mass = _interval_mass(
                values.reshape(values.shape[0], 1, -1),
                self._layers(lambda parameter: parameter.float()),
            )
            bounded: Tensor = self.likelihood_lower_bound(mass)
        return bounded.reshape(values.shape).transpose(0, 1)

    def medians(self) -> Tensor:
        """(1, C, 1, 1): what z is rounded around. No gradient: the medians learn from loss() only."""
        return self.quantiles.detach()[:, 0, 1].reshape(1, -1, 1, 1)

    def loss(self) -> Tensor:
        """Scalar, >= 0: how far `quantiles` are from the tails and the median of the density. Moves the quantiles only."""
        logits = _cumulative_logits(
            self.quantiles, self._layers(lambda parameter: parameter.detach())
        )
        return (logits - self.target).abs().sum()

    @torch.no_grad()
    def update(self, force: bool = False) -> bool:
        """Make the tables, one row per channel around its median; False if there are some already and not `force`."""
        if self.has_tables and not force:
            return False
        layers = self._layers(lambda parameter: parameter.double())
        medians, radius, mass = self.quantiles.double()[:, :, 1:2], 32, torch.zeros(1)
        while radius < MAX_RADIUS and mass.sum(-1).min() < 1 - 2.0**-24:
            radius *= 2
            mass = _interval_mass(
                medians + torch.arange(-radius, radius + 1, device=medians.device), layers
            )
        if not mass.isfinite().all():
            raise ModelError(
                "the density of an EntropyBottleneck is not finite: its parameters hold NaN or infinity"
            )
        self._store(fit_table(row, -radius) for row in mass[:, 0].cpu().numpy())
        return True

    def _layers(
        self, change: Callable[[Tensor], Tensor]
    ) -> list[tuple[Tensor, Tensor, Tensor | None]]:
        """(matrix, bias, factor) of every layer, each parameter passed through `change`; the last layer has no factor."""
        factors = [*(change(factor) for factor in self.factors), None]
        return [
            (change(m), change(b), f)
            for m, b, f in zip(self.matrices, self.biases, factors, strict=True)
        ]


def _cumulative_logits(
    values: Tensor, layers: Iterable[tuple[Tensor, Tensor, Tensor | None]]
) -> Tensor:
    """Logit of the cumulative distribution at values (C, 1, n)."""
    for matrix, bias, factor in layers:
        values = F.softplus(matrix) @ values + bias
        if factor is not None:
            values = values + factor.tanh() * values.tanh()
    return values


def _interval_mass(values: Tensor, layers: list[tuple[Tensor, Tensor, Tensor | None]]) -> Tensor:
    """Probability of [value - 0.5, value + 0.5] for values (C, 1, n): a difference of sigmoids, on the side where both are small."""
    lower, upper = (
        _cumulative_logits(values - 0.5, layers),
        _cumulative_logits(values + 0.5, layers),
    )
    side = torch.where(lower + upper > 0, -1.0, 1.0)  # not sign(): at the median the sum is 0
    return ((side * upper).sigmoid() - (side * lower).sigmoid()).abs()


class GaussianConditional(EntropyModel):
    """Gaussians of given means and standard deviations, one table per standard deviation of `scale_table`.

    `scale_table`: rising standard deviations, by default `default_scale_table()` from update() on. `scale_bound`: smaller
    scales count as this one. Rows under `skip_below` are certain: their symbol is 0 on both sides and is not coded.
    """

    scale_table: Tensor
    scale_bound: Tensor

    def __init__(
        self,
        scale_table: Sequence[float] | Tensor | None = None,
        scale_bound: float = 0.11,
        skip_below: float = 0.13,
    ) -> None:
        super().__init__()
        self.skip_below = skip_below
        self.register_buffer(
            "scale_table",
            torch.zeros(0) if scale_table is None else _check_scale_table(scale_table),
        )
        self.register_buffer("scale_bound", torch.tensor([float(scale_bound)]))
        self.lower_bound_scale = LowerBound(scale_bound)

    def forward(
        self, y: Tensor, scales: Tensor, means: Tensor | None = None, training: bool | None = None
    ) -> tuple[Tensor, Tensor]:
        """y, scales, means (N, C, H, W) -> (y_hat, likelihoods), same shape: noise when training, otherwise rounded around the means."""
        y_hat = quantize(y, means, self.training if training is None else training)
        return y_hat, self.likelihood(y_hat, scales, means)

    def likelihood(self, values: Tensor, scales: Tensor, means: Tensor | None = None) -> Tensor:
        """Probability of the interval of width 1 around each value; all of one shape; float32, at least 1e-9."""
        distance = (values.float() if means is None else values.float() - means.float()).abs()
        bounded: Tensor = self.likelihood_lower_bound(
            _gaussian_mass(distance, self.lower_bound_scale(scales.float()))
        )
        return bounded

    def update_scale_table(
        self, scale_table: Sequence[float] | Tensor | None = None, force: bool = False
    ) -> bool:
        """Make the tables for `scale_table` (None: the one held, else the default); False if there are some already and not `force`."""
        if self.has_tables and not force:
            return False
        if scale_table is None:
            scale_table = self.scale_table if self.scale_table.numel() else default_scale_table()
        self.scale_table = _check_scale_table(scale_table).to(self.scale_bound.device)
        self._store(
            CERTAIN if scale < self.skip_below else _gaussian_table(scale)
            for scale in self.scale_table.tolist()
        )
        return True


def _gaussian_mass(distance: Tensor, scales: Tensor) -> Tensor:
    """Probability of [d - 0.5, d + 0.5] under zero-mean Gaussians, from the upper tail, where it loses no precision; d >= 0."""
    per_scale = math.sqrt(0.5) / scales
    return 0.5 * (
        torch.erfc((distance - 0.5) * per_scale) - torch.erfc((distance + 0.5) * per_scale)
    )


@lru_cache(maxsize=512)  # a model's latents share one scale table
def _gaussian_table(scale: float) -> Table:
    radius = math.ceil(8 * scale) + 1
    distance = torch.arange(-radius, radius + 1, dtype=torch.float64).abs()
    return fit_table(
        np.asarray(_gaussian_mass(distance, torch.tensor(scale, dtype=torch.float64))), -radius
    )


def _check_scale_table(scale_table: Sequence[float] | Tensor) -> Tensor:
    """float32 (K,), or UsageError unless above zero, finite and rising."""
    table = torch.as_tensor(scale_table, dtype=torch.float32)
    if (
        table.ndim != 1
        or table.numel() == 0
        or not table.isfinite().all()
        or table[0] <= 0
        or (table.diff() <= 0).any()
    ):
        raise UsageError(
            f"scale table is {scale_table}; accepted: standard deviations above zero, rising, such as default_scale_table()"
        )
    return table
