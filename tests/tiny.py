"""Untrained models with few channels, for tests and for golden streams: their pictures are poor, their streams are sound and fast."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from torch import nn

from streamcodec.models import create, save_checkpoint
from streamcodec.models.quarter import QuarterHyperprior

CONFIGS = {
    "quarter-image": {"width4": 8, "width8": 8, "latent": 8, "hyper": 8},
    "quarter-flow": {
        "width4": 8,
        "width8": 8,
        "latent": 8,
        "hyper": 8,
        "motion_latent": 8,
        "motion_hyper": 8,
        "motion_width4": 8,
        "motion_width8": 8,
    },
}


def save_tiny_models(folder: Path, prefix: str, seed: int, scales: Sequence[float] | None = None) -> None:
    """Write PREFIX-image.safetensors and PREFIX-flow.safetensors; `scales`: of the tables, None = the usual ones."""
    for preset, config in CONFIGS.items():
        torch.manual_seed(seed)
        model = create(preset, **config)
        enliven(model)
        model.update(scales)
        save_checkpoint(folder / f"{preset.replace('quarter', prefix)}.safetensors", model, preset, **config)


@torch.no_grad()
def enliven(model: nn.Module) -> None:
    """Make an untrained model code symbols of many sizes, with scales of many sizes: as it is, nearly all are zero and certain."""
    for latent in (module for module in model.modules() if isinstance(module, QuarterHyperprior)):
        assert latent.gains is not None
        rise = torch.linspace(1.5, 3, latent.gains.rows)[:, None]
        latent.gains.gain += rise
        latent.gains.inverse_gain -= rise
        cast(nn.Conv2d, latent.h_a[-1]).weight *= 4
        scale = cast(nn.Conv2d, latent.scale[-1])
        scale.weight *= 10
        assert scale.bias is not None
        scale.bias += torch.linspace(-1, 2.5, len(scale.bias))
