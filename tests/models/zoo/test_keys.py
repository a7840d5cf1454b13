import gzip
import hashlib
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from streamcodec.models.zoo.cheng2020 import (
    Cheng2020Anchor,
    Cheng2020AnchorCheckerboard,
    Cheng2020Attention,
)
from streamcodec.models.zoo.factorized import FactorizedPrior
from streamcodec.models.zoo.hyperprior import MeanScaleHyperprior, ScaleHyperprior
from streamcodec.models.zoo.joint import JointAutoregressiveHierarchicalPriors
from streamcodec.models.zoo.ssf import ScaleSpaceFlow

FIXTURE = Path(__file__).parents[2] / "data" / "compressai_state_dicts.json.gz"

MODELS: dict[str, Callable[[], nn.Module]] = {
    "bmshj2018-factorized@128x192": partial(FactorizedPrior, 128, 192),
    "bmshj2018-factorized@192x320": partial(FactorizedPrior, 192, 320),
    "bmshj2018-factorized-relu@128x192": partial(FactorizedPrior, 128, 192, activation="relu"),
    "bmshj2018-factorized-relu@192x320": partial(FactorizedPrior, 192, 320, activation="relu"),
    "bmshj2018-hyperprior@128x192": partial(ScaleHyperprior, 128, 192),
    "bmshj2018-hyperprior@192x320": partial(ScaleHyperprior, 192, 320),
    "mbt2018-mean@128x192": partial(MeanScaleHyperprior, 128, 192),
    "mbt2018-mean@192x320": partial(MeanScaleHyperprior, 192, 320),
    "mbt2018@192x192": partial(JointAutoregressiveHierarchicalPriors, 192, 192),
    "mbt2018@192x320": partial(JointAutoregressiveHierarchicalPriors, 192, 320),
    "cheng2020-anchor@128": partial(Cheng2020Anchor, 128),
    "cheng2020-anchor@192": partial(Cheng2020Anchor, 192),
    "cheng2020-attn@128": partial(Cheng2020Attention, 128),
    "cheng2020-attn@192": partial(Cheng2020Attention, 192),
    "cheng2020-anchor-checkerboard@192": partial(Cheng2020AnchorCheckerboard, 192),
    "ssf2020": ScaleSpaceFlow,
}

# Number of keys, and the first 16 digits of the SHA-256 over the lines "key shape dtype" of the published layout, sorted.
GOLDEN = {
    "ssf2020": (183, "1f43d1a1ed9a7080"),
    "bmshj2018-factorized@128x192": (72, "7990296b264249de"),
    "bmshj2018-factorized@192x320": (72, "ab849719748cc678"),
    "bmshj2018-factorized-relu@128x192": (36, "6a94f96c30b80621"),
    "bmshj2018-factorized-relu@192x320": (36, "956e181b228573e6"),
    "bmshj2018-hyperprior@128x192": (91, "8876701dc709cde6"),
    "bmshj2018-hyperprior@192x320": (91, "192d436ee1c18b47"),
    "mbt2018-mean@128x192": (91, "561876810d70b2c6"),
    "mbt2018-mean@192x320": (91, "5f89bd9d5604666a"),
    "mbt2018@192x192": (100, "af7aa079bb278c3f"),
    "mbt2018@192x320": (100, "82743c7b9cb24c5f"),
    "cheng2020-anchor@128": (160, "4cb374a59e9e55ab"),
    "cheng2020-anchor@192": (160, "2d24d2736bb382b7"),
    "cheng2020-attn@128": (312, "083480bf61ab53e0"),
    "cheng2020-attn@192": (312, "31eab7c43096fcc9"),
    "cheng2020-anchor-checkerboard@192": (160, "b7fdf06d14bef9b0"),
}


@cache
def model(name: str) -> nn.Module:
    """A fresh model, made without memory for its weights."""
    with torch.device("meta"):
        return MODELS[name]()


def layout(name: str) -> dict[str, list[object]]:
    """Key -> [shape, dtype]."""
    return {
        key: [list(value.shape), str(value.dtype).removeprefix("torch.")]
        for key, value in model(name).state_dict().items()
    }


@cache
def published() -> dict[str, dict[str, Any]]:
    return dict(json.loads(gzip.decompress(FIXTURE.read_bytes())))


def digest(keys: dict[str, list[object]]) -> tuple[int, str]:
    lines = "".join(f"{key} {shape} {dtype}\n" for key, (shape, dtype) in sorted(keys.items()))
    return len(keys), hashlib.sha256(lines.encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", MODELS)
def test_keys_and_shapes_are_the_published_ones(name: str) -> None:
    assert digest(layout(name)) == GOLDEN[name]


@pytest.mark.parametrize("name", MODELS)
def test_keys_and_shapes_match_the_fixture(name: str) -> None:
    assert layout(name) == published()[name]["keys"]
    numbers = sum(parameter.numel() for parameter in model(name).parameters())
    assert numbers == published()[name]["n_params"]
