"""Clips and chains on a device, and the trainer that replays steps on them, here on the CPU."""

from pathlib import Path

import pytest
import torch

from streamcodec.errors import UsageError
from streamcodec.training import Data, train
from streamcodec.training.chains import snap, snap_straight_through
from streamcodec.training.data import View
from streamcodec.training.resident import Clips, ResidentChains
from streamcodec.training.resident_trainer import ResidentTrainer, match_layout

from .small_runs import LENGTH, shards_in, small_config, write_shards

CPU = torch.device("cpu")
FIELDS = {"chains": 6, "flow_batch": 4, "image_batch": 2, "unroll": 2, "steps": 6, "log_every": 2}


def trainer_in(folder: Path, **fields: object) -> ResidentTrainer:
    return ResidentTrainer(small_config(**{**FIELDS, **fields}), shards_in(folder), None, "cpu")


def advance(trainer: ResidentTrainer, steps: int) -> None:
    trainer.prepare("eager")
    for _ in range(steps):
        trainer.advance()


def parameters(trainer: ResidentTrainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.models.state_dict().items()}


@pytest.mark.parametrize("flip", [0, 1])
@pytest.mark.parametrize("step", [1, -1])
def test_windows_equal_those_of_the_shards(tmp_path: Path, flip: int, step: int) -> None:
    shards = shards_in(tmp_path)
    clips = Clips(shards, 32, CPU)
    walk = torch.tensor([[5, 1, 2, flip, 3, step], [0, 0, 4, flip, 1, step]])
    for row, (frame, hint) in enumerate(zip(clips.frames(walk), clips.hints(walk), strict=True)):
        clip, top, left, _, t, _ = walk[row].tolist()
        view = View(clip, 4 * top, 4 * left, 32, bool(flip))
        torch.testing.assert_close(frame, torch.from_numpy(shards.frame(view, t)) / 255)
        torch.testing.assert_close(hint, torch.from_numpy(shards.hint(view, t, step)))


def test_walks_go_back_and_forth_and_stay_in_the_clip(tmp_path: Path) -> None:
    chains = ResidentChains(Clips(shards_in(tmp_path), 32, CPU), small_config(**FIELDS))
    every = torch.arange(6)
    seen = []
    for _ in range(3 * LENGTH):
        before = chains.walk[:, 4].clone()
        chains.advance(every)
        assert ((chains.walk[:, 4] - before).abs() == 1).all()
        seen.append(chains.walk[:, 4].clone())
    assert torch.stack(seen).min() == 0
    assert torch.stack(seen).max() == LENGTH - 1


def test_the_deepest_chains_start_again(tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path)
    advance(trainer, 14)
    depth = trainer.resident.depth
    assert 0 < int(depth.max()) <= 24  # 6 chains, 2 of them begun in every step, 2 frames a step
    assert (trainer.resident.references * 255 - (trainer.resident.references * 255).round()).abs().max() < 1e-3


def test_resumed_run_equals_the_straight_one_on_the_device(tmp_path: Path) -> None:
    straight = trainer_in(tmp_path)
    advance(straight, 4)
    half = trainer_in(tmp_path)
    advance(half, 2)
    half.save(tmp_path / "state.pt")
    resumed = trainer_in(tmp_path)
    resumed.resume(tmp_path / "state.pt")
    advance(resumed, 2)
    expected = parameters(straight)
    assert all(torch.equal(value, expected[name]) for name, value in parameters(resumed).items())


def test_state_of_the_plain_trainer_fails(tmp_path: Path) -> None:
    shards = write_shards(tmp_path)
    train(small_config(steps=1, flow_batch=2, chains=2), Data("shards", shards), tmp_path / "run")
    trainer = trainer_in(tmp_path, steps=1, flow_batch=2, chains=2, unroll=1, log_every=10)
    with pytest.raises(UsageError, match="without chains on the device"):
        trainer.resume(tmp_path / "run" / "state.pt")


def test_compact_state_carries_weights_and_squares(tmp_path: Path) -> None:
    first = trainer_in(tmp_path)
    advance(first, 3)
    state = first.compact()
    assert {value.dtype for value in state["weights"].values() if value.ndim == 4} == {torch.float16}
    second = trainer_in(tmp_path)
    second.take_up(state)
    assert second.step_count == 3
    optimizer, weight = second._main, second.flow.context.weight
    torch.testing.assert_close(optimizer.state[weight]["exp_avg_sq"], state["squares"]["quarter-flow.context.weight"].float())
    advance(second, 1)
    assert second.read_figures()["skipped"] == 0
    other = trainer_in(tmp_path, lr=0.5)
    other.take_up(state)
    assert other.step_count == 0


def test_state_of_other_models_fails(tmp_path: Path) -> None:
    state = trainer_in(tmp_path).compact()
    with pytest.raises(UsageError, match="state is of other models"):
        trainer_in(tmp_path, gain_rows=4).take_up(state)


def test_step_that_is_not_finite_changes_no_network(tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path)
    advance(trainer, 1)
    trainer.read_figures()
    with torch.no_grad():
        trainer.flow.residual_decoder.tail.bias[0] = float("nan")  # type: ignore[index]
    before = parameters(trainer)
    trainer.advance()
    changed = {name for name, value in parameters(trainer).items() if not torch.equal(value.nan_to_num(), before[name].nan_to_num())}
    assert all(name.endswith("quantiles") for name in changed)
    assert trainer.read_figures()["skipped"] == 1
    assert trainer.resident.references.isfinite().all()


def test_gradient_passes_through_the_chain_into_the_i_frame(tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path)
    trainer.image.hyperprior.gains.gain.data += 4  # symbols that are not all 0, which fresh decoders would pass no gradient for
    trainer.prepare("eager")
    costs = trainer._chain_costs()
    costs["flow"][-1].loss.sum().backward()  # type: ignore[no-untyped-call]
    assert trainer.image.encoder.head.weight.grad is not None
    assert trainer.image.encoder.head.weight.grad.abs().max() > 0
    x_hat = torch.tensor([-0.5, 0.301, float("nan")], requires_grad=True)
    snapped = snap_straight_through(x_hat)
    torch.testing.assert_close(snapped[:2].detach(), snap(x_hat.detach()[:2]))
    assert snapped.isfinite().all()


def test_gradient_gets_the_strides_of_its_parameter() -> None:
    weight = torch.nn.Parameter(torch.zeros(8, 4, 1, 1))
    values = torch.arange(32.0).view(8, 4)
    weight.grad = values.as_strided((8, 4, 1, 1), (4, 1, 4, 4))
    assert weight.grad.stride() != weight.stride()
    match_layout(weight)
    assert weight.grad.stride() == weight.stride()
    assert torch.equal(weight.grad.flatten(), values.flatten())


def test_image_stage_trains_the_image_model_alone(tmp_path: Path) -> None:
    trainer = trainer_in(tmp_path, flow_batch=0, chains=0, unroll=1)
    before = parameters(trainer)
    advance(trainer, 2)
    changed = {name for name, value in parameters(trainer).items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("quarter-image.") or name.endswith("quantiles") for name in changed)


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"image_batch": 0}, "image_batch is 0"), ({"image_batch": 5}, "image_batch is 5"), ({"image_every": 2}, "image_every is 2")],
)
def test_chains_that_do_not_fit_fail(tmp_path: Path, fields: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ResidentChains(Clips(shards_in(tmp_path), 32, CPU), small_config(**{**FIELDS, **fields}))


def test_window_larger_than_the_clips_fails(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="crop is 64"):
        Clips(shards_in(tmp_path), 64, CPU)
