"""The context model of a latent in exact integers: made once from the float layers, run by the native coder.

native/src/context/context.hpp says what is computed.

The weights of an output become int16 in units of 2^-shift, with the largest shift for which no sum of products can overflow, one for
each block of inputs: the taps' channels, the features, the convolution's outputs, a layer's outputs.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from streamcodec.entropy.context import (
    CHUNK_INPUTS,
    MAX_CHUNK_WEIGHT,
    ContextData,
    ContextLayer,
    Schedule,
)
from streamcodec.errors import ModelError, UsageError
from streamcodec.models.exact.network import IntegerData
from streamcodec.models.exact.plan import (
    FRACTION_BITS,
    LIMIT,
    SLOPE_BITS,
    dense_weights,
    plan_layers,
)

__all__ = ["IntegerContext"]

MAX_SHIFT = 30
MAX_WEIGHT = 32767


class IntegerContextLayer(IntegerData):
    """weight int16 (inputs, outputs), shift int32 (blocks, outputs), bias int32 (outputs,): a ContextLayer as buffers."""

    names = ("weight", "shift", "bias")
    weight: Tensor
    shift: Tensor
    bias: Tensor

    def __init__(self, blocks: Sequence[int], outputs: int, slope: int) -> None:
        super().__init__()
        self.blocks, self.outputs, self.slope = list(blocks), outputs, slope

    def build(self, weight: Tensor, bias: Tensor) -> None:
        """Take weight (inputs, outputs) and bias (outputs,), float64; ModelError if they are not finite or too large."""
        if not (weight.isfinite().all() and bias.isfinite().all()):
            raise ModelError(
                "the context model cannot be made exact: its weights hold NaN or infinity"
            )
        blocks = [_quantise(block) for block in torch.split(weight, self.blocks)]
        self.weight = torch.cat([integers for integers, _ in blocks]).to(torch.int16)
        self.shift = torch.stack([shift for _, shift in blocks]).to(torch.int32)
        self.bias = (bias * 2**FRACTION_BITS).round().clamp(-LIMIT, LIMIT).to(torch.int32)

    def check(self, weight: Tensor, shift: Tensor, bias: Tensor) -> None:  # type: ignore[override]  # `names` says how many
        """Shapes and dtypes; the native coder checks the numbers."""
        expected = {
            "weight": (weight, torch.int16, (sum(self.blocks), self.outputs)),
            "shift": (shift, torch.int32, (len(self.blocks), self.outputs)),
            "bias": (bias, torch.int32, (self.outputs,)),
        }
        for name, (numbers, dtype, shape) in expected.items():
            if numbers.dtype != dtype or tuple(numbers.shape) != shape:
                found = f"{name} is {numbers.dtype} {tuple(numbers.shape)}"
                raise ModelError(
                    f"the exact context model is damaged: {found}; must be {dtype} {shape}"
                )

    def data(self) -> ContextLayer:
        weight, shift, bias = (
            self.number(name, torch.device("cpu")).numpy() for name in self.names
        )
        return ContextLayer(weight, shift, bias, self.slope)


class IntegerContext(IntegerData):
    """A masked convolution and the 1x1 convolutions after it, in integers.

    context: the convolution, of odd size, with a buffer `mask` of its weight's shape that is 0 where it does not look, alike for all
    channels. parameters: 1x1 convolutions with LeakyReLU or ReLU between them, from the features and the convolution's outputs, in
    this order if `features_first`, to scales and then means. Only structure is taken here, and nothing of the modules is kept.
    thresholds int32 (tables - 1,), not falling.
    """

    names = ("thresholds",)
    thresholds: Tensor

    def __init__(
        self,
        context: nn.Conv2d,
        parameters: Sequence[nn.Module],
        *,
        schedule: Schedule,
        features_first: bool,
    ) -> None:
        super().__init__()
        plans = plan_layers(parameters, outputs=_last_outputs(parameters))
        if any(plan.radius or plan.factor != 1 or plan.upper != LIMIT for plan in plans):
            raise UsageError(
                "a context model has layers that are not 1x1; accepted: 1x1 convolutions, LeakyReLU and ReLU"
            )
        self.schedule, self.features_first, self.taps = schedule, features_first, _taps(context)
        features = plans[0].inputs - context.out_channels
        if features < 1 or plans[-1].columns != 2 * context.in_channels:
            found = f"{plans[0].inputs} inputs and {plans[-1].columns} outputs"
            needed = (
                f"more than {context.out_channels} inputs, and {2 * context.in_channels} outputs"
            )
            raise UsageError(f"the layers after the convolution have {found}; accepted: {needed}")
        layers = [
            IntegerContextLayer(
                [len(self.taps) * context.in_channels], context.out_channels, 1 << SLOPE_BITS
            )
        ]
        blocks = [features, context.out_channels]
        for plan in plans:
            layers.append(IntegerContextLayer(blocks, plan.columns, plan.slope))
            blocks = [plan.columns]
        self.layers = nn.ModuleList(layers)

    @property
    def built(self) -> bool:
        return super().built and all(layer.built for layer in self._layers())

    @property
    def tables(self) -> int:
        """How many tables it chooses among. ModelError before build()."""
        return self.number("thresholds", torch.device("cpu")).numel() + 1

    @torch.no_grad()
    def build(
        self, context: nn.Conv2d, parameters: Sequence[nn.Module], boundaries: Tensor
    ) -> None:
        """Take the numbers of the float layers; boundaries (tables - 1,), rising: scales at which the next table begins."""
        bias = torch.zeros(context.out_channels) if context.bias is None else context.bias
        masked = (
            (context.weight * _mask(context)).double().permute(2, 3, 1, 0)
        )  # (rows, columns, inputs, outputs)
        radius = context.kernel_size[0] // 2
        weight = torch.stack(
            [masked[row + radius, column + radius] for row, column in self.taps.tolist()]
        )
        convolution, *others = self._layers()
        convolution.build(weight.flatten(0, 1), bias.double())
        for index, (layer, (weight, bias)) in enumerate(
            zip(others, dense_weights(parameters), strict=True)
        ):
            in_order = (
                weight[0]
                if index or self.features_first
                else weight[0].roll(-context.out_channels, 0)
            )
            layer.build(in_order, bias)
        self.thresholds = (
            (boundaries.double() * 2**FRACTION_BITS).ceil().clamp(-LIMIT, LIMIT + 1).to(torch.int32)
        )

    def check(self, thresholds: Tensor) -> None:  # type: ignore[override]
        if (
            thresholds.dtype != torch.int32
            or thresholds.ndim != 1
            or (thresholds.long().diff() < 0).any()
        ):
            raise ModelError(
                "the exact context model is damaged: its thresholds are not int32 (n,) that do not fall"
            )

    def data(self) -> ContextData:
        """What the native coder is made of. ModelError before build()."""
        thresholds = self.number("thresholds", torch.device("cpu")).numpy()
        return ContextData(
            self.schedule, self.taps, tuple(layer.data() for layer in self._layers()), thresholds
        )

    def _layers(self) -> list[IntegerContextLayer]:
        return [layer for layer in self.layers if isinstance(layer, IntegerContextLayer)]


def _quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """weight (inputs, outputs), float64 -> integers of that shape and shift (outputs,)."""
    largest = weight.abs().amax(0)
    heaviest = torch.stack(
        [chunk.abs().sum(0) for chunk in torch.split(weight, CHUNK_INPUTS)]
    ).amax(0)
    room = torch.minimum(MAX_WEIGHT / largest, MAX_CHUNK_WEIGHT / heaviest)
    shift = room.log2().floor().clamp(max=MAX_SHIFT)  # infinite room where all weights are 0
    while (shift >= 0).all():
        integers = (weight * 2.0**shift).round()
        sums = torch.stack(
            [chunk.abs().sum(0) for chunk in torch.split(integers, CHUNK_INPUTS)]
        ).amax(0)
        too_large = (sums > MAX_CHUNK_WEIGHT) | (integers.abs().amax(0) > MAX_WEIGHT)  # by rounding
        if not too_large.any():
            return integers, shift
        shift = shift - too_large.double()
    raise ModelError(
        "the context model cannot be made exact: with these weights its sums could overflow"
    )


def _mask(context: nn.Conv2d) -> Tensor:
    mask = context.get_buffer("mask")
    if mask.shape != context.weight.shape or not torch.equal(mask, mask[:1, :1].expand_as(mask)):
        raise UsageError(
            f"the mask of the context model is {tuple(mask.shape)}; accepted: the weight's shape, alike for all channels"
        )
    return mask


def _taps(context: nn.Conv2d) -> NDArray[np.int32]:
    """int32 (T, 2): row and column offsets of the elements of the mask that are not 0."""
    plan_layers(
        [context], outputs=context.out_channels
    )  # UsageError for what is not a plain convolution
    offsets = _mask(context)[0, 0].nonzero() - context.kernel_size[0] // 2
    return offsets.to(torch.int32).cpu().numpy()


def _last_outputs(parameters: Sequence[nn.Module]) -> int:
    convolutions = [
        module
        for layer in parameters
        for module in layer.modules()
        if isinstance(module, nn.Conv2d)
    ]
    if not convolutions:
        raise UsageError(
            "a context model has no layers after the masked convolution; accepted: 1x1 convolutions"
        )
    return convolutions[-1].out_channels
