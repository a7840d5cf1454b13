"""A start for a hyperprior whose transforms came from principal.py: gains, expected scales, and means that are carried by z.

A hyperprior that starts at random may die: its z costs bits before it is of any use, so the rate drives it to zero, and channels
that hardly change from block to block, such as the mean of the motion, cost their full spread in every block. Here z carries the
smoothed first channels and the means are z interpolated, a linear path through the ReLUs in pairs of opposite sign.
"""

import torch
from torch import Tensor, nn

from streamcodec.models.entropy_models import EntropyBottleneck
from streamcodec.models.quarter import QuarterHyperprior
from streamcodec.training.principal import SPARE, he

__all__ = ["carry_means", "start_hyperprior"]

UNUSED_SCALE = 0.3
"""Expected deviation, in quantiser steps, of latent channels beyond the components."""
CARRIED_WIDTH = 12.0
"""Width of the density of a z that carries means; that of the others is the smaller, the cheaper they are to begin with."""


@torch.no_grad()
def start_hyperprior(hyperprior: QuarterHyperprior, sigma: Tensor, steps: Tensor, *, density_width: float = 2.0) -> None:
    """Gains for `steps` (rows,). sigma (K,): deviations of y's first channels, in units of the middle step."""
    gains = hyperprior.gains
    if gains is None or gains.rows != len(steps):
        raise ValueError(f"{len(steps)} steps for {gains.rows if gains else 0} rows of gains")
    gains.gain.copy_((steps[len(steps) // 2] / steps).log()[:, None].expand_as(gains.gain))
    gains.inverse_gain.copy_(-gains.gain)
    deviations = torch.full((hyperprior.latent_channels,), UNUSED_SCALE)
    deviations[: len(sigma)] = sigma
    for layer in hyperprior.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.copy_(he(layer.weight))
            nn.init.zeros_(layer.bias) if layer.bias is not None else None
    _conv(hyperprior.h_a, 0).weight.div_(deviations.clamp(min=UNUSED_SCALE)[:, None, None])
    _conv(hyperprior.h_a, -1).weight.mul_(0.5)
    for head, value in ((hyperprior.mean, torch.zeros_like(deviations)), (hyperprior.scale, _before_softplus(0.5 * deviations))):
        _conv(head, -1).weight.mul_(SPARE)
        _bias(_conv(head, -1)).copy_(value)
    bottleneck = hyperprior.entropy_bottleneck
    bottleneck.load_state_dict(EntropyBottleneck(bottleneck.quantiles.shape[0], init_scale=density_width).state_dict())


@torch.no_grad()
def carry_means(hyperprior: QuarterHyperprior, channels: int) -> None:
    """z's first `channels` are y's first channels, smoothed; their means are z, interpolated. Raises ValueError if z is too narrow."""
    h_a, h_s, mean = hyperprior.h_a, hyperprior.h_s, hyperprior.mean
    pairs = 2 * channels
    if pairs > _conv(h_a, 0).out_channels:
        raise ValueError(f"{channels} means need {pairs} hyperprior channels; there are {_conv(h_a, 0).out_channels}")
    smooth, between = _outer([1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16]), _outer([0.5, 1, 0.5])
    for layer, rows in ((h_a[0], pairs), (h_a[2], pairs), (h_a[4], channels), (h_s[3], pairs), (mean[0], pairs), (mean[2], channels)):
        _clear(layer, rows)
    for layer in (h_s[0], h_s[5]):  # before a pixel-shuffle: four outputs to a channel, of which the first is set and the others stay 0
        _clear(layer, 4 * pairs)
    for k in range(channels):
        for sign, row in ((1, 2 * k), (-1, 2 * k + 1)):
            _conv(h_a, 0).weight[row, k, 1, 1] = sign
            _conv(h_a, 2).weight[row, 2 * k : 2 * k + 2] = torch.stack((sign * smooth, -sign * smooth))
            _conv(h_s, 0).weight[4 * row, k, 0, 0] = sign
            _conv(h_s, 3).weight[row, row] = between
            _conv(h_s, 5).weight[4 * row, row, 0, 0] = 1
            _conv(mean, 0).weight[row, row] = between
            _conv(mean, 2).weight[k, row, 0, 0] = sign
        _conv(h_a, 4).weight[k, 2 * k : 2 * k + 2] = torch.stack((smooth, -smooth))
    wide = EntropyBottleneck(1, init_scale=CARRIED_WIDTH)
    for own, wider in zip(hyperprior.entropy_bottleneck.matrices, wide.matrices, strict=True):
        own[:channels] = wider


def _clear(layer: nn.Module, rows: int) -> None:
    assert isinstance(layer, nn.Conv2d)
    layer.weight[:rows] = 0
    _bias(layer)[:rows] = 0


def _conv(layers: nn.Sequential, index: int) -> nn.Conv2d:
    layer = layers[index]
    assert isinstance(layer, nn.Conv2d)
    return layer


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias


def _outer(taps: list[float]) -> Tensor:
    return torch.outer(torch.tensor(taps), torch.tensor(taps))


def _before_softplus(scales: Tensor) -> Tensor:
    scales = scales.clamp(min=0.15)
    return scales + (-(-scales).expm1()).log()
