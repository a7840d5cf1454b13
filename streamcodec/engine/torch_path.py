"""Integer networks in PyTorch, on any device: the same integers, by convolutions in float64, which hold them exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from streamcodec.engine.program import Conv, DepthToSpace, Layer, Network, SpaceToDepth, output_size

if TYPE_CHECKING:
    import torch


class TorchNetwork:
    """A network on a device. Slots are int16 (N, channels, height, width)."""

    def __init__(self, network: Network, device: torch.device | str = "cpu") -> None:
        self._network = network
        self._convs = {
            (stage.name, i): _TorchConv(layer, device)
            for stage in network.stages
            for i, layer in enumerate(stage.layers)
            if isinstance(layer, Conv)
        }

    def run(
        self, stage: str, maps: Mapping[str, torch.Tensor], *, condition: int = 0
    ) -> dict[str, torch.Tensor]:
        """The slots after a stage from those before it: `maps` must hold all given slots."""
        after = {name: values.clone() for name, values in maps.items()}
        for i, layer in enumerate(self._network.stage(stage).layers):
            slot = self._network.slot(layer.output.slot)
            source = after[layer.input.slot]
            result = (
                self._convs[stage, i].run(after, condition)
                if isinstance(layer, Conv)
                else _shuffle(layer, source)
            )
            if slot.name not in after:
                after[slot.name] = source.new_zeros(len(source), slot.channels, *result.shape[2:])
            height, width = after[slot.name].shape[2:]
            first = layer.output.first
            after[slot.name][:, first : first + result.shape[1]] = result[:, :, :height, :width]
        return after


class _TorchConv:
    def __init__(self, conv: Conv, device: torch.device | str) -> None:
        import torch

        self._conv = conv
        self._rows, self._columns = ([tap[axis] for tap in conv.taps] for axis in (0, 1))
        top, left = min(self._rows), min(self._columns)
        sides = (max(self._rows) - top + 1, max(self._columns) - left + 1)
        dense = np.zeros((conv.outputs, conv.inputs, *sides))
        for t, (dy, dx) in enumerate(conv.taps):
            dense[:, :, dy - top, dx - left] += conv.weights[:, t]
        self._weights = torch.from_numpy(dense).to(device)
        slope = np.zeros_like(conv.bias) if conv.slope is None else conv.slope
        self._bias, self._slope, self._shift = (
            torch.from_numpy(array.astype(np.int64)).to(device)[:, None, None]
            for array in (conv.bias, slope, conv.shift)
        )

    def run(self, maps: Mapping[str, torch.Tensor], condition: int) -> torch.Tensor:
        import torch
        import torch.nn.functional as F

        conv = self._conv
        source = maps[conv.input.slot][:, conv.input.first : conv.input.first + conv.inputs]
        height, width = source.shape[2:]
        rows, columns = output_size(conv, height, width)
        if rows == 0 or columns == 0:
            return source.new_zeros(len(source), conv.outputs, rows, columns)
        margins = []
        for side, taps, count, origin in (
            (width, self._columns, columns, conv.origin[1]),
            (height, self._rows, rows, conv.origin[0]),
        ):
            before = origin + min(taps)
            margins += [-before, conv.stride * (count - 1) + origin + max(taps) + 1 - side]
        sums = F.conv2d(F.pad(source.double(), margins), self._weights, stride=conv.stride)
        values = (
            sums.round().to(torch.int64) + self._bias + self._slope * condition
        ) >> self._shift
        if conv.add is not None:
            values = values + maps[conv.add.slot][:, conv.add.first : conv.add.first + conv.outputs]
        return values.clamp(conv.low, conv.high).to(source.dtype)


def _shuffle(layer: Layer, source: torch.Tensor) -> torch.Tensor:
    import torch
    import torch.nn.functional as F

    if isinstance(layer, DepthToSpace):
        values = source[:, layer.input.first : layer.input.first + 4 * layer.channels]
        images, _, height, width = values.shape
        parts = values.reshape(images, 2, 2, layer.channels, height, width)
        return parts.permute(0, 3, 4, 1, 5, 2).reshape(
            images, layer.channels, 2 * height, 2 * width
        )
    assert isinstance(layer, SpaceToDepth)
    values = source[:, layer.input.first : layer.input.first + layer.channels]
    height, width = values.shape[2:]
    even = F.pad(values, (0, width % 2, 0, height % 2))
    return torch.cat([even[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)
