"""Outputs of the zoo with deterministic weights, against what CompressAI 1.2.8 gave for the same weights and input (CPU, fp32)."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from streamcodec.models.base import ImageModel
from streamcodec.models.zoo.cheng2020 import (
    Cheng2020Anchor,
    Cheng2020AnchorCheckerboard,
    Cheng2020Attention,
)
from streamcodec.models.zoo.factorized import FactorizedPrior
from streamcodec.models.zoo.hyperprior import MeanScaleHyperprior, ScaleHyperprior
from streamcodec.models.zoo.joint import JointAutoregressiveHierarchicalPriors
from streamcodec.models.zoo.ssf import ScaleSpaceFlow

from ..deterministic import frame, set_weights

FIXTURES = Path(__file__).parents[2] / "data"

MODELS: dict[str, Callable[[], ImageModel]] = {  # input: frame(64, 128)
    "bmshj2018-factorized": partial(FactorizedPrior, 16, 24),
    "bmshj2018-factorized-relu": partial(FactorizedPrior, 16, 24, activation="relu"),
    "bmshj2018-hyperprior": partial(ScaleHyperprior, 16, 24),
    "mbt2018-mean": partial(MeanScaleHyperprior, 16, 24),
    "mbt2018": partial(JointAutoregressiveHierarchicalPriors, 16, 24),
    "cheng2020-anchor": partial(Cheng2020Anchor, 16),
    "cheng2020-attn": partial(Cheng2020Attention, 16),
    "cheng2020-anchor-checkerboard": partial(Cheng2020AnchorCheckerboard, 16),
}
CHENG = "h_a.8 25 h_s.8 .6 context_prediction .3 entropy_parameters.4 .8"
MULTIPLIERS = {
    "bmshj2018-factorized": "g_a.0 .307 g_a.2 .0835 g_a.4 .117 g_a.6 .463 g_s.0 .0222 g_s.2 .172 g_s.4 .16 g_s.6 .0573",
    "bmshj2018-factorized-relu": "g_a.6 .5",
    "bmshj2018-hyperprior": "g_a.6 .5 h_a.4 .5 h_s.4 1",
    "mbt2018-mean": "g_a.0 .307 g_a.2 .0835 g_a.4 .117 g_a.6 .463 h_a.0 .0312 h_a.2 .147 h_a.4 .858 h_s.0 .114 h_s.2 .259 h_s.4 .319"
    " g_s.0 .0223 g_s.2 .172 g_s.4 .16 g_s.6 .0572",
    "mbt2018": "g_a.0 .307 g_a.2 .0835 g_a.4 .117 g_a.6 .15 h_a.4 6 h_s.4 .5 entropy_parameters.4 .8 context_prediction .3 g_s.6 .5",
    "cheng2020-anchor": f"g_a.6 2 g_s.7.0 .3 {CHENG}",
    "cheng2020-attn": f"g_a.7 2 g_s.9.0 .08 {CHENG}",
    "cheng2020-anchor-checkerboard": "g_a.6 2 g_s.7.0 .3 latent_codec.hyper.h_a.8 25 latent_codec.hyper.h_s.8 .6"
    " latent_codec.y.context_prediction .3 latent_codec.y.entropy_parameters.4 .8",
}
BITS = {
    "bmshj2018-factorized": {"y": 4143.4835},
    "bmshj2018-factorized-relu": {"y": 4114.6436},
    "bmshj2018-hyperprior": {"y": 5890.6348, "z": 171.2382},
    "mbt2018-mean": {"y": 11979.0785, "z": 172.6853},
    "mbt2018": {"y": 10604.9130, "z": 174.9519},
    "cheng2020-anchor": {"y": 7772.9133, "z": 171.9483},
    "cheng2020-attn": {"y": 8722.0203, "z": 171.9405},
    "cheng2020-anchor-checkerboard": {"y": 8689.2459, "z": 171.7629},
}
STATISTICS = {  # mean and standard deviation of x_hat
    "bmshj2018-factorized": (-0.0040040, 0.2025455),
    "bmshj2018-factorized-relu": (-0.0096707, 0.0393457),
    "bmshj2018-hyperprior": (-0.0098016, 0.0452408),
    "mbt2018-mean": (-0.0039365, 0.2050934),
    "mbt2018": (-0.0157197, 0.1388443),
    "cheng2020-anchor": (-0.0837904, 0.6573848),
    "cheng2020-attn": (-0.0183748, 0.4107259),
    "cheng2020-anchor-checkerboard": (-0.0836244, 0.6490791),
}


def multipliers(words: str) -> dict[str, float]:
    pairs = words.split()
    return {key: float(value) for key, value in zip(pairs[::2], pairs[1::2], strict=True)}


def bits_of(likelihoods: dict[str, Tensor]) -> dict[str, float]:
    return {key: -value.double().log2().sum().item() for key, value in likelihoods.items()}


def statistics_of(x_hat: Tensor) -> tuple[float, float]:
    return x_hat.mean().item(), x_hat.std().item()


@torch.no_grad()
def output(name: str) -> tuple[Tensor, dict[str, float]]:
    model = MODELS[name]().eval()
    set_weights(model, multipliers(MULTIPLIERS[name]))
    out = model(frame(64, 128))
    return out["x_hat"], bits_of(out["likelihoods"])


@pytest.mark.parametrize("name", MODELS)
def test_output_and_bits_are_the_published_models(name: str) -> None:
    x_hat, bits = output(name)
    assert bits == pytest.approx(BITS[name], rel=1e-5)
    assert statistics_of(x_hat) == pytest.approx(STATISTICS[name], abs=1e-5)


@pytest.mark.parametrize("name", ["bmshj2018-factorized", "mbt2018-mean"])
def test_output_matches_the_fixture_in_every_pixel(name: str) -> None:
    recorded = json.loads((FIXTURES / "compressai_golden.json").read_text())["models"][name]
    want = np.load(FIXTURES / "compressai_golden.npz")[f"{name}_xhat"]
    x_hat, bits = output(name)
    np.testing.assert_allclose(x_hat.numpy(), want, atol=1e-4, rtol=0)
    assert bits == pytest.approx(recorded["bits"], rel=1e-5)


@pytest.mark.slow
def test_scale_space_flow_at_256x256_is_the_published_model() -> None:
    """The one size at which CompressAI's flow is in our unit; 34 million weights. Flow here: up to 9 pixels."""
    model = ScaleSpaceFlow().eval()
    parts, wide = ("img", "res", "motion"), frame(256, 264)
    words = [f"{part}_encoder.6 .6 {part}_hyperprior.hyper_encoder.4 .6" for part in parts]
    words += [
        f"{part}_hyperprior.hyper_decoder_scale.deconv{k} .08" for part in parts for k in (1, 2, 3)
    ]
    set_weights(
        model,
        multipliers(" ".join(words) + " motion_decoder.6 .05 img_decoder.6 .1 res_decoder.6 .1"),
    )
    with torch.no_grad():
        out = model([wide[..., :256].contiguous(), wide[..., 8:].contiguous()])
    assert statistics_of(out["x_hat"][0]) == pytest.approx((-0.0040224, 0.0438750), abs=1e-5)
    assert statistics_of(out["x_hat"][1]) == pytest.approx((-0.0382921, 0.0414116), abs=1e-5)
    assert bits_of(out["likelihoods"][0]["keyframe"]) == pytest.approx(
        {"y": 376518.14, "z": 4126.2189}, rel=3e-4
    )
    assert bits_of(out["likelihoods"][1]["motion"]) == pytest.approx(
        {"y": 289407.38, "z": 4116.9634}, rel=3e-4
    )
    assert bits_of(out["likelihoods"][1]["residual"]) == pytest.approx(
        {"y": 302411.60, "z": 4117.3199}, rel=3e-4
    )
