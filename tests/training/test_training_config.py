"""Training configs: what is read, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

import streamcodec.training
from streamcodec.errors import UsageError
from streamcodec.training import TrainConfig, load_config

CONFIGS = sorted((Path(streamcodec.training.__file__).parent / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_config_loads(path: Path) -> None:
    assert load_config(path).steps > 0


def test_there_are_shipped_configs() -> None:
    assert len(CONFIGS) >= 3


def test_config_reads_fields_and_tables(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('stage = "joint"\nsteps = 7\nflow_batch = 2\nlr = 1\n[flow]\nlatent = 96\n')
    assert load_config(tmp_path / "c.toml") == TrainConfig(stage="joint", steps=7, flow_batch=2, lr=1, flow={"latent": 96})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('stage = "joint"\nsteps = 1\nflow_batch = 1\nstep = 2', "unknown keys step;"),
        ('stage = "joint"', "lacks steps"),
        ("stage = ", "cannot read the training config"),
        ('stage = "both"\nsteps = 1\nflow_batch = 1', "stage is 'both'; accepted: entropy, joint"),
        ('stage = "joint"\nsteps = 1.5\nflow_batch = 1', "steps is 1.5; accepted: an integer"),
        ('stage = "joint"\nsteps = true\nflow_batch = 1', "steps is True"),
        ('stage = "joint"\nsteps = 1', "nothing would be trained"),
    ],
)
def test_bad_file_fails(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        load_config(tmp_path / "c.toml")


def test_missing_file_fails(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the training config"):
        load_config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "fields",
    [
        {"steps": 0},
        {"chains": 0},
        {"max_depth": 3},
        {"lambda_low": 0.0},
        {"lambda_low": 0.1},
        {"lr": -1.0},
        {"lr": float("nan")},
        {"ema": 1.0},
        {"gain_rows": 1},
        {"image": {"latent": "wide"}},
        {"precision": "fp16"},
    ],
)
def test_bad_value_fails(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(fields))):
        TrainConfig(**{"stage": "joint", "steps": 1, "flow_batch": 1, **fields})
