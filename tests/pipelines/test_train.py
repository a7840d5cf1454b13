"""Two workers of Ray Train on the CPU."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from streamcodec.errors import UsageError
from streamcodec.models import load_checkpoint
from streamcodec.training import Data, TrainConfig

pytest.importorskip("ray", reason="Ray is not installed")
pytest.importorskip("pydantic", reason="Ray Train's dependencies are not installed")

from streamcodec.pipelines import train as pipeline

WIDTHS = {"width4": 8, "width8": 8, "latent": 8, "hyper": 8}
FIELDS: dict[str, Any] = {"steps": 2, "image_start": "fresh", "flow_start": "fresh", "image_batch": 1, "flow_batch": 1, "chains": 2}
FIELDS |= {"crop": 32, "gain_rows": 3, "log_every": 1, "image": WIDTHS}
CONFIG = TrainConfig("joint", **FIELDS, flow=WIDTHS | {"motion_width4": 8, "motion_latent": 8, "motion_hyper": 8})


@pytest.fixture
def data(tmp_path: Path) -> Data:
    np.save(tmp_path / "0.frames.npy", np.random.default_rng(0).integers(0, 256, (4, 4, 3, 32, 32), np.uint8))
    np.save(tmp_path / "0.flows.npy", np.zeros((4, 2, 4, 2, 8, 8), np.float16))
    return Data("shards", tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_two_workers_train_one_model(tmp_path: Path, data: Data) -> None:
    said: list[str] = []
    pipeline.train_on_workers(CONFIG, data, tmp_path / "run", workers=2, threads=1, report=said.append)
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert [line.split("  ")[0] for line in said[1:-1]] == ["step 1/2", "step 2/2"]
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=False)
    assert len(state["ranks"]) == 2
    clips = [{walk["view"]["clip"] for walk in rank["chains"]} for rank in state["ranks"]]
    assert all(numbers <= {0, 1} for numbers in clips)  # each has two of the four
    for name in ("quarter-image", "quarter-flow"):
        load_checkpoint(tmp_path / "run" / f"{name}.safetensors").model.tables()


def test_more_workers_than_processors_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.ray, "cluster_resources", lambda: {"CPU": 2.0})
    with pytest.raises(UsageError, match="3 workers need as many CPUs; the Ray cluster has 2"):
        pipeline._check_resources("CPU", 3)


def test_one_named_gpu_for_several_workers_fails(tmp_path: Path, data: Data) -> None:
    with pytest.raises(UsageError, match="device is 'cuda:1'; accepted with several workers: cpu, cuda"):
        pipeline.train_on_workers(CONFIG, data, tmp_path / "run", workers=2, device="cuda:1")
