"""A network as integer arrays and JSON, as a weights file keeps it.

Arrays, of each Conv: "STAGE.PLACE.weights" int16 (outputs, taps, inputs), ".bias", ".shift" and, if it has one, ".slope"
int32 (outputs,). PLACE counts the stage's layers from 0. All else is in the configuration:

    {"slots": [{"name", "channels", "max_abs", "is_given"}, ...],
     "stages": [{"name", "layers": [{"kind": "conv", "input": [slot, first], "output": [slot, first], "taps": [[dy, dx], ...],
                                     "stride", "origin": [y, x], "low", "high", "add": [slot, first] or null},
                                    {"kind": "depth_to_space" or "space_to_depth", "input", "output", "channels"}, ...]}, ...]}
"""

from collections.abc import Mapping
from operator import index
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from streamcodec.engine.program import (
    Channels,
    Conv,
    DepthToSpace,
    Layer,
    Network,
    Slot,
    SpaceToDepth,
    Stage,
    convolutions,
)
from streamcodec.errors import ModelError, UsageError

IntegerArray = NDArray[np.int16] | NDArray[np.int32]

_KINDS: dict[str, type[DepthToSpace] | type[SpaceToDepth]] = {
    "depth_to_space": DepthToSpace,
    "space_to_depth": SpaceToDepth,
}
_MAX_NUMBER = (1 << 31) - 1
_T = TypeVar("_T", bound=np.generic)


def to_arrays(network: Network) -> dict[str, IntegerArray]:
    arrays: dict[str, IntegerArray] = {}
    for place, conv in convolutions(network):
        arrays |= {
            f"{place}.weights": conv.weights,
            f"{place}.bias": conv.bias,
            f"{place}.shift": conv.shift,
        }
        if conv.slope is not None:
            arrays[f"{place}.slope"] = conv.slope
    return arrays


def to_config(network: Network) -> dict[str, Any]:
    """What to_arrays() leaves out, for json.dumps."""
    return {
        "slots": [vars(slot) for slot in network.slots],
        "stages": [
            {"name": stage.name, "layers": [_layer_config(layer) for layer in stage.layers]}
            for stage in network.stages
        ],
    }


def from_arrays(config: Mapping[str, Any], arrays: Mapping[str, IntegerArray]) -> Network:
    """The network of to_config() and to_arrays(); other arrays are ignored. Raises ModelError."""
    try:
        slots = tuple(
            Slot(
                str(slot["name"]),
                _whole(slot["channels"]),
                _whole(slot["max_abs"]),
                bool(slot["is_given"]),
            )
            for slot in config["slots"]
        )
        stages = tuple(
            Stage(
                str(stage["name"]),
                tuple(
                    _layer(each, f"{stage['name']}.{i}", arrays)
                    for i, each in enumerate(stage["layers"])
                ),
            )
            for stage in config["stages"]
        )
    except (KeyError, TypeError, ValueError, UsageError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"the description of a network is damaged: {what}") from error
    return Network(slots, stages)


def _layer_config(layer: Layer) -> dict[str, Any]:
    ends = {"input": _ends(layer.input), "output": _ends(layer.output)}
    if not isinstance(layer, Conv):
        kind = "depth_to_space" if isinstance(layer, DepthToSpace) else "space_to_depth"
        return {"kind": kind, **ends, "channels": layer.channels}
    taps = [list(tap) for tap in layer.taps]
    numbers = {
        "stride": layer.stride,
        "origin": list(layer.origin),
        "low": layer.low,
        "high": layer.high,
    }
    return {
        "kind": "conv",
        **ends,
        "taps": taps,
        **numbers,
        "add": None if layer.add is None else _ends(layer.add),
    }


def _ends(channels: Channels) -> list[str | int]:
    return [channels.slot, channels.first]


def _channels(ends: Any) -> Channels:
    slot, first = ends
    return Channels(str(slot), _whole(first))


def _layer(config: Mapping[str, Any], place: str, arrays: Mapping[str, IntegerArray]) -> Layer:
    source, output = _channels(config["input"]), _channels(config["output"])
    if config["kind"] != "conv":
        return _KINDS[config["kind"]](source, output, _whole(config["channels"]))
    origin_y, origin_x = config["origin"]
    return Conv(
        source,
        output,
        tuple((_whole(dy), _whole(dx)) for dy, dx in config["taps"]),
        _array(arrays, f"{place}.weights", np.int16),
        _array(arrays, f"{place}.bias", np.int32),
        _array(arrays, f"{place}.shift", np.int32),
        _whole(config["low"]),
        _whole(config["high"]),
        _whole(config["stride"]),
        (_whole(origin_y), _whole(origin_x)),
        _array(arrays, f"{place}.slope", np.int32) if f"{place}.slope" in arrays else None,
        None if config["add"] is None else _channels(config["add"]),
    )


def _whole(value: Any) -> int:
    """The engine takes numbers of 32 bits."""
    number = index(value)
    if abs(number) > _MAX_NUMBER:
        raise ValueError(f"a number is beyond +-{_MAX_NUMBER}")
    return number


def _array(arrays: Mapping[str, IntegerArray], name: str, dtype: type[_T]) -> NDArray[_T]:
    array = arrays[name]
    if array.dtype != dtype:
        raise ValueError(f"{name} is {array.dtype}; accepted: {np.dtype(dtype)}")
    return np.ascontiguousarray(array, dtype)
