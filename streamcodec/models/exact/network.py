"""The scale path in exact integers: the same table indexes or features on every device, thread count and precision.

Entropy coding needs the same probability table on both sides, but floating-point convolutions differ in their last bits
between machines. So the layers that lead from z to the scales run in integers:

    activation   fixed point, FRACTION_BITS bits after the point, |a| <= LIMIT = 2^24
    weight       int16; the weights of an output channel are multiples of 2^-shift, shift >= 0
    sum          of weight * activation over all taps and input channels, plus the bias: below 2^53 in magnitude
    output       round_half_even(sum * 2^-shift), activation function, clamped to +-LIMIT
    index        number of stored thresholds that are <= the last output

All of it is carried in float64, where every step above is exact: the order of summation cannot matter. That the sums stay
below 2^53 is proven from the actual weights when the network is built. Layers run as shifted matrix products, one per tap:
no library may choose an algorithm (FFT, Winograd) that computes something else. The thresholds, which need logarithms, are
made once at export and are data. Not float32, although it is faster: users and libraries may allow it to be rounded (TF32, bfloat16).
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from streamcodec.errors import ModelError
from streamcodec.models.exact.plan import (
    FRACTION_BITS,
    LIMIT,
    SLOPE_BITS,
    LayerPlan,
    dense_weights,
    plan_layers,
)

__all__ = ["IntegerData", "IntegerFeatures", "IntegerNetwork"]

EXACT = 2**53
MAX_SHIFT = 30
NOT_BUILT = "the model has no exact scale path: call update() on it, or load weights that have one"
POSITIONS = 8192
"""Output positions per matrix product: few enough for the sums to stay in a core's cache."""


