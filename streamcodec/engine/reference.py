"""Integer networks in plain numpy: slow and obvious, for tests."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streamcodec.engine.program import (
    Channels,
    Conv,
    DepthToSpace,
    Layer,
    Network,
    output_size,
    written_channels,
)

Maps = Mapping[str, NDArray[np.int16]]


def run_stage(
    network: Network, stage: str, maps: Maps, *, condition: int = 0
) -> dict[str, NDArray[np.int16]]:
    """The slots after a stage, int16 (height, width, channels), from those before it: `maps` must hold all given slots."""
    after = {name: values.copy() for name, values in maps.items()}
    for layer in network.stage(stage).layers:
        source, slot = after[layer.input.slot], network.slot(layer.output.slot)
        result = _run_layer(layer, source, after, condition)
        if slot.name not in after:
            after[slot.name] = np.zeros((*result.shape[:2], slot.channels), np.int16)
        height, width, _ = after[slot.name].shape
        first = layer.output.first
        after[slot.name][:, :, first : first + written_channels(layer)] = result[:height, :width]
    return after


def _run_layer(
    layer: Layer, source: NDArray[np.int16], maps: Maps, condition: int
) -> NDArray[np.int64]:
    if isinstance(layer, Conv):
        return _convolve(layer, source.astype(np.int64), maps, condition)
    height, width, _ = source.shape
    rows, columns = output_size(layer, height, width)
    first, count = layer.input.first, layer.channels
    if isinstance(layer, DepthToSpace):
        result = np.zeros((rows, columns, count), np.int64)
        for part in range(4):
            start = first + part * count
            result[part // 2 :: 2, part % 2 :: 2] = source[:, :, start : start + count]
        return result
    result = np.zeros((rows, columns, 4 * count), np.int64)
    for part in range(4):
        piece = source[part // 2 :: 2, part % 2 :: 2, first : first + count]
        result[: piece.shape[0], : piece.shape[1], part * count : (part + 1) * count] = piece
    return result


def _convolve(
    conv: Conv, source: NDArray[np.int64], maps: Maps, condition: int
) -> NDArray[np.int64]:
    height, width, _ = source.shape
    rows, columns = output_size(conv, height, width)
    sums = np.zeros((rows, columns, conv.outputs), np.int64) + conv.bias
    if conv.slope is not None:
        sums += conv.slope.astype(np.int64) * condition
    for y in range(rows):
        for x in range(columns):
            for t, (dy, dx) in enumerate(conv.taps):
                row, column = (
                    conv.stride * y + conv.origin[0] + dy,
                    conv.stride * x + conv.origin[1] + dx,
                )
                if 0 <= row < height and 0 <= column < width:
                    pixel = source[row, column, conv.input.first : conv.input.first + conv.inputs]
                    sums[y, x] += conv.weights[:, t].astype(np.int64) @ pixel
    values = (sums >> conv.shift) + _added(conv.add, conv.outputs, maps)
    return values.clip(conv.low, conv.high)


def _added(add: Channels | None, count: int, maps: Maps) -> NDArray[np.int64] | int:
    return (
        0 if add is None else maps[add.slot][:, :, add.first : add.first + count].astype(np.int64)
    )
