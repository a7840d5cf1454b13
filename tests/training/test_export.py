"""Weights files of a run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from streamcodec.codec.dct_weights import load_dct_weights
from streamcodec.errors import ModelError, OutputError, UsageError
from streamcodec.training import TrainConfig, averaged_model, export_state, train
from streamcodec.training.config import Kind
from streamcodec.training.data.synthetic import to_planes
from streamcodec.training.replicas import ALONE
from streamcodec.training.state import begin

pytestmark = pytest.mark.slow

INTER = TrainConfig(
    "inter",
    2,
    batch=2,
    crop=32,
    widths={"synthesis": 32, "analysis": 32, "features": 32, "blocks": 1},
)
INTRA = replace(
    INTER,
    kind="intra",
    widths={"synthesis": 32, "analysis": 32, "context": 32, "hyper": 32, "z": 4, "blocks": 1},
)


@pytest.fixture
def exported(tmp_path: Path, make_folder: Callable[..., Path]) -> Callable[[Kind], Path]:
    data = make_folder()

    def export(kind: Kind) -> Path:
        run = tmp_path / kind
        train(INTER if kind == "inter" else INTRA, [data], run, report=lambda _: None)
        export_state(run / "state.pt", [data], run / "weights.safetensors", batches=2)
        return run / "weights.safetensors"

    return export


def test_exported_weights_code(exported: Callable[[Kind], Path], synthetic: ModuleType) -> None:
    intra, inter = (load_dct_weights(exported(kind)).native() for kind in ("intra", "inter"))
    first, second = (
        to_planes(frame.transpose(1, 2, 0)) for frame in synthetic.moving_frames(2, 64, 48)
    )
    payload, key = intra.encode(first, 40)
    assert len(payload) < first[0].size
    payload, coded = inter.encode(second, 40, key)
    decoded = inter.decode(payload, (48, 64), key)
    for sent, got, was in zip(coded.planes(), decoded.planes(), second, strict=True):
        np.testing.assert_array_equal(sent, got)
        assert np.abs(got.astype(int) - was).mean() < 8


@pytest.mark.parametrize("config", [INTER, INTRA], ids=["inter", "intra"])
def test_a_run_starts_from_weights(exported: Callable[[Kind], Path], config: TrainConfig) -> None:
    weights = exported(config.kind)
    run = begin(config, [], weights, torch.device("cpu"), ALONE)
    _, trained = averaged_model(weights.with_name("state.pt"))
    for name, value in trained.state_dict().items():
        if name != "z_log_scale":  # known from the tables alone
            torch.testing.assert_close(
                run.model.state_dict()[name], value, rtol=0.05, atol=0.02, msg=name
            )


def test_grids_start_from_the_network_that_they_shared(exported: Callable[[Kind], Path]) -> None:
    """With a transform across macroblocks, each has one; and an export starts another run."""
    config = replace(INTER, hadamard=[0, 1])
    weights = exported("inter")
    for start in (weights, weights.with_name("state.pt")):
        shared = begin(INTER, [], start, torch.device("cpu"), ALONE).model.state_dict()
        own = begin(config, [], start, torch.device("cpu"), ALONE).model.state_dict()
        assert shared.keys() < own.keys()
        for grid in ("a00", "a11", "b01", "b10"):
            for name, value in shared.items():
                step = f"indexes_{grid[0]}."
                if name.startswith(step):
                    assert torch.equal(own[name.replace(step, f"hadamard_{grid}.")], value)


def test_a_run_across_macroblocks_is_exported(
    tmp_path: Path, make_folder: Callable[..., Path]
) -> None:
    config, data, run = replace(INTER, hadamard=[0, 1]), make_folder(), tmp_path / "run"
    train(config, [data], run, report=lambda _: None)
    export_state(run / "state.pt", [data], run / "weights.safetensors", batches=2)
    assert load_dct_weights(run / "weights.safetensors").hadamard == (0, 1)
    again = begin(config, [], run / "weights.safetensors", torch.device("cpu"), ALONE)
    _, trained = averaged_model(run / "state.pt")
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], value, rtol=0.05, atol=0.02)
    with pytest.raises(UsageError, match="holds weights of another shape"):
        begin(INTER, [], run / "weights.safetensors", torch.device("cpu"), ALONE)


def test_weights_that_do_not_fit_fail(exported: Callable[[Kind], Path], tmp_path: Path) -> None:
    weights = exported("inter")
    with pytest.raises(UsageError, match="holds weights of kind inter; accepted: intra"):
        begin(INTRA, [], weights, torch.device("cpu"), ALONE)
    with pytest.raises(UsageError, match="holds weights of another shape"):
        begin(replace(INTER, widths={}), [], weights, torch.device("cpu"), ALONE)
    (tmp_path / "no.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="cannot read the weights"):
        begin(INTER, [], tmp_path / "no.safetensors", torch.device("cpu"), ALONE)


def test_a_weights_file_is_not_overwritten(
    exported: Callable[[Kind], Path], tmp_path: Path
) -> None:
    weights = exported("inter")
    with pytest.raises(OutputError, match="exists; overwrite it"):
        export_state(weights.with_name("state.pt"), [tmp_path / "pairs"], weights, batches=1)
    with pytest.raises(
        UsageError, match=r"cannot read the training state .*none\.pt: No such file"
    ):
        export_state(tmp_path / "none.pt", [tmp_path / "pairs"], tmp_path / "new")