class IntegerData(nn.Module):
    """A module whose buffers are absent until they are built or weights that have them are loaded."""

    names: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        for name in self.names:
            self.register_buffer(name, None)

    @property
    def built(self) -> bool:
        return all(self._buffers[name] is not None for name in self.names)

    def number(self, name: str, device: torch.device) -> Tensor:
        """The buffer of this name. ModelError if it is absent."""
        buffer = self._buffers[name]
        if buffer is None:
            raise ModelError(NOT_BUILT)
        return buffer.to(device)

    def check(self, *numbers: Tensor) -> None:
        """ModelError unless these are numbers that the buffers `names` can have."""
        raise NotImplementedError

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take buffers that fit; weights without them take away what was there."""
        found = [state_dict.get(prefix + name) for name in self.names]
        present = [numbers for numbers in found if numbers is not None]
        if present:
            _require(
                len(present) == len(found), f"{prefix}* has not all of {', '.join(self.names)}"
            )
            self.check(*present)
        for name, numbers in zip(self.names, found, strict=True):
            self._buffers[name] = None if numbers is None else torch.empty_like(numbers)
        super()._load_from_state_dict(state_dict, prefix, *rest)


class IntegerLayer(IntegerData):
    """weight int16 (taps, inputs, columns), bias int64 (columns,) in units of 2^-(FRACTION_BITS + shift), shift int32 (columns,)."""

    names = ("weight", "bias", "shift")

    def __init__(self, plan: LayerPlan) -> None:
        super().__init__()
        self.plan = plan

    def build(self, weight: Tensor, bias: Tensor) -> None:
        """Take weight (taps, inputs, columns) and bias (columns,), float64; ModelError if not finite or if a sum could be inexact."""
        if not (weight.isfinite().all() and bias.isfinite().all()):
            raise ModelError(
                "the scale path cannot be made exact: its weights hold NaN or infinity"
            )
        shift = (15 - torch.frexp(weight.abs().amax((0, 1))).exponent).clamp(max=MAX_SHIFT)
        scale = (1 << shift.clamp(min=0).long()).double()
        integers = (weight * scale).round().clamp(-32767, 32767)
        offsets = (bias * scale * 2**FRACTION_BITS).round()
        if shift.min() < 0 or not _sums_are_exact(integers, offsets):
            raise ModelError(
                "the scale path cannot be made exact: with these weights and biases its sums could pass 2^53"
            )
        self.weight, self.bias, self.shift = (
            integers.to(torch.int16),
            offsets.to(torch.int64),
            shift.to(torch.int32),
        )

    def check(self, weight: Tensor, bias: Tensor, shift: Tensor) -> None:  # type: ignore[override]  # `names` says how many
        inputs, columns = self.plan.inputs, self.plan.columns
        _require_shape(
            "weight", weight, torch.int16, ((2 * self.plan.radius + 1) ** 2, inputs, columns)
        )
        _require_shape("bias", bias, torch.int64, (columns,))
        _require_shape("shift", shift, torch.int32, (columns,))
        _require(
            bool(((shift >= 0) & (shift <= MAX_SHIFT)).all()), f"a shift is not in 0..{MAX_SHIFT}"
        )
        _require(_sums_are_exact(weight.double(), bias.double()), "its sums could pass 2^53")

    def forward(self, x: Tensor) -> Tensor:
        """Activations (N, H, W, inputs), integers in float64 -> (N, factor H, factor W, outputs), likewise."""
        n, height, width, inputs = x.shape
        radius, factor = self.plan.radius, self.plan.factor
        padded = F.pad(x.contiguous(), (0, 0, radius, radius, radius, radius))
        grid = self._outputs(padded.view(-1, inputs), padded.shape[2]).view(
            *padded.shape[:3], factor, factor, -1
        )
        return (
            grid[:, :height, :width].transpose(2, 3).reshape(n, height * factor, width * factor, -1)
        )

    def _outputs(self, x: Tensor, row: int) -> Tensor:
        """Padded raster (positions, inputs) with `row` positions per row -> (positions, columns), at the position of the first tap."""
        weight, bias, shift = (self.number(name, x.device) for name in self.names)
        weight, bias, scale = weight.double(), bias.double(), 1.0 / (1 << shift.long()).double()
        side = 2 * self.plan.radius + 1
        taps = [dy * row + dx for dy in range(side) for dx in range(side)]
        out = x.new_zeros(x.shape[0], weight.shape[2])
        for start in range(0, x.shape[0] - taps[-1], POSITIONS):
            chunk = out[start : min(start + POSITIONS, x.shape[0] - taps[-1])]
            self._convolve(chunk, x[start:], weight, taps)
            self._finish(chunk, bias, scale)
        return out

    def _convolve(self, out: Tensor, x: Tensor, weight: Tensor, taps: Sequence[int]) -> None:
        width = out.shape[1] // len(self.plan.groups)
        for group, members in enumerate(self.plan.groups):
            columns = slice(group * width, (group + 1) * width)
            for tap in members:
                out[:, columns].addmm_(x[taps[tap] : taps[tap] + len(out)], weight[tap, :, columns])

    def _finish(self, out: Tensor, bias: Tensor, scale: Tensor) -> None:
        out.add_(bias).mul_(scale).round_()
        if self.plan.slope != 1 << SLOPE_BITS:
            negative = (
                out.clamp(min=-LIMIT, max=0).mul_(self.plan.slope).mul_(2.0**-SLOPE_BITS).round_()
            )
            out.clamp_(min=0).add_(negative)
        out.clamp_(-LIMIT, self.plan.upper)


class IntegerFeatures(IntegerData):
    """From the symbols of z to what float layers make of it, in fixed point.

    `layers` are the float layers from z on, whose output is cropped to y's size; only their structure is taken here, and nothing of them
    is kept. outputs: how many channels of the last layer count (the first ones).
    offset int32 (inputs,): fixed-point medians of z.
    """

    names: tuple[str, ...] = ("offset",)

    def __init__(self, layers: Sequence[nn.Module], *, outputs: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(IntegerLayer(plan) for plan in plan_layers(layers, outputs))

    @property
    def built(self) -> bool:
        return super().built and all(layer.built for layer in self._layers())

    @torch.no_grad()
    def build_layers(self, layers: Sequence[nn.Module], medians: Tensor) -> None:
        """Take the numbers of the float layers; medians (inputs,): what z's symbols are relative to."""
        *inner, (weight, bias) = dense_weights(layers)
        plan = self._layers()[-1].plan
        phases, outputs = plan.factor**2, plan.columns // plan.factor**2
        last = tuple(
            numbers.reshape(*numbers.shape[:-1], phases, -1)[..., :outputs].flatten(-2)
            for numbers in (weight, bias)
        )
        for layer, numbers in zip(self._layers(), [*inner, last], strict=True):
            layer.build(*numbers)
        self.offset = (
            (medians.double() * 2**FRACTION_BITS).round().clamp(-LIMIT, LIMIT).to(torch.int32)
        )

    def check(self, offset: Tensor) -> None:  # type: ignore[override]  # `names` says how many
        _require_shape("offset", offset, torch.int32, (self._layers()[0].plan.inputs,))
        _require(bool((offset.long().abs() <= LIMIT).all()), f"an offset is not within +-{LIMIT}")

    @torch.no_grad()
    def forward(self, symbols: Tensor, size: tuple[int, int]) -> Tensor:
        """z's symbols int32 (N, C, h, w) -> int32 (N, outputs, *size), in units of 2^-FRACTION_BITS. ModelError before they are built."""
        return self._run(symbols, size).to(torch.int32)

    def _run(self, symbols: Tensor, size: tuple[int, int]) -> Tensor:
        """The same in float64, which holds it exactly; contiguous."""
        with torch.autocast(symbols.device.type, enabled=False):
            x: Tensor = symbols.permute(0, 2, 3, 1).double() * 2**FRACTION_BITS
            x = (x + self.number("offset", x.device)).clamp_(-LIMIT, LIMIT)
            for layer in self._layers():
                x = layer(x)
            return x[:, : size[0], : size[1]].permute(0, 3, 1, 2).contiguous()

    def _layers(self) -> list[IntegerLayer]:
        return [layer for layer in self.layers if isinstance(layer, IntegerLayer)]


