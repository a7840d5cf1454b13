"""From a float network to its integers: weights, biases and shifts of each layer.

A slot's integers stand for real values in units of 2^-fraction_bits (of each channel, for inputs). Hidden activations are kept
within +-8191, so that 3x3 layers may run by Winograd's algorithm; the fraction bits of a hidden slot follow from the largest value
that was seen in it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamcodec.engine import Channels, Slot
from streamcodec.engine import Conv as IntegerConv
from streamcodec.engine import DepthToSpace as IntegerDepthToSpace
from streamcodec.errors import ModelError
from streamcodec.models.dct.layers import Conv, DepthToSpace, FloatNetwork, tap_offsets, tap_stride

__all__ = ["CONDITION", "HIDDEN_LIMIT", "Form", "StageExport", "fraction_bits", "quantize_stage"]

HIDDEN_LIMIT = 8191
MAX_FRACTION_BITS = 12
_WINOGRAD_WEIGHT = 3640
_SUM_LIMIT = 2**29 - 1
_MAX_SHIFT = 24
CONDITION = 256
"""The integer that stands for a condition of 1."""


@dataclass(frozen=True)
class Form:
    """How integers of a slot stand for real values: real = (integer - offset) / scale, channel by channel.

    `name`: of the slot in the integer network. `given`: the caller says its size.
    """

    name: str
    scale: NDArray[np.float64]
    max_abs: int
    offset: NDArray[np.float64] | None = None
    given: bool = False

    @classmethod
    def uniform(
        cls,
        name: str,
        channels: int,
        fraction_bits: int,
        max_abs: int = HIDDEN_LIMIT,
        *,
        given: bool = False,
    ) -> "Form":
        return cls(name, np.full(channels, 2.0**fraction_bits), max_abs, given=given)

    @property
    def slot(self) -> Slot:
        return Slot(self.name, len(self.scale), self.max_abs, is_given=self.given)


@dataclass
class StageExport:
    """Integer layers of a stage, the slots that it needs besides its inputs, and the fraction bits chosen for hidden ones."""

    layers: list[IntegerConv | IntegerDepthToSpace] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    fraction_bits: dict[str, int] = field(default_factory=dict)


def quantize_stage(
    stage: str, network: FloatNetwork, known: Mapping[str, Form], peaks: Mapping[str, float]
) -> StageExport:
    """Integers of a network. `known`: the form of its inputs and of all slots whose form is prescribed; `peaks`: largest
    magnitude seen in every other slot."""
    result = StageExport()
    forms = dict(known)
    channels = dict(network.inputs)
    for layer in network.layers:
        channels[layer.out] = (
            channels[layer.source] // 4 if isinstance(layer, DepthToSpace) else layer.width
        )
    for group in _groups(network):
        hidden = [slot for slot in group if slot not in forms]
        scales = {float(forms[slot].scale[0]) for slot in group - set(hidden)}
        scale = min(
            scales, default=2.0 ** fraction_bits(max((peaks[slot] for slot in hidden), default=0.0))
        )
        for slot in hidden:
            forms[slot] = Form(f"{stage}.{slot}", np.full(channels[slot], scale), HIDDEN_LIMIT)
            result.fraction_bits[f"{stage}.{slot}"] = round(math.log2(scale))
    inputs = set(network.inputs)
    for layer in network.layers:
        form = forms[layer.out]
        if layer.out not in inputs and form.slot not in result.slots:
            result.slots.append(form.slot)
        if isinstance(layer, DepthToSpace):
            result.layers.append(
                IntegerDepthToSpace(
                    Channels(forms[layer.source].name), Channels(form.name), channels[layer.out]
                )
            )
        else:
            _quantize_conv(stage, layer, network, forms, result)
    return result


def _quantize_conv(
    stage: str, layer: Conv, network: FloatNetwork, forms: Mapping[str, Form], result: StageExport
) -> None:
    """A convolution of several sources becomes one of each, which adds what those before it gave."""
    conv = network.conv(layer.name)
    weight = conv.weight.detach().double().numpy()
    assert conv.bias is not None
    bias = conv.bias.detach().double().numpy()
    slope = None if conv.slope is None else conv.slope.detach().double().numpy()
    out = forms[layer.out]
    add = None if layer.add is None else Channels(forms[layer.add].name)
    if layer.add is not None and not np.array_equal(
        forms[layer.add].scale[: layer.width], out.scale
    ):
        raise ModelError(f"{stage}.{layer.name} adds a slot of another scale")
    if len(layer.sources) > 1 and add is not None:
        raise ModelError(
            f"{stage}.{layer.name} has several sources and adds a slot; accepted: one of both"
        )
    offsets, stride = tap_offsets(layer.taps), 2 if layer.at_parity else tap_stride(layer.taps)
    first = 0
    for number, source in enumerate(layer.sources):
        form, is_last = forms[source], number == len(layer.sources) - 1
        width = len(form.scale)
        part = _by_tap(weight, layer, len(offsets))[:, :, first : first + width]
        first += width
        scaled = part / form.scale[None, None, :] * out.scale[:, None, None]
        target = out if is_last else Form(f"{stage}.{layer.name}.{number}", out.scale, HIDDEN_LIMIT)
        if not is_last:
            result.slots.append(target.slot)
        constant = np.zeros(layer.width) if out.offset is None or not is_last else out.offset.copy()
        numbers = _integers(
            scaled,
            constant + (bias * out.scale if is_last else 0),
            np.zeros(layer.width)
            if slope is None or not is_last
            else slope * out.scale / CONDITION,
            form.max_abs,
        )
        result.layers.append(
            IntegerConv(
                input=Channels(form.name),
                output=Channels(target.name),
                taps=offsets,
                weights=numbers.weights,
                bias=numbers.bias,
                shift=numbers.shift,
                slope=numbers.slope if slope is not None and is_last else None,
                low=0 if layer.relu and is_last else -target.max_abs,
                high=target.max_abs,
                stride=stride,
                add=add,
            )
        )
        add = Channels(target.name)


def _by_tap(weight: NDArray[np.float64], layer: Conv, taps: int) -> NDArray[np.float64]:
    """(outputs, taps, inputs) of PyTorch's (outputs, inputs, h, w), or of the channels of neighbours, tap by tap."""
    if layer.taps in ("cross", "diagonals", "ring"):
        return weight.reshape(len(weight), taps, -1)
    return weight.reshape(len(weight), -1, taps).transpose(0, 2, 1)


