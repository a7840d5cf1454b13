"""Integer networks as values: what native/src/engine/network.hpp specifies and runs.

A `Network` has slots (feature maps of int16, height x width x channels) and stages (lists of layers), which share
the slots. The native engine checks a program when it takes it (engine/native.py): here only types and shapes are.

    Conv          out(y, x, o) = clamp((sum >> shift[o]) + add(y, x, o), low, high)
                  sum = bias[o] + slope[o] * condition
                        + sum over t, c of weights[o, t, c] * in(stride * y + origin[0] + taps[t][0],
                                                                 stride * x + origin[1] + taps[t][1], c)
                  in() is 0 outside of the input. Rows of the output: ceil((height - origin[0]) / stride).
    DepthToSpace  out(2y + i, 2x + j, c) = in(y, x, (2i + j) * channels + c), cropped if the output's size is given
    SpaceToDepth  out(y, x, (2i + j) * channels + c) = in(2y + i, 2x + j, c), 0 outside of the input
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError

MAX_CHANNELS = 4096
MAX_REACH = 16
MAX_SHIFT = 24
MAX_CONDITION = 256
MAX_ABS = 32767

WINOGRAD_MAX_ABS = 8191
"""3x3 layers whose input stays within this, and whose sums below 2^29, run 2.25 times fewer products."""


@dataclass(frozen=True)
class Slot:
    """A feature map. No value is beyond +-max_abs (1..32767); whoever writes an input sees to it."""

    name: str
    channels: int
    max_abs: int
    is_given: bool = False
    """The caller says the size: an input, or what a DepthToSpace crops to. Channels that no layer writes are inputs."""


@dataclass(frozen=True)
class Channels:
    """Channels first, first + 1, ... of a slot; how many says the layer."""

    slot: str
    first: int = 0


@dataclass(frozen=True, eq=False)
class Conv:
    """weights int16 (outputs, taps, inputs); bias, shift (0..24) and slope int32 (outputs,)."""

    input: Channels
    output: Channels
    taps: tuple[tuple[int, int], ...]
    weights: NDArray[np.int16]
    bias: NDArray[np.int32]
    shift: NDArray[np.int32]
    low: int
    high: int
    stride: int = 1
    origin: tuple[int, int] = (0, 0)
    slope: NDArray[np.int32] | None = None
    add: Channels | None = None

    def __post_init__(self) -> None:
        outputs = len(self.weights)
        if (
            self.weights.dtype != np.int16
            or self.weights.ndim != 3
            or self.weights.shape[1] != len(self.taps)
        ):
            raise UsageError(
                f"weights are {self.weights.dtype} {self.weights.shape}; accepted: int16 (outputs, {len(self.taps)}, inputs)"
            )
        for name, array in (("bias", self.bias), ("shift", self.shift), ("slope", self.slope)):
            if array is not None and (array.dtype != np.int32 or array.shape != (outputs,)):
                raise UsageError(
                    f"{name} is {array.dtype} {array.shape}; accepted: int32 ({outputs},)"
                )

    @property
    def inputs(self) -> int:
        return int(self.weights.shape[2])

    @property
    def outputs(self) -> int:
        return len(self.weights)


@dataclass(frozen=True)
class DepthToSpace:
    """4 * channels of the input become `channels` at twice the height and width."""

    input: Channels
    output: Channels
    channels: int


@dataclass(frozen=True)
class SpaceToDepth:
    """`channels` of the input become 4 * channels at half the height and width, rounded up."""

    input: Channels
    output: Channels
    channels: int


Layer = Conv | DepthToSpace | SpaceToDepth


@dataclass(frozen=True)
class Stage:
    """Layers that run one after another."""

    name: str
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Network:
    """Slots and the stages that read and write them. A stage sees what earlier ones, and the caller, left in the slots."""

    slots: tuple[Slot, ...]
    stages: tuple[Stage, ...]

    def slot(self, name: str) -> Slot:
        return self.slots[self.place(name)]

    def place(self, name: str) -> int:
        """Where in `slots` the one of this name is. Raises UsageError if there is none."""
        for i, slot in enumerate(self.slots):
            if slot.name == name:
                return i
        raise _unknown("slot", name, (slot.name for slot in self.slots))

    def stage(self, name: str) -> Stage:
        """Raises UsageError if there is none of this name."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise _unknown("stage", name, (stage.name for stage in self.stages))


def _unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    return UsageError(f"no {what} is called {name!r}; accepted: {', '.join(known)}")


def square_taps(side: int, offset: int | None = None) -> tuple[tuple[int, int], ...]:
    """The taps of a side x side kernel, row by row: from -offset on, by default around the middle."""
    first = -(side // 2) if offset is None else -offset
    return tuple((first + i, first + j) for i in range(side) for j in range(side))


def output_size(layer: Layer, height: int, width: int) -> tuple[int, int]:
    """What a layer makes of an input of this size, uncropped."""
    if isinstance(layer, DepthToSpace):
        return 2 * height, 2 * width
    if isinstance(layer, SpaceToDepth):
        return -(-height // 2), -(-width // 2)
    rows, columns = (
        -(-(side - first) // layer.stride)
        for side, first in zip((height, width), layer.origin, strict=True)
    )
    return max(0, rows), max(0, columns)


def written_channels(layer: Layer) -> int:
    if isinstance(layer, Conv):
        return layer.outputs
    return layer.channels if isinstance(layer, DepthToSpace) else 4 * layer.channels


def convolutions(network: Network) -> Iterator[tuple[str, Conv]]:
    """("stage.place", layer) of each Conv."""
    for stage in network.stages:
        for i, layer in enumerate(stage.layers):
            if isinstance(layer, Conv):
                yield f"{stage.name}.{i}", layer
