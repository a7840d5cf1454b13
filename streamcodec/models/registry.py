"""The published models by name: what to construct, with which config. Weights are loaded elsewhere (checkpoint.py)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

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

__all__ = ["MAX_WIDTH", "config_of", "create", "names", "size_of", "unseen"]

MAX_WIDTH = 4096
LIMITS: Mapping[str, tuple[float, float]] = {
    "N": (1, MAX_WIDTH),
    "M": (1, MAX_WIDTH),
    "num_levels": (1, 16),
    "sigma0": (0.01, 100.0),
    "scale_field_shift": (-100.0, 100.0),
}
"""Field of a config -> the least and the greatest value: a file of a few bytes can ask for any."""
WIDTHS = ("N", "M")
"""Fields that the shapes of the tensors tell."""
SMALL = 8


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
    check_config(name, config)
    return PRESETS[name].build(**{**PRESETS[name].config, **config})


def unseen(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What decoding with a model depends on and its tensors do not tell; empty for the usual values.

    Their keys and shapes tell which model it is, and how wide.
    """
    usual = config_of(name)
    return {
        field: value
        for field, value in config.items()
        if field not in WIDTHS and value != usual.get(field)
    }


def size_of(name: str, config: Mapping[str, Any]) -> int:
    """About how many parameters `create(name, **config)` has, without making it. ModelError as it has.

    Every side of a tensor is a sum of multiples of the widths, which three small models tell.
    """
    widths = {**config_of(name), **config}
    check_config(name, config)
    base = _shapes(name, 1, 1)
    wider = [_shapes(name, 2, 1), _shapes(name, 1, 2)]
    steps = [widths[width] / SMALL - 1 if width in widths else 0 for width in WIDTHS]
    total = 0.0
    for sides, *others in zip(base, *wider, strict=True):
        total += math.prod(
            side + sum(step * (more - side) for step, more in zip(steps, longer, strict=True))
            for side, *longer in zip(sides, *others, strict=True)
        )
    return int(total)


@lru_cache
def _shapes(name: str, *multiples: int) -> list[tuple[int, ...]]:
    """Of the parameters of a model whose widths are these multiples of SMALL."""
    known = config_of(name)
    small = {
        width: SMALL * multiple
        for width, multiple in zip(WIDTHS, multiples, strict=True)
        if width in known
    }
    with torch.random.fork_rng(devices=()):  # what is drawn later stays what it was
        return [tuple(parameter.shape) for parameter in create(name, **small).parameters()]


def check_config(name: str, config: Mapping[str, Any]) -> None:
    """Raise ModelError for an unknown name, an unknown field or a value beyond the limits."""
    fields = config_of(name)
    if unknown := set(config) - set(fields):
        raise ModelError(
            f"model {name} has no field {', '.join(sorted(unknown))}; it has: {', '.join(fields)}"
        )
    for field, value in config.items():
        _check_field(name, field, value, type(fields[field]))


def _check_field(name: str, field: str, value: Any, kind: type) -> None:
    least, most = LIMITS[field]
    numbers = int if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, numbers) or not least <= value <= most:
        what = "an integer" if kind is int else "a number"
        raise ModelError(
            f"{field} of model {name} is {value!r}; accepted: {what} in {least}..{most}"
        )