@dataclass(frozen=True)
class _Integers:
    weights: NDArray[np.int16]
    bias: NDArray[np.int32]
    slope: NDArray[np.int32]
    shift: NDArray[np.int32]


def _integers(
    weight: NDArray[np.float64], bias: NDArray[np.float64], slope: NDArray[np.float64], max_abs: int
) -> _Integers:
    """The largest shift for each output with which weights fit and no sum can leave 30 bits."""
    outputs = len(weight)
    largest = np.abs(weight).max((1, 2))
    total = np.abs(weight).sum((1, 2)) * max_abs + np.abs(bias) + CONDITION * np.abs(slope) + 1
    room = np.minimum(_WINOGRAD_WEIGHT / np.maximum(largest, 1e-9), 0.98 * _SUM_LIMIT / total)
    shift = np.clip(np.floor(np.log2(room)), 0, _MAX_SHIFT).astype(np.int32)
    scale = 2.0**shift
    rounding = np.where(shift > 0, 2.0 ** (shift - 1), 0)
    weights = np.rint(weight * scale[:, None, None])
    if np.abs(weights).max() > 32767:
        raise ModelError(
            f"a weight of {float(largest.max()):.3g} times the unit of its output does not fit into 16 bits"
        )
    result = _Integers(
        weights.astype(np.int16),
        np.rint(bias * scale + rounding).astype(np.int32),
        np.rint(slope * scale).astype(np.int32),
        shift,
    )
    assert result.weights.shape[0] == outputs
    return result


def fraction_bits(peak: float) -> int:
    room = HIDDEN_LIMIT / max(1.25 * peak, 1e-6)
    return max(0, min(MAX_FRACTION_BITS, math.floor(math.log2(room))))


def _groups(network: FloatNetwork) -> list[set[str]]:
    """Slots that must have the same form: a sum and what it adds, a slot and what it is rearranged to."""
    groups: list[set[str]] = [{slot} for slot in network.inputs]
    for layer in network.layers:
        linked = {layer.out}
        other = layer.source if isinstance(layer, DepthToSpace) else layer.add
        if other is not None and other not in network.inputs:
            linked.add(other)
        merged = [group for group in groups if group & linked]
        groups = [group for group in groups if not group & linked]
        groups.append(linked.union(*merged))
    return groups
