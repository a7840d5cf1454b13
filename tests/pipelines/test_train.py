"""Two workers of Ray Train on the CPU."""

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from streamcodec.errors import UsageError
from streamcodec.training import TrainConfig

pytest.importorskip("ray", reason="Ray is not installed")
pytest.importorskip("pydantic", reason="Ray Train's dependencies are not installed")

pytestmark = pytest.mark.slow

WIDTHS = {"synthesis": 8, "analysis": 8, "features": 8, "blocks": 1}
CONFIG = TrainConfig("inter", 2, batch=1, crop=32, held=2, log_every=1, widths=WIDTHS)


@pytest.fixture(scope="module")
def pipeline() -> ModuleType:
    """Ray Train takes seconds to import, which only the process that runs these tests has to wait for."""
    return import_module("streamcodec.pipelines.train")


@pytest.fixture
def data(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "pairs"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("frames", "predictions"):
        np.save(folder / f"{name}.npy", rng.integers(0, 256, (8, 48 * 48 * 3 // 2), np.uint8))
    np.save(folder / "q.npy", np.full(8, 30, np.float32))
    (folder / "pairs.json").write_text(json.dumps({"format": 1, "crop": 48, "count": 8}))
    return [folder]


@pytest.mark.ray
@pytest.mark.filterwarnings("ignore")
def test_two_workers_train_one_model(
    pipeline: ModuleType, tmp_path: Path, data: list[Path]
) -> None:
    said: list[str] = []
    pipeline.train_on_workers(
        CONFIG, data, tmp_path / "run", workers=2, threads=1, report=said.append
    )
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert [line.split("  ")[0] for line in said[1:-1]] == ["step 1/2", "step 2/2"]
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert len(state["ranks"]) == 2
    assert state["ranks"][0]["numpy"] != state["ranks"][1]["numpy"]  # each draws crops of its own


def test_more_workers_than_processors_fail(
    pipeline: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.ray, "cluster_resources", lambda: {"CPU": 2.0})
    with pytest.raises(UsageError, match="3 workers need as many CPUs; the Ray cluster has 2"):
        pipeline._check_resources("CPU", 3)


def test_one_named_gpu_for_several_workers_fails(
    pipeline: ModuleType, tmp_path: Path, data: list[Path]
) -> None:
    with pytest.raises(
        UsageError, match="device is 'cuda:1'; accepted with several workers: cpu, cuda"
    ):
        pipeline.train_on_workers(CONFIG, data, tmp_path / "run", workers=2, device="cuda:1")
