"""The float model that an exported one came from, as far as its integers hold it: to train it further."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from streamcodec.engine import Conv as IntegerConv
from streamcodec.engine import Network, from_arrays
from streamcodec.errors import ModelError
from streamcodec.models.dct.export import Forms, float_network, inter_forms, intra_forms
from streamcodec.models.dct.gains import ROWS, Gains
from streamcodec.models.dct.inter import DctInter, InterConfig
from streamcodec.models.dct.intra import DctIntra, IntraConfig
from streamcodec.models.dct.layers import Conv, DepthToSpace, FloatNetwork
from streamcodec.models.dct.quantize import CONDITION, Form
from streamcodec.quality import COARSEST, FINEST, q_of
from streamcodec.types import QUALITIES

__all__ = ["restore_model"]


def restore_model(
    arrays: Mapping[str, NDArray[Any]], config: Mapping[str, Any]
) -> DctInter | DctIntra:
    """`arrays`, `config`: the content of a weights file. Raises ModelError if it lacks what only training needs."""
    try:
        bits = {str(name): int(value) for name, value in config["fraction_bits"].items()}
        widths = {str(name): int(value) for name, value in config["widths"].items()}
        network = from_arrays(
            config["network"], {k.removeprefix("network."): v for k, v in arrays.items()}
        )
        model: DctInter | DctIntra
        if config["kind"] == "inter":
            hadamard = tuple(int(channel) for channel in config.get("hadamard", ()))
            model = DctInter(InterConfig(**widths, hadamard=hadamard))
            forms = inter_forms(model, bits)
        else:
            model = DctIntra(IntraConfig(**widths))
            forms = intra_forms(model, bits)
            with torch.no_grad():
                model.z_log_scale.copy_(torch.from_numpy(_z_log_scales(arrays, widths["z"])))
        for stage in forms:
            _restore_stage(stage, float_network(model, stage), network, forms, bits)
        _restore_gains(model.gains, arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"the weights cannot be trained further: {error!r}") from error
    return model


@torch.no_grad()
def _restore_stage(
    stage: str, floats: FloatNetwork, network: Network, forms: Forms, bits: Mapping[str, int]
) -> None:
    scales: dict[str, NDArray[np.float64]] = {
        name: form.scale for name, form in forms[stage].items()
    }
    offsets: dict[str, Form] = forms[stage]
    integers = iter(
        [layer for layer in network.stage(stage).layers if isinstance(layer, IntegerConv)]
    )
    channels = dict(floats.inputs)
    for layer in floats.layers:
        channels[layer.out] = (
            channels[layer.source] // 4 if isinstance(layer, DepthToSpace) else layer.width
        )
        if layer.out not in scales:
            scales[layer.out] = np.full(channels[layer.out], 2.0 ** bits[f"{stage}.{layer.out}"])
        if not isinstance(layer, Conv):
            continue
        conv, out, parts = floats.conv(layer.name), scales[layer.out], []
        assert conv.bias is not None
        for source in layer.sources:
            numbers = next(integers)
            unit = 2.0 ** -numbers.shift.astype(np.float64) / out
            parts.append(numbers.weights * unit[:, None, None] * scales[source][None, None, :])
        weight = np.concatenate(parts, 2)
        if conv.weight.shape[2:] == (1, 1):
            weight = weight.reshape(len(weight), -1, 1, 1)
        else:
            weight = weight.transpose(0, 2, 1).reshape(conv.weight.shape)
        conv.weight.copy_(torch.from_numpy(weight))
        rounding = np.where(numbers.shift > 0, 2.0 ** (numbers.shift.astype(np.float64) - 1), 0)
        bias = (numbers.bias - rounding) * unit
        form = offsets.get(layer.out)
        if form is not None and form.offset is not None:
            bias = bias - form.offset / out
        conv.bias.copy_(torch.from_numpy(bias))
        slope = conv.slope
        if slope is not None and numbers.slope is not None:
            slope.copy_(torch.from_numpy(numbers.slope * unit * CONDITION))


@torch.no_grad()
def _restore_gains(gains: Gains, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Steps are piecewise linear in q, in logarithms, and the qualities are closer together than the rows."""
    q = np.array([q_of(quality) for quality in range(QUALITIES)])[::-1]
    rows = np.linspace(FINEST, COARSEST, ROWS)
    forward = np.log(arrays["gain"].astype(np.float64) / 2.0**17)[::-1]
    back = np.log(arrays["step"].astype(np.float64) / 128)[::-1]
    for channel in range(forward.shape[1]):
        log_step = np.interp(rows, q, -forward[:, channel])
        gains.log_step[:, channel] = torch.from_numpy(log_step)
        gains.log_back[:, channel] = torch.from_numpy(
            np.interp(rows, q, back[:, channel]) - log_step
        )


def _z_log_scales(arrays: Mapping[str, NDArray[Any]], channels: int) -> NDArray[np.float64]:
    """Of the logistic whose deviation is that of each table of z, the last rows of the tables."""
    ends = np.cumsum(arrays["cdf_length"])[-channels:]
    result = np.empty(channels)
    for channel, (end, length, offset) in enumerate(
        zip(ends, arrays["cdf_length"][-channels:], arrays["offset"][-channels:], strict=True)
    ):
        mass = np.diff(arrays["quantized_cdf"][end - length : end].astype(np.float64))[:-1]
        values = int(offset) + np.arange(len(mass))
        deviation = np.sqrt((mass * values**2).sum() / mass.sum())
        result[channel] = np.log(max(deviation, 0.05) * np.sqrt(3) / np.pi)
    return result
