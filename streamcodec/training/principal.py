"""A start for the transforms: principal components of what they will code, instead of random weights.

A random start needs hours until the synthesis can draw at all. Principal components of 16x16 blocks, the best linear transform there
is, can be written into the convolutions: a cascade of transforms of 4x4, 8x8 and 16x16 blocks, each keeping as many components
as the layer has channels. Signed values pass the ReLUs on a bias of `CARRY` standard deviations. Channels to spare get random
features that nothing reads yet, and the residual blocks start as the identity, so that training departs from the transform code.
With orthonormal components one step size serves all channels; its relation to lambda is that of uniform quantisation at high rate.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from streamcodec.models.quarter_layers import Decoder, Encoder, Residual
from streamcodec.training.loss import weighted_yuv

__all__ = ["Carried", "Cascade", "decompose", "he", "luma_metric", "quantiser_steps", "start_transform"]

OFFSETS = ((0, 0), (0, 1), (1, 0), (1, 1))
SPARE = 0.05
"""Size of random weights into channels that nothing reads yet, in relation to He initialisation."""


@dataclass(frozen=True)
class Carried:
    """Components (K, D) of D inputs, with how their values travel: channel = factor * value + bias, both (K,). `sigma`: (K,).
    inverse (D, K): from values to inputs."""

    components: Tensor
    inverse: Tensor
    sigma: Tensor
    factor: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Cascade:
    """Transforms of 4x4, 8x8 and 16x16 pixels; the inputs of the last two are four neighbours' components, in the order of OFFSETS."""

    at4: Carried
    at8: Carried
    at16: Carried


def decompose(samples: Tensor, keep8: int, keep16: int, carry: float, metric: Tensor | None = None) -> Cascade:
    """samples (N, C, h, w): what is coded, at a quarter of the frame; h and w multiples of 4. `carry`: bias in deviations.

    metric (C, C): errors count as the squared length of metric @ error; None is the identity.
    """
    if metric is not None:
        samples = torch.einsum("kc,nchw->nkhw", metric, samples)
    at4 = _components(samples, samples.shape[1], carry)
    x = _neighbours(_project(at4, samples))
    at8 = _components(x, min(keep8, x.shape[1]), carry)
    x = _neighbours(_project(at8, x))
    at16 = _components(x, min(keep16, x.shape[1]), carry)
    if metric is not None:
        at4 = replace(at4, components=at4.components @ metric, inverse=torch.linalg.solve(metric, at4.inverse))
    return Cascade(at4, at8, at16)


