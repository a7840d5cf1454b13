"""Float layers as plans and dense weights for the exact scale path (exact/network.py).

Every layer becomes a stride-1 convolution of odd size whose output may be spread over s x s pixels: a Conv2d, a Conv2d with
PixelShuffle(s), or a ConvTranspose2d of stride s, whose s x s output phases are as many convolutions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models.layers.basic import QReLU

__all__ = ["FRACTION_BITS", "LIMIT", "SLOPE_BITS", "LayerPlan", "dense_weights", "plan_layers"]

FRACTION_BITS = 12
LIMIT = 2**24
SLOPE_BITS = 16


@dataclass(frozen=True)
class LayerPlan:
    """What a layer does, without its numbers.

    It has (2 radius + 1)^2 taps and `inputs` channels; its output `columns` are the channels of each of factor^2 phases in turn. `groups`:
    the taps that matter for the first, second ... equal share of the columns. Negative outputs are multiplied by `slope` 2^-SLOPE_BITS;
    `upper` is the largest output, fixed point.
    """

    radius: int
    factor: int
    inputs: int
    columns: int
    groups: tuple[tuple[int, ...], ...]
    slope: int
    upper: int


def plan_layers(layers: Sequence[nn.Module], outputs: int) -> tuple[LayerPlan, ...]:
    """Plans of the layers. Of the last one, the first `outputs` channels count."""
    *inner, last = map(_plan, _steps(layers))
    return *inner, replace(last, columns=last.factor**2 * outputs)


def dense_weights(layers: Sequence[nn.Module]) -> list[tuple[Tensor, Tensor]]:
    """Weight (taps, inputs, columns) and bias (columns,) of each planned layer, float64."""
    return [_dense(step) for step in _steps(layers)]


@dataclass(frozen=True)
class _Step:
    conv: nn.Conv2d | nn.ConvTranspose2d
    shuffle: int
    activation: nn.Module | None


def _steps(layers: Sequence[nn.Module]) -> Iterator[_Step]:
    """Each convolution with the PixelShuffle and the activation that follow it."""
    flat = [module for layer in layers for module in layer.modules() if not list(module.children())]
    while flat:
        conv, shuffle, activation = flat.pop(0), 1, None
        if not isinstance(conv, nn.Conv2d | nn.ConvTranspose2d):
            raise UsageError(
                f"scale path has {type(conv).__name__} where a convolution was expected"
            )
        if flat and isinstance(following := flat[0], nn.PixelShuffle):
            shuffle = following.upscale_factor
            flat.pop(0)
        if flat and not isinstance(flat[0], nn.Conv2d | nn.ConvTranspose2d):
            activation = flat.pop(0)
        yield _Step(conv, shuffle, activation)


def _plan(step: _Step) -> LayerPlan:
    slope, upper = _activation(step.activation)
    if isinstance(step.conv, nn.Conv2d):
        radius, factor, columns = _radius(step.conv), step.shuffle, step.conv.out_channels
        groups: tuple[tuple[int, ...], ...] = (tuple(range((2 * radius + 1) ** 2)),)
    else:
        radius, factor = _deconvolution_radius(step.conv), step.conv.stride[0]
        columns = factor**2 * step.conv.out_channels
        groups = tuple(
            tuple(tap for tap, _, _ in _phase_taps(step.conv, row, column))
            for row in range(factor)
            for column in range(factor)
        )
    return LayerPlan(radius, factor, step.conv.in_channels, columns, groups, slope, upper)


def _activation(module: nn.Module | None) -> tuple[int, int]:
    """(slope, upper) of an activation."""
    if module is None or isinstance(module, nn.Identity):
        return 1 << SLOPE_BITS, LIMIT
    if isinstance(module, nn.ReLU):
        return 0, LIMIT
    if isinstance(module, nn.LeakyReLU):
        return round(module.negative_slope * 2**SLOPE_BITS), LIMIT
    if isinstance(module, QReLU):
        return 0, ((1 << module.bit_depth) - 1) << FRACTION_BITS
    raise UsageError(
        f"scale path has {type(module).__name__}; accepted: ReLU, LeakyReLU, QReLU, PixelShuffle and convolutions"
    )


def _dense(step: _Step) -> tuple[Tensor, Tensor]:
    conv = step.conv
    weight = conv.weight.detach().double()
    bias = weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias.detach().double()
    if isinstance(conv, nn.ConvTranspose2d):
        return _dense_deconvolution(conv, weight), bias.repeat(conv.stride[0] ** 2)
    order = (
        torch.arange(conv.out_channels, device=weight.device)
        .view(-1, step.shuffle**2)
        .t()
        .reshape(-1)
    )  # phase by phase
    return weight[order].permute(2, 3, 1, 0).flatten(0, 1), bias[order]


def _dense_deconvolution(conv: nn.ConvTranspose2d, weight: Tensor) -> Tensor:
    factor, radius = conv.stride[0], _deconvolution_radius(conv)
    dense = weight.new_zeros(
        (2 * radius + 1) ** 2, conv.in_channels, factor, factor, conv.out_channels
    )
    for row in range(factor):
        for column in range(factor):
            for tap, y, x in _phase_taps(conv, row, column):
                dense[tap, :, row, column] = weight[:, :, y, x]
    return dense.flatten(2)


def _phase_taps(conv: nn.ConvTranspose2d, row: int, column: int) -> Iterator[tuple[int, int, int]]:
    """(tap, y, x): kernel element (y, x) is what tap contributes to the outputs at `row`, `column` of each factor x factor block."""
    radius = _deconvolution_radius(conv)
    side = 2 * radius + 1
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            y = row + int(conv.padding[0]) - conv.stride[0] * dy
            x = column + int(conv.padding[1]) - conv.stride[1] * dx
            if 0 <= y < conv.kernel_size[0] and 0 <= x < conv.kernel_size[1]:
                yield (dy + radius) * side + dx + radius, y, x


def _radius(conv: nn.Conv2d) -> int:
    side = conv.kernel_size[0]
    radius = side // 2
    same = (
        side % 2 == 1
        and conv.kernel_size == (side, side)
        and conv.padding == (radius, radius)
        and conv.padding_mode == "zeros"
    )
    if not same or conv.stride != (1, 1) or conv.dilation != (1, 1) or conv.groups != 1:
        raise UsageError(
            f"scale path has {conv}; accepted: odd size, stride 1, zero padding that keeps the size"
        )
    return radius


def _deconvolution_radius(conv: nn.ConvTranspose2d) -> int:
    side, stride, padding, extra = (
        int(pair[0]) for pair in (conv.kernel_size, conv.stride, conv.padding, conv.output_padding)
    )
    square = all(
        pair == (pair[0],) * 2
        for pair in (conv.kernel_size, conv.stride, conv.padding, conv.output_padding)
    )
    if (
        not square
        or extra != stride + 2 * padding - side
        or conv.dilation != (1, 1)
        or conv.groups != 1
    ):
        raise UsageError(
            f"scale path has {conv}; accepted: a square kernel whose output is exactly stride times as large"
        )
    return max((side - 1 - padding) // stride, (stride - 1 + padding) // stride)
