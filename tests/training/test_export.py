"""Weights files of a run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from streamcodec.codec.dct_weights import load_dct_weights
from streamcodec.errors import OutputError, UsageError
from streamcodec.training import TrainConfig, export_state, train
from streamcodec.training.config import Kind
from streamcodec.training.data.synthetic import to_planes

INTER = TrainConfig("inter", 2, batch=2, crop=32, widths={"synthesis": 32, "analysis": 32, "features": 32, "blocks": 1})
INTRA = replace(INTER, kind="intra", widths={"synthesis": 32, "analysis": 32, "context": 32, "hyper": 32, "z": 4, "blocks": 1})


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
    first, second = (to_planes(frame.transpose(1, 2, 0)) for frame in synthetic.moving_frames(2, 64, 48))
    payload, key = intra.encode(first, 40)
    assert len(payload) < first[0].size
    payload, coded = inter.encode(second, 40, key)
    decoded = inter.decode(payload, (48, 64), key)
    for sent, got, was in zip(coded.planes(), decoded.planes(), second, strict=True):
        np.testing.assert_array_equal(sent, got)
        assert np.abs(got.astype(int) - was).mean() < 8


def test_a_weights_file_is_not_overwritten(exported: Callable[[Kind], Path], tmp_path: Path) -> None:
    weights = exported("inter")
    with pytest.raises(OutputError, match="exists; overwrite it"):
        export_state(weights.with_name("state.pt"), [tmp_path / "pairs"], weights, batches=1)
    with pytest.raises(UsageError, match="cannot read the training state"):
        export_state(tmp_path / "none.pt", [tmp_path / "pairs"], tmp_path / "new")
