"""Float networks that compute as integers do."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from streamcodec.models.dct.export import float_network
from streamcodec.models.dct.quantize import Form
from streamcodec.training import Ending, TrainConfig, train
from streamcodec.training.batches import draw_batch, open_data
from streamcodec.training.export import export_model
from streamcodec.training.integers import round_as_integers, rounded
from streamcodec.training.loss import batch_cost, make_model

INTER = TrainConfig(
    "inter",
    3,
    batch=2,
    crop=32,
    held=2,
    log_every=1,
    save_every=1,
    integers=True,
    widths={"synthesis": 8, "analysis": 8, "features": 8, "blocks": 1},
)
INTRA = replace(
    INTER,
    kind="intra",
    widths={"synthesis": 8, "analysis": 8, "context": 8, "hyper": 8, "z": 4, "blocks": 1},
)
BOTH = pytest.mark.parametrize("config", [INTER, INTRA], ids=["inter", "intra"])


def test_values_are_rounded_and_limited() -> None:
    form = Form("slot", np.array([4.0, 2.0]), 7, np.array([0.0, 1.0]))
    x = torch.tensor([0.3, 9.0, 0.3, -9.0]).view(1, 4, 1, 1).requires_grad_()
    y = rounded(x, form)  # two taps of two channels
    assert y.flatten().tolist() == [0.25, 3.0, 0.25, -4.0]
    y.sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [1.0, 0.0, 1.0, 0.0]


@BOTH
def test_it_costs_little(make_folder: Callable[..., Path], config: TrainConfig) -> None:
    rows = open_data([make_folder()], config.kind, 48, 0)
    torch.manual_seed(1)
    model = make_model(config.kind, config.widths)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter.data, std=0.03) if parameter.ndim == 4 else None
    bits = export_model(model, config, rows, 4)[1]["fraction_bits"]
    batch = draw_batch(rows, 4, 48, config.qualities, np.random.default_rng(0))
    outputs = {}

    def keep(_module: object, _inputs: object, slots: dict[str, torch.Tensor]) -> None:
        outputs.update(slots)

    with torch.no_grad():
        before = batch_cost(model, batch, config.objective)
        round_as_integers(model, bits)
        float_network(model, "synthesis").register_forward_hook(keep)
        after = batch_cost(model, batch, config.objective)
    assert not torch.equal(before.loss, after.loss)
    torch.testing.assert_close(after.loss, before.loss, rtol=0.03, atol=0)
    scaled = outputs["x0"] * 2.0 ** bits["synthesis.x0"]
    assert torch.equal(scaled, scaled.round())
    assert scaled.abs().max() > 100


@pytest.mark.slow
@BOTH
def test_a_run_goes_on_bit_for_bit(
    tmp_path: Path, make_folder: Callable[..., Path], config: TrainConfig
) -> None:
    data = [make_folder()]
    assert train(config, data, tmp_path / "straight", report=lambda _: None) == Ending(3, None)

    def stop(line: str) -> None:
        if line.startswith("step 1/3"):
            signal.raise_signal(signal.SIGTERM)

    assert train(config, data, tmp_path / "bits", report=stop) == Ending(1, signal.SIGTERM)
    assert train(config, data, tmp_path / "bits", report=lambda _: None) == Ending(3, None)
    states = [
        torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("straight", "bits")
    ]
    assert states[0]["bits"] == states[1]["bits"]
    for name, value in states[0]["average"].items():
        assert torch.equal(value, states[1]["average"][name]), name
