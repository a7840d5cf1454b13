"""The loop: it learns, it goes on bit for bit, and refuses what does not fit."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from streamcodec.errors import UsageError
from streamcodec.training import Ending, TrainConfig, averaged_model, train
from streamcodec.training.batches import Batch, draw_batch, open_data
from streamcodec.training.config import Qualities
from streamcodec.training.replicas import ALONE
from streamcodec.training.state import begin
from streamcodec.training.trainer import check, learning_rate, train_step

pytestmark = pytest.mark.slow

WIDTHS = {
    "inter": {"synthesis": 8, "analysis": 8, "features": 8, "blocks": 1},
    "intra": {"synthesis": 8, "analysis": 8, "context": 8, "hyper": 8, "z": 4, "blocks": 1},
}
INTER = TrainConfig(
    "inter",
    6,
    batch=2,
    crop=32,
    held=2,
    log_every=1,
    check_every=3,
    save_every=2,
    widths=WIDTHS["inter"],
)
INTRA = replace(INTER, kind="intra", widths=WIDTHS["intra"])

MakeFolder = Callable[..., Path]


def quietly(
    config: TrainConfig, data: list[Path], out: Path, start: Path | None = None, **more: Any
) -> Ending:
    return train(config, data, out, start, report=more.pop("report", lambda _: None), **more)


def state_of(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(folder / "state.pt", weights_only=True)
    return state


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Tensors and values by their place."""
    if isinstance(value, dict):
        return {
            k: v for key, each in value.items() for k, v in flatten(each, f"{path}.{key}").items()
        }
    if isinstance(value, list):
        return {
            k: v
            for key, each in enumerate(value)
            for k, v in flatten(each, f"{path}.{key}").items()
        }
    return {path: value.tolist() if isinstance(value, torch.Tensor) else value}


@pytest.mark.parametrize("config", [INTER, INTRA], ids=["inter", "intra"])
def test_a_stopped_run_goes_on_bit_for_bit(
    tmp_path: Path, make_folder: MakeFolder, config: TrainConfig
) -> None:
    data = [make_folder(), make_folder("more", 8)]
    assert quietly(config, data, tmp_path / "straight") == Ending(6, None)

    def stop(line: str) -> None:
        if line.startswith("step 3/6"):
            signal.raise_signal(signal.SIGTERM)

    assert quietly(config, data, tmp_path / "stopped", report=stop) == Ending(3, signal.SIGTERM)
    assert quietly(config, data, tmp_path / "stopped") == Ending(6, None)
    assert flatten(state_of(tmp_path / "straight")) == flatten(state_of(tmp_path / "stopped"))
    logs = [
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("straight", "stopped")
    ]
    for first, second in zip(*logs, strict=True):
        assert without_times(first) == without_times(second)
    assert [row["step"] for row in logs[0] if "held_loss" in row] == [3, 6]


def without_times(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if "second" not in name}


def test_rows_after_the_last_state_come_again(tmp_path: Path, make_folder: MakeFolder) -> None:
    data = [make_folder()]

    def die(line: str) -> None:
        if line.startswith("step 3/6"):
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        quietly(INTER, data, tmp_path / "run", report=die)
    assert state_of(tmp_path / "run")["step"] == 2
    quietly(INTER, data, tmp_path / "run")
    rows = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("config", [INTER, INTRA], ids=["inter", "intra"])
def test_steps_lower_the_loss(make_folder: MakeFolder, config: TrainConfig) -> None:
    config = replace(config, crop=48, batch=8, held=8, lr=3e-3, warmup=1, steps=1000, ema=0.5)
    data = open_data([make_folder(count=32)], config.kind, 48, 8)
    run = begin(config, data.describe(), None, torch.device("cpu"), ALONE)
    before = check(
        run.average.module, data, run.config.qualities, run.config.objective, run.device
    )["held_loss"]
    for _ in range(12):
        batch = draw_batch(data, 8, 48, run.config.qualities, run.rng)
        train_step(run, batch, run.config.objective, config.lr, config.clip)
    after = check(run.average.module, data, run.config.qualities, run.config.objective, run.device)[
        "held_loss"
    ]
    assert after < 0.99 * before


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    run = begin(INTRA, [], None, torch.device("cpu"), ALONE)
    before = flatten(run.model.state_dict()), flatten(run.average.state_dict())
    frame = (torch.full((1, 1, 32, 32), float("nan")), torch.zeros(1, 2, 16, 16))
    figures = train_step(run, Batch(frame, torch.tensor([30.0])), run.config.objective, 1e-3, 1.0)
    assert not figures["gradient"] < float("inf")
    assert (flatten(run.model.state_dict()), flatten(run.average.state_dict())) == before
    assert run.step == 1


