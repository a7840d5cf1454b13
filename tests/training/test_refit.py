"""The entropy stage: hyperpriors learn from kept latents, nothing else moves, and a run goes on from any point of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from streamcodec.errors import UsageError
from streamcodec.models import load_checkpoint
from streamcodec.training import Data, train
from streamcodec.training.journal import sum_up
from streamcodec.training.refit import EntropyTrainer, Kept
from streamcodec.training.resident_trainer import ResidentTrainer

from .small_runs import shards_in, small_config, write_shards

FIELDS: dict[str, Any] = {"stage": "entropy", "kept": 3, "kept_batch": 4, "entropy_lr": 3e-3, "motion_entropy_lr": 3e-3, "clip": 5.0}


def trainer_in(folder: Path, **fields: Any) -> EntropyTrainer:
    return EntropyTrainer(small_config(**{**FIELDS, **fields}), shards_in(folder))


def ready(trainer: EntropyTrainer) -> EntropyTrainer:
    while trainer.get_ready():
        pass
    return trainer


def parameters(trainer: EntropyTrainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.models.state_dict().items()}


def test_steps_lower_the_cost_of_the_kept_latents(tmp_path: Path) -> None:
    trainer = ready(trainer_in(tmp_path, steps=60, warmup=5))

    @torch.no_grad()
    def bits() -> dict[str, float]:
        """Of all kept latents of each kind, bits per pixel."""
        rng = np.random.default_rng(1)
        found = {}
        for name, latent in trainer.latents.items():
            y, q = trainer.kept[name].draw(64, rng, trainer.device)
            found[name] = sum(-part.log2().sum().item() for part in latent.estimate(y, q).likelihoods.values())
        return found

    before = bits()
    for _ in range(60):
        trainer.step()
    after = bits()
    assert set(after) == {"image", "motion", "residual"}
    assert all(after[name] < 0.9 * before[name] for name in after), (before, after)


def test_only_hyperpriors_move(tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path)
    before = parameters(trainer)
    ready(trainer)
    assert all(torch.equal(value, before[name]) for name, value in parameters(trainer).items())
    for _ in range(2):
        trainer.step()
    changed = {name for name, value in parameters(trainer).items() if not torch.equal(value, before[name])}
    assert {name.split("hyperprior.")[0] for name in changed} == {"quarter-image.", "quarter-flow.motion_", "quarter-flow.residual_"}
    assert not any(".gains." in name for name in changed)


@pytest.mark.parametrize(
    ("fields", "counts"),
    [({}, {"image": 6, "motion": 6, "residual": 6}), ({"flow_batch": 0}, {"image": 6}), ({"image_batch": 0}, {"motion": 6, "residual": 6})],
)
def test_latents_are_kept_of_what_is_trained(tmp_path: Path, fields: dict[str, int], counts: dict[str, int]) -> None:
    trainer = ready(trainer_in(tmp_path, **fields))
    assert {name: len(kept) for name, kept in trainer.kept.items()} == counts
    assert set(trainer.step()) == {f"{name}_{figure}" for name in counts for figure in ("loss", "bpp")} | {"gradient"}


@torch.no_grad()
def test_what_is_kept_is_what_the_encoder_gives(tmp_path: Path) -> None:
    kept, y = Kept(), torch.randn(2, 3, 4, 5)
    kept.add(y, torch.tensor([0.5, 1.5]))
    for seed in range(4):
        drawn, q = kept.draw(3, np.random.default_rng(seed), torch.device("cpu"))
        for sample, quality in zip(drawn, q.tolist(), strict=True):
            expected = y[int(quality)].half().float()
            assert torch.equal(sample, expected) or torch.equal(sample, expected.flip(-1))


@pytest.mark.parametrize("collected", [0, 1, 4, 6])
def test_resumed_run_equals_the_straight_one(tmp_path: Path, collected: int) -> None:
    """Stopped before, within and after the collection, which takes 6 parts here, and after two steps."""
    straight = ready(trainer_in(tmp_path, steps=4))
    figures = [straight.step() for _ in range(4)]
    half = trainer_in(tmp_path, steps=4)
    for _ in range(collected):
        assert half.get_ready()
    half.save(tmp_path / "state.pt")
    resumed = trainer_in(tmp_path, steps=4)
    resumed.resume(tmp_path / "state.pt")
    found = [ready(resumed).step() for _ in range(2)]
    resumed.save(tmp_path / "state.pt")
    last = trainer_in(tmp_path, steps=4)
    last.resume(tmp_path / "state.pt")
    assert not last.get_ready()
    assert found + [last.step() for _ in range(2)] == figures
    expected = parameters(straight)
    assert all(torch.equal(value, expected[name]) for name, value in parameters(last).items())


def test_run_logs_exports_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    config = small_config(**FIELDS, steps=3, log_every=1)
    data, said = Data("shards", write_shards(tmp_path)), []
    assert train(config, data, tmp_path / "run", seconds=1e-9, report=said.append).step == 0
    assert "entropy models alone, on latents of 3 batches; learning rate 0.003" in said[0]
    assert train(config, data, tmp_path / "run", report=said.append).step == 3
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert all(
        np.isfinite(row[f"{name}_{figure}"]) for row in rows for name in ("image", "motion", "residual") for figure in ("loss", "bpp")
    )
    for part in ("image", "flow"):
        load_checkpoint(tmp_path / "run" / f"quarter-{part}.safetensors").model.tables()


def test_line_for_people_tells_each_hyperprior() -> None:
    row = {"step": 5, "steps_per_second": 2.0, "motion_loss": 1.5, "motion_bpp": 0.004, "residual_loss": 20.0, "residual_bpp": 0.07}
    expected = "step 5/9  motion loss 1.5000 (motion 0.0040 bpp)  residual loss 20.0000 (residual 0.0700 bpp)  2.00 steps/s  0:00:02 left"
    assert sum_up(row, 9) == expected


def test_entropy_stage_on_the_device_fails(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="stage is entropy; accepted here: joint"):
        ResidentTrainer(small_config(stage="entropy"), shards_in(tmp_path), device="cpu")


@pytest.mark.parametrize("fields", [{"kept": 0}, {"kept_batch": 0}])
def test_bad_values_fail(fields: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(fields))} is 0; accepted: 1 or more"):
        small_config(**fields)