def luma_metric(channels: int = 48) -> Tensor:
    """Metric of RGB in pixel_unshuffle's order (three colours of channels / 3 positions) in which errors count as in training (loss.py)."""
    return torch.kron(weighted_yuv(), torch.eye(channels // 3))


def quantiser_steps(lambdas: Tensor) -> Tensor:
    """Steps of components of pictures in [0, 1], orthonormal in luma_metric, at which d(lambda 255^2 MSE) = -d(bits per pixel).

    With D = step^2 / 12 and dD/dbit = -2 ln 2 D per component: step^2 = 12 / (lambda 255^2 2 ln 2).
    """
    return (12 / (lambdas * 255**2 * 2 * math.log(2))).sqrt()


@torch.no_grad()
def start_transform(
    encoder: Encoder, decoder: Decoder, cascade: Cascade, step: Tensor, *, first_input: int = 0, output: float = 1.0
) -> None:
    """Write the cascade into an encoder and its decoder. Latents are in units of `step` (K,); the samples' channels are the encoder's
    inputs (at 1/4) from `first_input` on, and the decoder's first outputs, times `output`."""
    _start_encoder(encoder, cascade, step, first_input)
    _start_decoder(decoder, cascade, step, output)
    for block in (*encoder.modules(), *decoder.modules()):
        if isinstance(block, Residual):
            block.conv1.weight.copy_(he(block.conv1.weight))
            for parameter in (block.conv1.bias, block.conv2.weight, block.conv2.bias):
                nn.init.zeros_(parameter)  # type: ignore[arg-type]


def _start_encoder(encoder: Encoder, cascade: Cascade, step: Tensor, first_input: int) -> None:
    at4, at8, at16 = cascade.at4, cascade.at8, cascade.at16
    count4, count8, count16 = len(at4.sigma), len(at8.sigma), len(at16.sigma)
    weight = he(encoder.head.weight)
    weight[:count4] = 0
    weight[:count4, first_input : first_input + count4, 1, 1] = at4.factor[:, None] * at4.components
    _set(encoder.head, weight, at4.bias)
    weight = he(encoder.down8.weight, SPARE)
    mix = _over_neighbours(at8.factor[:, None] * at8.components, at4)
    _set(encoder.down8, _place(weight, mix), at8.bias - (mix * at4.bias).sum((1, 2)))
    weight = he(encoder.down16.weight, SPARE / 2)
    weight[:, count8:] = 0
    weight[:count16] = 0
    mix = _over_neighbours(at16.components / step[:, None], at8)
    _set(encoder.down16, _place(weight, mix), -(mix * at8.bias).sum((1, 2)))


def _start_decoder(decoder: Decoder, cascade: Cascade, step: Tensor, output: float) -> None:
    at4, at8, at16 = cascade.at4, cascade.at8, cascade.at16
    count4 = len(at4.sigma)
    _start_up(decoder.up8.conv, replace(at16, factor=1 / step, bias=torch.zeros_like(at16.bias)), at8)
    _start_up(decoder.up4.conv, at8, at4)
    if decoder.fuse is not None:
        weight = he(decoder.fuse.weight, 0.3)
        weight[:count4] = 0
        weight[range(count4), range(count4)] = 1
        _set(decoder.fuse, weight)
    weight = he(decoder.tail.weight, SPARE / 5)
    inverse = output * at4.inverse / at4.factor  # (C, K)
    weight[:count4] = 0
    weight[:count4, :count4, 1, 1] = inverse
    _set(decoder.tail, weight, -(inverse * at4.bias).sum(1))


def _start_up(conv: nn.Conv2d, coarse: Carried, fine: Carried) -> None:
    """A 1x1 convolution before a pixel-shuffle by 2: the coarse components' four neighbours in the fine ones."""
    outputs, inputs = conv.out_channels // 4, conv.in_channels
    weight = he(conv.weight, SPARE).view(outputs, 4, inputs)
    bias = torch.zeros(outputs, 4)
    count, fine_count = len(coarse.sigma), len(fine.sigma)
    inverse = coarse.components.view(count, 4, fine_count).permute(2, 1, 0) * fine.factor[:, None, None] / coarse.factor
    weight[:fine_count] = 0
    weight[:fine_count, :, :count] = inverse
    bias[:fine_count] = fine.bias[:, None] - (inverse * coarse.bias).sum(-1)
    _set(conv, weight.view_as(conv.weight), bias.flatten())


def _components(x: Tensor, keep: int, carry: float) -> Carried:
    """Principal components (about zero, not about the mean) of x (N, D, h, w)."""
    values = x.transpose(0, 1).flatten(1).double()
    variances, vectors = torch.linalg.eigh(values @ values.T / values.shape[1])
    sigma = variances.flip(0)[:keep].clamp(min=1e-10).sqrt().float()
    factor = (sigma / sigma[0]).sqrt() / sigma  # halfway to channels of one size
    basis = vectors.flip(1)[:, :keep].float()
    return Carried(basis.T, basis, sigma, factor, carry * factor * sigma)


def _project(carried: Carried, x: Tensor) -> Tensor:
    return torch.einsum("kd,ndhw->nkhw", carried.components, x)


def _neighbours(x: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, 4 C, h/2, w/2), neighbour by neighbour."""
    return torch.cat([x[..., dy::2, dx::2] for dy, dx in OFFSETS], 1)


def _over_neighbours(rows: Tensor, finer: Carried) -> Tensor:
    """rows (K, 4 C) on values -> (K, 4, C) on the channels that carry them."""
    return rows.view(len(rows), 4, -1) / finer.factor


def _place(weight: Tensor, mix: Tensor) -> Tensor:
    """mix (K, 4, C) into the first K rows of a 3x3 kernel of stride 2: a 2x2 block lies under its last two rows and columns."""
    weight[: len(mix)] = 0
    for index, (dy, dx) in enumerate(OFFSETS):
        weight[: len(mix), : mix.shape[2], 1 + dy, 1 + dx] = mix[:, index]
    return weight


def he(weight: Tensor, factor: float = 1.0) -> Tensor:
    """Random weights of He's size for ReLUs, times `factor`."""
    return torch.randn_like(weight) * factor * math.sqrt(2 / weight[0].numel())


def _set(conv: nn.Conv2d, weight: Tensor, bias: Tensor | None = None) -> None:
    """`bias` is of the first channels; the others get 0."""
    conv.weight.copy_(weight)
    if conv.bias is not None:
        conv.bias.zero_()
        conv.bias[: 0 if bias is None else len(bias)] = 0 if bias is None else bias