class IntegerNetwork(IntegerFeatures):
    """From the symbols of z to the table index of every element of y: the features are scales, compared with thresholds.

    thresholds int32 (tables - 1,), not falling.
    """

    names = ("offset", "thresholds")
    thresholds: Tensor

    @property
    def tables(self) -> int:
        """How many tables it chooses among. ModelError before build()."""
        if not self.built:
            raise ModelError(NOT_BUILT)
        return self.thresholds.numel() + 1

    def build(self, layers: Sequence[nn.Module], medians: Tensor, boundaries: Tensor) -> None:
        """As build_layers(); boundaries (tables - 1,), rising: the layers' output at which the next table begins."""
        self.build_layers(layers, medians)
        self.thresholds = (
            (boundaries.double() * 2**FRACTION_BITS).ceil().clamp(-LIMIT, LIMIT + 1).to(torch.int32)
        )

    def check(self, offset: Tensor, thresholds: Tensor) -> None:  # type: ignore[override]
        super().check(offset)
        _require_shape("thresholds", thresholds, torch.int32, (thresholds.numel(),))
        _require(bool((thresholds.long().diff() >= 0).all()), "its thresholds fall")

    @torch.no_grad()
    def forward(self, symbols: Tensor, size: tuple[int, int]) -> Tensor:
        """z's symbols int32 (N, C, h, w) -> indexes int32 (N, M, *size), size = (height, width) of y. ModelError before build()."""
        thresholds = self.number("thresholds", symbols.device).double()
        return torch.bucketize(self._run(symbols, size), thresholds, right=True, out_int32=True)


def _sums_are_exact(weight: Tensor, bias: Tensor) -> bool:
    """Whether no sum of integers (taps, inputs, columns) and (columns,), in float64, can reach 2^53."""
    return bool((weight.abs().sum((0, 1)) * LIMIT + bias.abs()).max() < EXACT)


def _require_shape(name: str, numbers: Tensor, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    found = f"{name} is {numbers.dtype} {tuple(numbers.shape)}"
    _require(
        numbers.dtype == dtype and tuple(numbers.shape) == shape,
        f"{found}; must be {dtype} {shape}",
    )


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ModelError(f"the exact scale path is damaged: {otherwise}")