def test_the_learning_rate_rises_and_falls() -> None:
    config = TrainConfig("inter", 1000, lr=1.0, warmup=10, last_lr=0.1)
    rates = [learning_rate(step, config) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9]
    assert rates[-1] == pytest.approx(0.1, abs=1e-4)


def test_a_run_starts_from_averaged_weights(tmp_path: Path, make_folder: MakeFolder) -> None:
    data = [make_folder()]
    quietly(INTER, data, tmp_path / "first")
    start = tmp_path / "first" / "state.pt"
    run = begin(INTER, [], start, torch.device("cpu"), ALONE)
    config, model = averaged_model(start)
    assert config == INTER
    assert (
        flatten(model.state_dict())
        == flatten(run.model.state_dict())
        == flatten(run.average.module.state_dict())
    )
    assert flatten(model.state_dict()) != flatten(state_of(tmp_path / "first")["model"])
    with pytest.raises(UsageError, match="holds weights of kind inter; accepted: intra"):
        quietly(INTRA, data, tmp_path / "second", start)
    wide = replace(INTER, widths=WIDTHS["inter"] | {"features": 16})
    with pytest.raises(UsageError, match="holds weights of another shape"):
        quietly(wide, data, tmp_path / "second", start)


def test_another_run_in_the_folder_fails(tmp_path: Path, make_folder: MakeFolder) -> None:
    data = [make_folder()]
    quietly(INTER, data, tmp_path / "run")
    with pytest.raises(UsageError, match="state of another run: lr, steps differ"):
        quietly(replace(INTER, steps=7, lr=1e-4), data, tmp_path / "run")
    with pytest.raises(UsageError, match="state of another run: data differ"):
        quietly(INTER, [make_folder("other", 16)], tmp_path / "run")


def test_damaged_states_fail(tmp_path: Path, make_folder: MakeFolder) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "state.pt").write_bytes(b"PK no")
    with pytest.raises(UsageError, match="cannot read the training state"):
        quietly(INTER, [make_folder()], tmp_path / "run")


def test_data_that_does_not_fit_fails(tmp_path: Path, make_folder: MakeFolder) -> None:
    with pytest.raises(UsageError, match="needs data"):
        quietly(INTER, [], tmp_path / "run")
    with pytest.raises(UsageError, match="crops of 48 pixels; accepted: 64 or more"):
        quietly(replace(INTER, crop=64), [make_folder()], tmp_path / "run")
    with pytest.raises(UsageError, match="frames without predictions; they train kind intra only"):
        quietly(INTER, [make_folder("stills", stills=True)], tmp_path / "run")
    with pytest.raises(UsageError, match="widths are"):
        quietly(replace(INTER, widths={"depth": 3}), [tmp_path / "pairs"], tmp_path / "run")
    assert not (tmp_path / "run" / "state.pt").exists()


def test_stills_and_pairs_train_i_frames_together(tmp_path: Path, make_folder: MakeFolder) -> None:
    data = [make_folder(), make_folder("stills", 9, stills=True)]
    assert quietly(replace(INTRA, steps=1), data, tmp_path / "run") == Ending(1, None)


def test_qualities_are_those_of_the_config() -> None:
    run = begin(replace(INTER, lowest_q=20.0, q_spread=1.0), [], None, torch.device("cpu"), ALONE)
    assert run.config.qualities == Qualities(20.0, 44.0, 1.0, 0.1)
