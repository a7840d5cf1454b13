"""The loop: it learns, goes on bit for bit, exports what the codec loads, and refuses what does not fit."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from streamcodec.errors import UsageError
from streamcodec.models import load_checkpoint
from streamcodec.training import Data, Trainer, train

from .small_runs import shards_in, small_config, write_shards


def parameters(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.models.state_dict().items()}


@pytest.mark.parametrize("fields", [{}, {"unroll": 3}])
def test_resumed_run_equals_the_straight_one(tmp_path: Path, fields: dict[str, Any]) -> None:
    config, shards = small_config(steps=6, **fields), shards_in(tmp_path)
    straight = Trainer(config, shards)
    figures = [straight.step() for _ in range(6)]
    half = Trainer(config, shards)
    for _ in range(3):
        half.step()
    half.save(tmp_path / "state.pt")
    resumed = Trainer(config, shards)
    resumed.resume(tmp_path / "state.pt")
    assert [resumed.step() for _ in range(3)] == figures[3:]
    expected = parameters(straight)
    assert all(torch.equal(value, expected[name]) for name, value in parameters(resumed).items())


@pytest.mark.parametrize(("fields", "still"), [({"flow_batch": 0}, "quarter-flow."), ({"image_batch": 0}, "quarter-image.")])
def test_model_that_is_not_trained_stays_as_it_is(tmp_path: Path, fields: dict[str, Any], still: str) -> None:
    trainer = Trainer(small_config(**fields), shards_in(tmp_path))
    before = parameters(trainer)
    trainer.step()
    changed = {name for name, value in parameters(trainer).items() if not torch.equal(value, before[name])}
    assert changed
    assert not any(name.startswith(still) for name in changed)


def test_loss_that_is_not_finite_changes_nothing(tmp_path: Path) -> None:
    trainer = Trainer(small_config(), shards_in(tmp_path))
    with torch.no_grad():
        trainer.flow.residual_decoder.tail.bias[0] = float("nan")  # type: ignore[index]
    before = parameters(trainer)
    trainer.step()
    after = parameters(trainer)
    assert all(torch.equal(value.nan_to_num(), after[name].nan_to_num()) for name, value in before.items())


def test_run_writes_log_state_and_weights_that_start_another(tmp_path: Path) -> None:
    shards = write_shards(tmp_path)
    config = small_config(steps=2, flow_start="fresh", flow_batch=0, image_start="principal", log_every=1)
    train(config, Data("shards", shards), tmp_path / "first")
    assert [json.loads(line)["step"] for line in (tmp_path / "first" / "log.jsonl").read_text().splitlines()] == [1, 2]
    assert load_checkpoint(tmp_path / "first" / "quarter-image.safetensors").model.gain_rows == 3
    assert not (tmp_path / "first" / "quarter-flow.safetensors").exists()
    second = small_config(steps=1, image_start="weights", flow_start="principal", stage="entropy", kept=2)
    train(second, Data("shards", shards), tmp_path / "second", tmp_path / "first")
    load_checkpoint(tmp_path / "second" / "quarter-flow.safetensors").model.tables()


def test_finished_run_does_no_more_steps(tmp_path: Path) -> None:
    shards, config = write_shards(tmp_path), small_config(steps=1, flow_batch=0, log_every=1)
    for _ in range(2):
        train(config, Data("shards", shards), tmp_path / "run")
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 1


def test_state_of_another_config_fails(tmp_path: Path) -> None:
    shards = write_shards(tmp_path)
    train(small_config(steps=1, flow_batch=0), Data("shards", shards), tmp_path / "run")
    with pytest.raises(UsageError, match=r"state of another run: lr differ"):
        train(small_config(steps=1, flow_batch=0, lr=0.5), Data("shards", shards), tmp_path / "run")


def test_damaged_state_fails(tmp_path: Path) -> None:
    trainer = Trainer(small_config(), shards_in(tmp_path))
    (tmp_path / "state.pt").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="cannot read the training state"):
        trainer.resume(tmp_path / "state.pt")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_start": "weights"}, "folder of quarter-image.safetensors must be given"),
        ({"flow_start": "principal"}, "image_start must be weights"),
        ({"image": {"width": 3}}, "does not fit quarter-image"),
    ],
)
def test_start_that_does_not_fit_fails(tmp_path: Path, fields: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Trainer(small_config(**fields), shards_in(tmp_path))


@pytest.mark.parametrize("channels_last", [True, False])
def test_memory_format_is_the_config_s(tmp_path: Path, channels_last: bool) -> None:
    trainer = Trainer(small_config(channels_last=channels_last), shards_in(tmp_path))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    batch = trainer._chains.next(trainer._code_first)
    wide = [weight for weight in trainer.models.parameters() if weight.ndim == 4 and min(weight.shape[1:]) > 1]
    assert all(tensor.is_contiguous(memory_format=layout) for tensor in (batch.frames, batch.references, *wide))


def test_models_are_compiled_where_the_config_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda model, **_: compiled.append(type(model).__name__))
    Trainer(small_config(image_batch=0), shards_in(tmp_path))
    assert compiled == []
    Trainer(small_config(compile=True, image_batch=0), shards_in(tmp_path))
    assert compiled == ["QuarterImage", "QuarterFlow"]
