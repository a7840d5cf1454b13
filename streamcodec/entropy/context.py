"""Context models as integers: what the native coder computes the probabilities of a latent's elements with.

native/src/context/context.hpp says what is computed. As with tables, the numbers are made once, when a model is exported.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError

__all__ = ["CHUNK_INPUTS", "MAX_CHUNK_WEIGHT", "ContextData", "ContextLayer", "Schedule"]

Schedule = Literal["raster", "checkerboard"]

CHUNK_INPUTS = 256
"""The products of this many inputs of a layer are summed in 32 bits."""

MAX_CHUNK_WEIGHT = 65538
"""Largest sum of the magnitudes of an output's weights among them: times 32767 it stays below 2^31."""


@dataclass(frozen=True)
class ContextLayer:
    """weight int16 (inputs, outputs), in units of 2^-shift; shift int32 (blocks of inputs, outputs); bias int32 (outputs,), Q12.

    Negative outputs are multiplied by slope * 2^-16.
    """

    weight: NDArray[np.int16]
    shift: NDArray[np.int32]
    bias: NDArray[np.int32]
    slope: int

    def __post_init__(self) -> None:
        shapes = (self.weight.shape, self.shift.shape, self.bias.shape)
        dtypes = tuple(str(array.dtype) for array in (self.weight, self.shift, self.bias))
        same = [len(shape) for shape in shapes] == [2, 2, 1] and len(
            {shape[-1] for shape in shapes}
        ) == 1
        if not same or dtypes != ("int16", "int32", "int32"):
            found = ", ".join(
                f"{dtype} {shape}" for dtype, shape in zip(dtypes, shapes, strict=True)
            )
            raise UsageError(
                f"a layer has {found}; accepted: weight int16 (inputs, outputs), shift int32 (blocks, outputs), bias int32 (outputs,)"
            )


@dataclass(frozen=True)
class ContextData:
    """A context model of M channels with F features.

    taps int32 (T, 2): row and column offsets of the positions that are the context. layers: the masked convolution, inputs (T, M) in
    this order; then the 1x1 layers, the first one with two blocks of inputs, the features and the convolution's outputs; 2 M outputs,
    scales first. thresholds int32 (K,): index = how many of them are <= the scale, Q12. What the numbers may be is checked by the
    native ContextModel.
    """

    schedule: Schedule
    taps: NDArray[np.int32]
    layers: tuple[ContextLayer, ...]
    thresholds: NDArray[np.int32]

    def __post_init__(self) -> None:
        if (
            self.taps.dtype != np.int32
            or self.taps.ndim != 2
            or self.thresholds.dtype != np.int32
            or self.thresholds.ndim != 1
        ):
            found = f"{self.taps.dtype} {self.taps.shape}, {self.thresholds.dtype} {self.thresholds.shape}"
            raise UsageError(f"taps and thresholds are {found}; accepted: int32 (T, 2), int32 (K,)")
        if len(self.layers) < 2:
            raise UsageError(
                f"a context model has {len(self.layers)} layers; accepted: a convolution and 1x1 layers"
            )

    @property
    def channels(self) -> int:
        """M."""
        return len(self.layers[-1].bias) // 2

    @property
    def features(self) -> int:
        """F."""
        return len(self.layers[1].weight) - len(self.layers[0].bias)

    @property
    def tables(self) -> int:
        """How many tables it chooses among."""
        return len(self.thresholds) + 1

    def arguments(self) -> tuple[Any, ...]:
        """What the native ContextModel is constructed from."""
        slopes = np.array([layer.slope for layer in self.layers], np.int32)
        weights, shifts, biases = (
            [np.ascontiguousarray(getattr(layer, name)) for layer in self.layers]
            for name in ("weight", "shift", "bias")
        )
        return (
            self.schedule,
            np.ascontiguousarray(self.taps),
            weights,
            shifts,
            biases,
            slopes,
            np.ascontiguousarray(self.thresholds),
        )

    def multiplications(self, height: int, width: int) -> int:
        """Of one pass over a latent of height x width positions."""
        convolution, first, *others = (layer.weight.size for layer in self.layers)
        from_context = convolution + self.layers[0].bias.size * self.layers[1].bias.size
        without_context = (height * width + 1) // 2 if self.schedule == "checkerboard" else 0
        return height * width * (convolution + first + sum(others)) - without_context * from_context
