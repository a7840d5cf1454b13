"""Untrained models of the zoo with few channels, for tests and golden streams: their pictures are poor, their streams are
sound and fast."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from streamcodec.models import create, save_checkpoint
from streamcodec.models.latents.context import ContextLatent
from streamcodec.models.latents.hyperprior import HyperpriorLatent
from streamcodec.models.layers.blocks import ResidualUnit
from streamcodec.models.zoo.ssf_hyperprior import ScaleSpaceHyperprior

PRESETS = {"image": "mbt2018-mean", "flow": "ssf2020"}
CONFIG = {"N": 4, "M": 6}


def save_tiny_models(
    folder: Path, prefix: str, seed: int, scales: Sequence[float] | None = None
) -> None:
    """Write PREFIX-image.safetensors and PREFIX-flow.safetensors; `scales`: of the tables, None = the usual ones."""
    for part, preset in PRESETS.items():
        torch.manual_seed(seed)
        model = enliven(create(preset, **CONFIG))
        spread(model)
        model.update(scales)
        save_checkpoint(folder / f"{prefix}-{part}.safetensors", model, preset, **CONFIG)


@torch.no_grad()
def spread(model: nn.Module) -> None:
    """Make scales differ between the channels, and z worth coding."""
    for module in (module for module in model.modules() if isinstance(module, HyperpriorLatent)):
        if isinstance(module, ScaleSpaceHyperprior):
            encoder, last = module.hyper_encoder, module.hyper_decoder_scale.deconv3
        else:
            encoder, last = module.get_submodule("h_a"), module.get_submodule("h_s.4")
        encoder[-1].weight *= 8
        last.bias[: module.latent_channels] += torch.linspace(-2, 3, module.latent_channels)


Model = TypeVar("Model", bound=nn.Module)


@torch.no_grad()
def enliven(model: Model) -> Model:
    """Change fresh weights so that latents are some units wide and scales around 2."""
    for name, module in model.named_modules():
        if name in ("g_a", "img_encoder", "res_encoder", "motion_encoder") and isinstance(
            module, nn.Sequential
        ):
            last = next(
                layer for layer in reversed(module) if isinstance(layer, nn.Conv2d)
            )  # an attention block may follow
            last.weight *= {5: 60, 3: 20, 1: 4}[last.kernel_size[0]]
        if name.endswith(("h_a", "hyper_encoder")) and isinstance(module, nn.Sequential):
            module[-1].weight *= 10 if len(module) <= 5 else 60
        if isinstance(module, ResidualUnit):
            for layer in (module.conv[0], module.conv[2]):
                layer.bias += 0.5  # so that not all activations are 0
        if isinstance(module, ScaleSpaceHyperprior):
            for part, bias in zip(
                (*module.hyper_decoder_scale.children(),)[::2], (2, 2, 4), strict=True
            ):
                part.bias += bias  # so that not all activations are clamped to zero
        elif isinstance(module, HyperpriorLatent):
            parts = (
                [module.entropy_parameters]
                if isinstance(module, ContextLatent)
                else module.scale_layers()
            )
            layers = [layer for part in parts for layer in part.modules()]
            last = [layer for layer in layers if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)][
                -1
            ]
            last.weight *= 3
            last.bias[: module.latent_channels] += 2
    return model.eval()
