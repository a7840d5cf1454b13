"""The published models by name: what to construct, with which config. Weights are loaded elsewhere (checkpoint.py)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streamcodec.errors import ModelError
from streamcodec.models.base import ImageModel, InterModel
from streamcodec.models.zoo.cheng2020 import (
    Cheng2020Anchor,
    Cheng2020AnchorCheckerboard,
    Cheng2020Attention,
)
from streamcodec.models.zoo.factorized import FactorizedPrior
from streamcodec.models.zoo.hyperprior import MeanScaleHyperprior, ScaleHyperprior
from streamcodec.models.zoo.joint import JointAutoregressiveHierarchicalPriors
from streamcodec.models.zoo.ssf import ScaleSpaceFlow, ScaleSpaceFlowImage

__all__ = ["config_of", "create", "names"]


@dataclass(frozen=True)
class Preset:
    """`build(**config)` constructs the model; a field of `config` may be given another value."""

    build: Callable[..., ImageModel | InterModel]
    config: Mapping[str, Any]


def _factorized_relu(**fields: int) -> FactorizedPrior:
    return FactorizedPrior(**fields, activation="relu")


ZOO = {"N": 128, "M": 192}
CHENG = {"N": 192}

PRESETS: Mapping[str, Preset] = {
    "bmshj2018-factorized": Preset(FactorizedPrior, ZOO),
    "bmshj2018-factorized-relu": Preset(_factorized_relu, ZOO),
    "bmshj2018-hyperprior": Preset(ScaleHyperprior, ZOO),
    "mbt2018-mean": Preset(MeanScaleHyperprior, ZOO),
    "mbt2018": Preset(JointAutoregressiveHierarchicalPriors, {**ZOO, "N": 192}),
    "cheng2020-anchor": Preset(Cheng2020Anchor, CHENG),
    "cheng2020-attn": Preset(Cheng2020Attention, CHENG),
    "cheng2020-anchor-checkerboard": Preset(Cheng2020AnchorCheckerboard, CHENG),
    "ssf2020-image": Preset(ScaleSpaceFlowImage, ZOO),
    "ssf2020": Preset(
        ScaleSpaceFlow, {"num_levels": 5, "sigma0": 1.5, "scale_field_shift": 1.0, **ZOO}
    ),
}


def names() -> tuple[str, ...]:
    """All known names, image models first."""
    return tuple(PRESETS)


def config_of(name: str) -> dict[str, Any]:
    """The fields that a model of this name is constructed with, unless others are given. ModelError for an unknown name."""
    if name not in PRESETS:
        raise ModelError(f"unknown model {name!r}; known: {', '.join(PRESETS)}")
    return dict(PRESETS[name].config)


def create(name: str, **config: Any) -> ImageModel | InterModel:
    """Construct a model with fresh weights; `config` overrides fields of the preset. ModelError for an unknown name or field."""
    fields = config_of(name)
    if unknown := set(config) - set(fields):
        raise ModelError(
            f"model {name} has no field {', '.join(sorted(unknown))}; it has: {', '.join(fields)}"
        )
    return PRESETS[name].build(**{**fields, **config})
