"""Latents with a context model: the Gaussian of an element is told by the hyperprior and by elements that are decoded already.

    features = h_s(z_hat)                              context = masked convolution of y_hat (masked.py)
    scales, means = entropy_parameters(both)           y symbol = round(y - mean), y_hat = symbol + mean

(Minnen et al., NeurIPS 2018; He et al., CVPR 2021.) What a position is decoded with depends on what was decoded before it, so to code,
not the scales alone but features, context and means are integers (exact/network.py, exact/context.py), and nothing is a float until
y_hat is complete. Training and estimates are in floats, as published.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from streamcodec.entropy.context import Schedule
from streamcodec.models.exact.context import IntegerContext
from streamcodec.models.exact.network import IntegerFeatures
from streamcodec.models.latents.densities import EntropyBottleneck, GaussianConditional, quantize
from streamcodec.models.latents.hyperprior import HyperpriorLatent, require_finite, round_around
from streamcodec.models.layers.masked import MaskedConv2d, anchors
from streamcodec.models.symbols import SymbolChannel

__all__ = ["CheckerboardLatentCodec", "ContextLatent", "RasterLatentCodec"]


class IntegerContextPath(IntegerFeatures):
    """The exact path of a latent with a context: integer features of z, and the integer context model that they go to."""

    def __init__(
        self,
        h_s: nn.Module,
        context: MaskedConv2d,
        parameters: nn.Sequential,
        *,
        features_first: bool,
    ) -> None:
        super().__init__([h_s], outputs=2 * context.in_channels)
        self.context = IntegerContext(
            context, [parameters], schedule=context.schedule, features_first=features_first
        )

    @property
    def built(self) -> bool:
        return super().built and self.context.built

    @property
    def tables(self) -> int:
        """How many tables it chooses among. ModelError before it is built."""
        return self.context.tables


class ContextLatent(HyperpriorLatent):
    """A latent y of `latent` channels with a hyperprior z of `hyper` channels and a context model. A subclass says how it is trained.

    h_a: (N, latent, h, w) -> (N, hyper, ceil(h / hyper_stride), ceil(w / hyper_stride)). h_s: z_hat to the features
    (N, 2 latent, >= h, >= w); a sequence of convolutions, ReLU, LeakyReLU, QReLU and PixelShuffle: what the exact path can be made of.
    context_prediction: y_hat -> (N, 2 latent, h, w). entropy_parameters: both, features first if `features_first`, to scales and means
    (N, 2 latent, h, w), scales first, by 1x1 convolutions. `context`: this latent's place among the model's contexts().
    """

    h_a: nn.Module
    h_s: nn.Module
    context_prediction: MaskedConv2d
    entropy_parameters: nn.Sequential
    integer: IntegerContextPath  # type: ignore[assignment]  # the base's gives indexes; here they come from the context model
    schedule: Schedule
    features_first = True
    context = 0

    def __init__(
        self, h_a: nn.Module, h_s: nn.Module, latent: int, hyper: int, *, hyper_stride: int = 4
    ) -> None:
        super().__init__()
        self.latent_channels, self.hyper_stride = latent, hyper_stride
        self.arrange(
            entropy_bottleneck=EntropyBottleneck(hyper),
            h_a=h_a,
            h_s=h_s,
            context_prediction=MaskedConv2d(latent, 2 * latent, schedule=self.schedule),
            entropy_parameters=_entropy_parameters(latent),
            gaussian_conditional=GaussianConditional(),
        )
        self.add_integer_path()

    def arrange(self, **networks: nn.Module) -> None:
        """Take the networks in; where, is the layout of the state_dict. Side by side unless overridden."""
        for name, network in networks.items():
            self.add_module(name, network)

    def add_integer_path(self) -> None:
        self.integer = IntegerContextPath(
            self.h_s,
            self.context_prediction,
            self.entropy_parameters,
            features_first=self.features_first,
        )

    def build_integer(self, medians: Tensor, boundaries: Tensor) -> None:
        self.integer.build_layers(self.scale_layers(), medians)
        self.integer.context.build(self.context_prediction, [self.entropy_parameters], boundaries)

    def scale_layers(self) -> Sequence[nn.Module]:
        """The layers from z_hat to the features."""
        return [self.h_s]

    def hyper_analysis(self, y: Tensor) -> Tensor:
        z: Tensor = self.h_a(y)
        return z

    def features(self, z_hat: Tensor, y: Tensor) -> Tensor:
        """z_hat -> features (N, F, h, w), cut to y's size."""
        features: Tensor = self.h_s(z_hat)[..., : y.shape[-2], : y.shape[-1]]
        return features

    def gaussians_given(self, features: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """(N, F, h, w) and (N, K, h, w) -> (scales, means), each (N, M, h, w) float32."""
        both = (features, context) if self.features_first else (context, features)
        scales, means = self.entropy_parameters(torch.cat(both, 1)).float().chunk(2, 1)
        return scales, means

    def code_given(
        self,
        z_hat: Tensor,
        z_symbols: Tensor,
        y: Tensor | None,
        size: tuple[int, int],
        channel: SymbolChannel,
    ) -> Tensor:
        features = self.integer(z_symbols, size)
        return channel.code_in_context(
            None if y is None else require_finite(y), features, self.context
        )


class RasterLatentCodec(ContextLatent):
    """A latent y of `latent` channels with a hyperprior z of `hyper` channels, decoded line by line; networks as in ContextLatent.

    Estimates are as published, and in evaluation a little off what is coded: the context and the synthesis get y rounded at whole
    numbers (with noise in training), not around means that are not known before the context.
    """

    schedule = "raster"
    straight_through = ""

    def estimate_given(self, z_hat: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        y_hat = quantize(y, None, self.training)
        scales, means = self.gaussians_given(
            self.features(z_hat, y), self.context_prediction(y_hat)
        )
        _, likelihoods = self.gaussian_conditional(y, scales, means)
        return y_hat, likelihoods


def _below(path: str) -> Any:
    """A network that lies deeper, under the name that the published layout gives it."""
    return property(lambda self: self.get_submodule(path))


class CheckerboardLatentCodec(ContextLatent):
    """As RasterLatentCodec, in two passes: the anchors without context, then the others, given the anchors.

    In training the networks see latents rounded around their means, straight through (so do the estimates: they are of what is coded),
    and the rate is that of noise. The layout of the state_dict is the published one: `hyper` and `y`.
    """

    schedule = "checkerboard"
    straight_through = "yz"
    features_first = False
    h_a, h_s, entropy_bottleneck = (
        _below("hyper.h_a"),
        _below("hyper.h_s"),
        _below("hyper.entropy_bottleneck"),
    )
    context_prediction, entropy_parameters = (
        _below("y.context_prediction"),
        _below("y.entropy_parameters"),
    )
    gaussian_conditional = _below("y.y.gaussian_conditional")

    def arrange(self, **networks: nn.Module) -> None:
        names = {
            "hyper": ("entropy_bottleneck", "h_a", "h_s"),
            "y": ("entropy_parameters", "context_prediction"),
        }
        self.hyper, self.y = (
            nn.ModuleDict({name: networks[name] for name in group}) for group in names.values()
        )
        self.y["y"] = nn.ModuleDict({"gaussian_conditional": networks["gaussian_conditional"]})

    def estimate_given(self, z_hat: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        features, first = self.features(z_hat, y), anchors((y.shape[-2], y.shape[-1]), y.device)
        empty = features.new_zeros(len(y), self.context_prediction.out_channels, *y.shape[-2:])
        alone = self.gaussians_given(features, empty)
        y_hat = round_around(y, alone[1]) * first
        given = self.gaussians_given(features, self.context_prediction(y_hat))
        scales, means = (torch.where(first, a, b) for a, b in zip(alone, given, strict=True))
        _, likelihoods = self.gaussian_conditional(y, scales, means)
        return round_around(y, means), likelihoods


def _entropy_parameters(channels: int) -> nn.Sequential:
    """(N, 4 channels, h, w), features and context -> (N, 2 channels, h, w), scales and means, by three 1x1 convolutions."""
    widths = [channels * thirds // 3 for thirds in (12, 10, 8, 6)]
    first, second, third = (nn.Conv2d(*pair, 1) for pair in pairwise(widths))
    return nn.Sequential(first, nn.LeakyReLU(), second, nn.LeakyReLU(), third)
