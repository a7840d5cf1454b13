"""The one place where latents are coded and where their rate is estimated.

    z = h_a(y)                             z symbols = round(z - median)
    index = exact scale path (z symbols)   y symbols = round(y - mean(z_hat))
    y_hat = y symbols + mean

The scales are exact integers (exact/network.py), so both sides choose the same tables. The means are added after decoding and may
be floats of any precision (not with a context: latents/context.py). Where the table is certain, the symbol is its only value on
both sides and costs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from streamcodec.errors import ModelError
from streamcodec.models.exact.network import IntegerNetwork
from streamcodec.models.latents.densities import (
    EntropyBottleneck,
    GaussianConditional,
)
from streamcodec.models.symbols import SymbolChannel

__all__ = ["HyperpriorLatent", "LatentEstimate", "code_factorized"]

MAX_SYMBOL = 2**20


@dataclass(frozen=True)
class LatentEstimate:
    """y_hat (N, M, h, w): what the synthesis gets. likelihoods: of "y" (N, M, h, w) and "z", each in (0, 1]."""

    y_hat: Tensor
    likelihoods: dict[str, Tensor]


def round_straight_through(x: Tensor) -> Tensor:
    """Rounded forward, identity backward."""
    return x + (x.round() - x).detach()


def round_around(x: Tensor, centre: Tensor) -> Tensor:
    """Rounded at integer distances from `centre` (of x's shape, or broadcast to it), straight through."""
    return round_straight_through(x - centre) + centre


def require_finite(x: Tensor) -> Tensor:
    """x itself; ModelError for NaN or infinity, which has no symbol."""
    if not x.isfinite().all():
        raise ModelError(
            "the latents hold NaN or infinity; the weights are damaged, or the input is far outside of [0, 1]"
        )
    return x


def to_symbols(x: Tensor) -> Tensor:
    """Round to int32 within +-MAX_SYMBOL; ModelError for NaN or infinity."""
    return require_finite(x).round().clamp(-MAX_SYMBOL, MAX_SYMBOL).to(torch.int32)


def in_c_order(x: Tensor) -> Tensor:
    """x with the strides of a fresh tensor: its history (channels_last, say) must not lead later layers to other algorithms."""
    return x.flatten().view(x.shape)


def code_factorized(
    bottleneck: EntropyBottleneck,
    z: Tensor | None,
    size: tuple[int, int],
    channel: SymbolChannel,
    first_row: int,
) -> tuple[Tensor, Tensor]:
    """Code z (N, C, *size), or decode it if None (N = 1) -> (z_hat float32, symbols int32), both of that shape.

    first_row: index of the bottleneck's first table among the model's tables. ModelError before update(), or if z is not finite.
    """
    bottleneck.require_tables()
    medians = bottleneck.medians()
    rows = torch.arange(medians.shape[1], dtype=torch.int32, device=medians.device)[
        None, :, None, None
    ]
    symbols = None if z is None else bottleneck.settled(to_symbols(z.float() - medians), rows)
    indexes = (rows + first_row).expand(
        1 if z is None else len(z), -1, *size
    )  # a view: of a whole frame they take more than its latents
    symbols = in_c_order(channel.code(symbols, indexes))
    return symbols + medians, symbols


class HyperpriorLatent(nn.Module):
    """A latent y whose Gaussians come from a hyperprior z (Balle et al. 2018; with means Minnen et al. 2018).

    A subclass brings the networks, as hooks below. It may be a part of a model, or be mixed into a model whose state_dict is flat.
    `hyper_stride`: how many elements of y an element of z stands for, in each direction. `row`: rows of the model's other
    bottlenecks that come before this one's (all of a model's bottlenecks come after the Gaussian rows). `latent_channels`: M.
    `straight_through`: the latents, "y" and "z", that reach the networks rounded in training (with the gradient of the identity);
    the others reach them with noise. The rate is always estimated with noise.
    """

    hyper_stride = 4
    straight_through: str = "yz"
    row = 0
    latent_channels: int
    entropy_bottleneck: EntropyBottleneck
    gaussian_conditional: GaussianConditional
    integer: IntegerNetwork

    def hyper_analysis(self, y: Tensor) -> Tensor:
        """y (N, M, h, w) -> z (N, C, ceil(h / hyper_stride), ceil(w / hyper_stride))."""
        raise NotImplementedError

    def gaussians(self, z_hat: Tensor, size: tuple[int, int]) -> tuple[Tensor | None, Tensor]:
        """z_hat -> (means, or None for zero, and scales), each (N, M, *size)."""
        raise NotImplementedError

    def means(self, z_hat: Tensor, size: tuple[int, int]) -> Tensor | None:
        """The means alone."""
        return self.gaussians(z_hat, size)[0]

    def scale_layers(self) -> Sequence[nn.Module]:
        """The layers from z_hat to the scales' channels; the first M channels count."""
        raise NotImplementedError

    def add_integer_path(self) -> None:
        """Make room for the exact scale path; call once the networks are there."""
        self.integer = IntegerNetwork(self.scale_layers(), outputs=self.latent_channels)

    def update_integer(self, force: bool = False) -> bool:
        """Build the exact scale path from the float layers and the scale table; False if there is one and not `force`."""
        if self.integer.built and not force:
            return False
        scales = self.gaussian_conditional.scale_table.double()
        boundaries = (scales[1:] * scales[:-1]).sqrt()  # the nearest in the logarithm
        self.build_integer(self.entropy_bottleneck.medians().flatten(), boundaries)
        return True

    def build_integer(self, medians: Tensor, boundaries: Tensor) -> None:
        """Give the exact scale path its numbers; medians (C,) of z, boundaries (tables - 1,) between the scale layers' outputs."""
        self.integer.build(self.scale_layers(), medians, boundaries)

    def check_tables(self) -> None:
        """ModelError unless the exact scale path chooses among the Gaussians' tables, no more and no fewer."""
        rows = self.gaussian_conditional.rows
        if self.integer.tables != rows:
            raise ModelError(
                f"the exact scale path is damaged: it chooses among {self.integer.tables} tables; the model has {rows}"
            )

    def estimate(self, y: Tensor) -> LatentEstimate:
        """Differentiable: y (N, M, h, w) float -> y_hat and likelihoods."""
        y = y.float()
        z_hat, z_likelihoods = self._estimate_z(self.hyper_analysis(y).float())
        y_hat, y_likelihoods = self.estimate_given(z_hat, y)
        return LatentEstimate(y_hat, {"y": y_likelihoods, "z": z_likelihoods})

    def _estimate_z(self, z: Tensor) -> tuple[Tensor, Tensor]:
        z_hat, likelihoods = self.entropy_bottleneck(z)
        if "z" in self.straight_through:
            z_hat = round_around(z, self.entropy_bottleneck.medians())
        return z_hat, likelihoods

    def estimate_given(self, z_hat: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """y (N, M, h, w) -> y_hat and likelihoods."""
        means, scales = self.gaussians(z_hat, (y.shape[-2], y.shape[-1]))
        means, scales = torch.zeros_like(y) if means is None else means.float(), scales.float()
        y_hat, likelihoods = self.gaussian_conditional(y, scales, means)
        return round_around(y, means) if "y" in self.straight_through else y_hat, likelihoods

    def code_latent(
        self, y: Tensor | None, size: tuple[int, int], channel: SymbolChannel
    ) -> Tensor:
        """Code y (1, M, *size), or decode it if None -> y_hat (1, M, *size) float32, the same on both sides.

        Raises ModelError before update(), or if y is not finite.
        """
        y = None if y is None else y.float()
        z = None if y is None else self.hyper_analysis(y)
        z_size = (-(-size[0] // self.hyper_stride), -(-size[1] // self.hyper_stride))
        first_row = self.gaussian_conditional.rows + self.row
        z_hat, z_symbols = code_factorized(self.entropy_bottleneck, z, z_size, channel, first_row)
        return self.code_given(z_hat, z_symbols, y, size, channel)

    def code_given(
        self,
        z_hat: Tensor,
        z_symbols: Tensor,
        y: Tensor | None,
        size: tuple[int, int],
        channel: SymbolChannel,
    ) -> Tensor:
        """Code y (1, M, *size), or decode it if None -> y_hat (1, M, *size) float32."""
        indexes = self.integer(z_symbols, size)
        means = self.means(z_hat, size)
        means = torch.zeros_like(indexes, dtype=torch.float32) if means is None else means.float()
        symbols = (
            None if y is None else self.gaussian_conditional.settled(to_symbols(y - means), indexes)
        )
        return in_c_order(channel.code(symbols, indexes)) + in_c_order(means)
