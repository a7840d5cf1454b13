"""Small networks for tests, of random numbers within what is accepted, and ways to run them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamcodec._native import Workspace
from streamcodec.engine import (
    Channels,
    Conv,
    DepthToSpace,
    Layer,
    Network,
    Slot,
    SpaceToDepth,
    Stage,
    square_taps,
)
from streamcodec.engine.native import native

Map = NDArray[np.int16]
Taps = tuple[tuple[int, int], ...]

SQUARE: Taps = square_taps(3)
CROSS: Taps = ((-1, 0), (0, -1), (0, 1), (1, 0))
DIAGONALS: Taps = ((-1, -1), (-1, 1), (1, -1), (1, 1))
RING: Taps = (*CROSS, *DIAGONALS)


@dataclass(frozen=True)
class Shape:
    """What a convolution looks like."""

    inputs: int
    outputs: int
    taps: Taps = SQUARE
    stride: int = 1
    origin: tuple[int, int] = (0, 0)


def random_conv(
    rng: np.random.Generator,
    shape: Shape,
    ends: tuple[Channels, Channels],
    *,
    input_max_abs: int,
    low: int = -2000,
    high: int = 2000,
    add: Channels | None = None,
    has_slope: bool = False,
) -> Conv:
    """Weights so large that many outputs are limited, as far as Winograd's transform allows."""
    weights = rng.integers(-300, 301, (shape.outputs, len(shape.taps), shape.inputs), np.int16)
    largest = np.abs(weights.astype(np.int64)).sum((1, 2)) * input_max_abs
    shift = np.maximum(0, np.ceil(np.log2(np.maximum(largest, 1) / 20000))).astype(np.int32)
    bias = rng.integers(-1000, 1001, shape.outputs, np.int32) + np.left_shift(1, shift) // 2
    slope = rng.integers(-50, 51, shape.outputs, np.int32) if has_slope else None
    numbers = (weights, bias.astype(np.int32), np.minimum(shift, 24))
    return Conv(*ends, shape.taps, *numbers, low, high, shape.stride, shape.origin, slope, add)


def single(conv: Conv, input_max_abs: int, channels: int | None = None) -> Network:
    """A network of one layer, from the slot "in" to the slot "out"."""
    limit = max(abs(conv.low), abs(conv.high), 1)
    slots = (
        Slot("in", channels or conv.inputs, input_max_abs, True),
        Slot("out", conv.outputs, limit),
    )
    return Network(slots, (Stage("all", (conv,)),))


def synthesis(rng: np.random.Generator, width: int = 24) -> Network:
    """Like a decoder's last network: two grids put together, residual blocks, a sum with the input."""
    slots = (
        Slot(
            "fine", 8 + width, 3000, True
        ),  # 8 channels are an input, the others come from "coarse"
        Slot("coarse", 20, 3000, True),
        Slot("mixed", 4 * width, 3000),
        *(Slot(name, width, 3000) for name in ("a", "b", "c", "d", "e")),
        Slot("out", 8, 3000),
        Slot("packed", 32, 3000),
    )

    def conv(
        source: str, inputs: int, output: str, outputs: int, taps: Taps, **options: object
    ) -> Conv:
        ends = (Channels(source), Channels(output))
        return random_conv(rng, Shape(inputs, outputs, taps), ends, input_max_abs=3000, **options)  # type: ignore[arg-type]

    point, square = square_taps(1), square_taps(3)
    layers: tuple[Layer, ...] = (
        conv("coarse", 20, "mixed", 4 * width, point, has_slope=True),
        DepthToSpace(Channels("mixed"), Channels("fine", 8), width),
        conv("fine", 8 + width, "a", width, square, low=0),
        conv("a", width, "b", width, square, low=0, has_slope=True),
        conv("b", width, "c", width, square, add=Channels("a")),
        conv("c", width, "d", width, CROSS, low=0),
        conv("d", width, "e", width, square, add=Channels("c")),
        conv("e", width, "out", 8, square, add=Channels("fine"), low=-3000, high=3000),
        SpaceToDepth(Channels("out"), Channels("packed"), 8),
    )
    return Network(slots, (Stage("all", layers),))


def random_map(rng: np.random.Generator, size: tuple[int, int], slot: Slot) -> Map:
    return rng.integers(-slot.max_abs, slot.max_abs + 1, (*size, slot.channels), np.int16)


def extreme_map(rng: np.random.Generator, size: tuple[int, int], slot: Slot) -> Map:
    """Nothing but the largest values of either sign."""
    return (rng.integers(0, 2, (*size, slot.channels), np.int16) * 2 - 1) * np.int16(slot.max_abs)


def run_native(
    network: Network,
    maps: dict[str, Map],
    *,
    stage: str = "all",
    condition: int = 0,
    threads: int = 1,
    kernels: str | None = None,
) -> dict[str, Map]:
    """All slots after a stage, from given slots before it."""
    workspace = Workspace(
        native(network), {name: values.shape[:2] for name, values in maps.items()}
    )  # type: ignore[misc]
    for name, values in maps.items():
        workspace.put(name, values)
    workspace.run(stage, condition=condition, threads=threads, kernels=kernels)
    return {slot.name: workspace.get(slot.name) for slot in network.slots}
