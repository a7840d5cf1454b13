"""Gradients through the chain, on the CPU's trainer and by themselves."""

from pathlib import Path

import pytest
import torch

from streamcodec.training import Trainer
from streamcodec.training.chains import snap, snap_straight_through
from streamcodec.training.loss import figures_of, mean_loss
from streamcodec.training.unroll import walk_unrolled

from .small_runs import shards_in, small_config


def trainer_in(folder: Path, unroll: int) -> Trainer:
    return Trainer(small_config(unroll=unroll, image_batch=0), shards_in(folder))


def test_gradient_reaches_the_first_reference(tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path, 3)
    batch = trainer._chains.next(trainer._code_first)
    references = batch.references.clone().requires_grad_()
    costs, x_hat = walk_unrolled(trainer.flow, trainer._chains.frames(batch), references, batch.q, trainer.config)
    assert len(costs) == 3
    (gradient,) = torch.autograd.grad(costs[-1].mse.sum(), references)
    assert gradient.abs().max() > 0
    assert x_hat.shape == batch.frames.shape


def test_step_walks_so_many_frames_on(tmp_path: Path) -> None:
    for unroll in (1, 3):
        trainer = trainer_in(tmp_path, unroll)
        before = sum(walk.left for walk in trainer._chains._walks)
        trainer._walk(trainer._chains)
        assert before - sum(walk.left for walk in trainer._chains._walks) == unroll * trainer.config.flow_batch


def test_loss_is_the_mean_over_the_frames(tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path, 2)
    costs = trainer._walk(trainer._chains)
    torch.testing.assert_close(mean_loss(costs), torch.cat([cost.loss for cost in costs]).mean())
    figures = figures_of("flow", costs)
    assert set(figures) == {"flow_loss", "flow_psnr_db", "flow_last_psnr_db", "motion_bpp", "residual_bpp"}
    torch.testing.assert_close(figures["flow_last_psnr_db"], -10 * costs[1].mse.log10().mean())


def test_reference_of_the_next_step_is_the_last_reconstruction(tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path, 2)
    batch = trainer._chains.next(trainer._code_first)
    _, x_hat = walk_unrolled(trainer.flow, trainer._chains.frames(batch), batch.references, batch.q, trainer.config)
    trainer._chains.keep(x_hat)
    kept = [trainer._chains._walks[index].reference for index in trainer._chains._drawn]
    for reference, expected in zip(kept, snap(x_hat.detach()), strict=True):
        assert reference is not None
        assert torch.equal(reference, expected)


def test_snap_lets_the_gradient_of_the_clamp_through() -> None:
    x_hat = torch.tensor([-0.5, 0.301, 0.7, float("nan")], requires_grad=True)
    snapped = snap_straight_through(x_hat)
    torch.testing.assert_close(snapped[:3].detach(), snap(x_hat.detach()[:3]))
    (gradient,) = torch.autograd.grad(snapped[:3].sum(), x_hat)
    assert gradient.tolist()[:3] == [0, 1, 1]
    assert snapped.isfinite().all()


@pytest.mark.parametrize("fields", [{"image_batch": 0, "unroll": 2}, {"image_batch": 4, "flow_batch": 0}])
def test_training_lowers_the_loss_of_a_fixed_batch(tmp_path: Path, fields: dict[str, int]) -> None:
    """The same frames, chains and noise in every step."""
    config = small_config(steps=40, lr=2e-3, entropy_lr=5e-3, chains=2, min_depth=9, max_depth=9, **fields)
    trainer = Trainer(config, shards_in(tmp_path))
    losses = []
    start = trainer._state()["ranks"][0]
    for _ in range(40):
        figures = trainer.step()
        losses.append(sum(value for name, value in figures.items() if name.endswith("_loss")))
        trainer._chains.load_state_dict(start["chains"])
        trainer._rng.bit_generator.state = start["numpy"]
        torch.set_rng_state(start["torch"])
    assert losses[-1] < 0.8 * losses[0]
