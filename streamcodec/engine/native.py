"""Integer networks in C++."""

from typing import Any

import numpy as np

from streamcodec._native import Network as NativeNetwork
from streamcodec.engine.program import Channels, Conv, DepthToSpace, Layer, Network


def native(network: Network) -> NativeNetwork:
    """The network for the native engine, which checks it. Raises UsageError for a program that is not sound."""
    slots = [(slot.name, slot.channels, slot.max_abs, slot.is_given) for slot in network.slots]
    return NativeNetwork(
        slots,
        [
            (stage.name, [_arguments(network, layer) for layer in stage.layers])
            for stage in network.stages
        ],
    )


def _arguments(network: Network, layer: Layer) -> dict[str, Any]:
    def place(channels: Channels) -> tuple[int, int]:
        return network.place(channels.slot), channels.first

    ends = {"input": place(layer.input), "output": place(layer.output)}
    if not isinstance(layer, Conv):
        kind = "depth_to_space" if isinstance(layer, DepthToSpace) else "space_to_depth"
        return {"kind": kind, **ends, "channels": layer.channels}
    return {
        "kind": "conv",
        **ends,
        "taps": np.array(layer.taps, np.int32).reshape(-1, 2),
        "stride": layer.stride,
        "origin": layer.origin,
        "weights": np.ascontiguousarray(layer.weights),
        "bias": np.ascontiguousarray(layer.bias),
        "slope": None if layer.slope is None else np.ascontiguousarray(layer.slope),
        "shift": np.ascontiguousarray(layer.shift),
        "low": layer.low,
        "high": layer.high,
        "add": None if layer.add is None else place(layer.add),
    }
