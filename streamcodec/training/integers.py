"""Float networks that compute as their integers will: rounded and limited after every layer.

Only what the decoder computes is. Gradients pass as if nothing were rounded. Weights stay float: theirs are much finer.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from streamcodec.models.dct.export import float_network, inter_forms, intra_forms
from streamcodec.models.dct.inter import DctInter
from streamcodec.models.dct.intra import DctIntra
from streamcodec.models.dct.layers import Conv
from streamcodec.models.dct.quantize import Form

__all__ = ["round_as_integers", "rounded"]

ENCODER_STAGES = frozenset({"analysis", "hyper_analysis"})


def round_as_integers(model: nn.Module, bits: Mapping[str, int]) -> None:
    """From now on. `bits`: fraction bits of hidden slots, the "fraction_bits" of an export."""
    assert isinstance(model, DctInter | DctIntra)
    forms = inter_forms(model, bits) if isinstance(model, DctInter) else intra_forms(model, bits)
    for stage in forms.keys() - ENCODER_STAGES:
        network, known = float_network(model, stage), forms[stage]
        network.register_forward_pre_hook(_input_hook(known), with_kwargs=True)
        for layer in network.layers:
            if isinstance(layer, Conv):
                hidden = f"{stage}.{layer.out}"
                form = known.get(layer.out) or Form.uniform(hidden, layer.width, bits[hidden])
                network.convs[layer.name].register_forward_hook(_output_hook(form))


def rounded(x: Tensor, form: Form) -> Tensor:
    """x (N, C, h, w), or (N, T C, h, w) of T taps, as integers of this form hold it."""
    taps = x.shape[1] // len(form.scale)
    scale = torch.from_numpy(form.scale).to(x).repeat(taps)[:, None, None]
    offset = torch.zeros_like(scale)
    if form.offset is not None:
        offset = torch.from_numpy(form.offset).to(x).repeat(taps)[:, None, None]
    limited = (x * scale + offset).clamp(-form.max_abs, form.max_abs)
    return (limited + (limited.round() - limited).detach() - offset) / scale


def _output_hook(form: Form) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    return lambda _module, _inputs, output: rounded(output, form)


def _input_hook(known: Mapping[str, Form]) -> Callable[[nn.Module, Any, dict[str, Tensor]], Any]:
    def hook(_module: nn.Module, arguments: Any, slots: dict[str, Tensor]) -> Any:
        held = {name: rounded(x, known[name]) if name in known else x for name, x in slots.items()}
        return arguments, held

    return hook
