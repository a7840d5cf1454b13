"""Outputs of the zoo with deterministic weights, against what CompressAI 1.2.8 gave for the same weights and input."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from streamcodec.models.factorized import FactorizedPrior
from streamcodec.models.hyperprior import MeanScaleHyperprior

from .deterministic import frame, set_weights

FIXTURES = Path(__file__).parents[2] / ".." / "shared" / "fixtures"

# Channels (N, M) = (16, 24), input 64x128: multipliers of the convolutions, bits, and mean and standard deviation of x_hat.
MODELS = {"bmshj2018-factorized": FactorizedPrior, "mbt2018-mean": MeanScaleHyperprior}
MULTIPLIERS = {
    "bmshj2018-factorized": "g_a.0 .307 g_a.2 .0835 g_a.4 .117 g_a.6 .463 g_s.0 .0222 g_s.2 .172 g_s.4 .16 g_s.6 .0573",
    "mbt2018-mean": "g_a.0 .307 g_a.2 .0835 g_a.4 .117 g_a.6 .463 h_a.0 .0312 h_a.2 .147 h_a.4 .858 h_s.0 .114 h_s.2 .259 h_s.4 .319"
    " g_s.0 .0223 g_s.2 .172 g_s.4 .16 g_s.6 .0572",
}
BITS = {"bmshj2018-factorized": {"y": 4143.4835}, "mbt2018-mean": {"y": 11979.0785, "z": 172.6853}}
STATISTICS = {"bmshj2018-factorized": (-0.0040040, 0.2025455), "mbt2018-mean": (-0.0039365, 0.2050934)}


@torch.no_grad()
def output(name: str) -> tuple[torch.Tensor, dict[str, float]]:
    model = MODELS[name](16, 24).eval()
    words = MULTIPLIERS[name].split()
    set_weights(model, {key: float(value) for key, value in zip(words[::2], words[1::2], strict=True)})
    out = model(frame(64, 128))
    return out["x_hat"], {key: -value.double().log2().sum().item() for key, value in out["likelihoods"].items()}


@pytest.mark.parametrize("name", MODELS)
def test_output_and_bits_are_the_published_models(name: str) -> None:
    x_hat, bits = output(name)
    assert bits == pytest.approx(BITS[name], rel=1e-5)
    assert (x_hat.mean().item(), x_hat.std().item()) == pytest.approx(STATISTICS[name], abs=1e-5)


@pytest.mark.skipif(not FIXTURES.exists(), reason="shared/fixtures is not here")
@pytest.mark.parametrize("name", MODELS)
def test_output_matches_the_fixture_in_every_pixel(name: str) -> None:
    recorded = json.loads((FIXTURES / "compressai_golden.json").read_text())["models"][name]
    want = np.load(FIXTURES / "compressai_golden.npz")[f"{name}_xhat"]
    x_hat, bits = output(name)
    np.testing.assert_allclose(x_hat.numpy(), want, atol=1e-4, rtol=0)
    assert bits == pytest.approx(recorded["bits"], rel=1e-5)
