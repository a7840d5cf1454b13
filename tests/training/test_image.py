"""Published image models trained on their own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from streamcodec.errors import UsageError
from streamcodec.models import create, load_checkpoint, save_checkpoint
from streamcodec.models.factorized import analysis, synthesis
from streamcodec.training import Data, TrainConfig, load_config, train
from streamcodec.training.image import ImageTrainer
from streamcodec.training.image_start import start_transforms
from streamcodec.training.principal import decompose

from .small_runs import SMALL_IMAGE, shards_in, small_config, write_shards
from .test_principal import smooth_frames

SIZES = {"N": 48, "M": 12}
CONFIGS = Path(__file__).parents[2] / "streamcodec" / "training" / "configs"


def image_config(**fields: Any) -> TrainConfig:
    return small_config(**{"model": "mbt2018-mean", "flow_batch": 0, "image": SIZES, "steps": 3, **fields})


def run(config: TrainConfig, folder: Path, shards: Path, weights: Path | None = None) -> dict[str, Tensor]:
    train(config, Data("shards", shards), folder, weights, report=lambda _: None)
    return load_checkpoint(folder / f"{config.model}.safetensors").model.state_dict()


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    (folder := tmp_path / "shards").mkdir()
    return write_shards(folder)


@pytest.mark.parametrize("model", ["bmshj2018-factorized", "bmshj2018-hyperprior", "mbt2018-mean"])
@pytest.mark.parametrize("stage", ["joint", "entropy"])
def test_a_stage_trains_what_it_should(model: str, stage: Any, tmp_path: Path) -> None:
    trainer = ImageTrainer(image_config(model=model, stage=stage, image_start="principal"), shards_in(tmp_path))
    before = {name: parameter.detach().clone() for name, parameter in trainer.image.named_parameters()}
    losses = [trainer.step()["image_loss"] for _ in range(3)]
    assert all(loss > 0 for loss in losses)
    moved = {name for name, parameter in trainer.image.named_parameters() if not parameter.equal(before[name])}
    assert any(name.startswith("g_a.") for name in moved) == any(name.startswith("gains.") for name in moved) == (stage == "joint")
    assert any(name.startswith("entropy_bottleneck.matrices") for name in moved)
    assert any(name.startswith("h_s.") for name in moved) == (model != "bmshj2018-factorized")


def test_a_run_goes_on_bit_for_bit(shards: Path, tmp_path: Path) -> None:
    config = image_config(steps=4, image_start="principal")
    whole = run(config, tmp_path / "whole", shards)
    source = Data("shards", shards).open(config)
    first, second = ImageTrainer(config, source), ImageTrainer(config, source)
    for trainer in (first, second):
        if trainer is second:
            second.resume(tmp_path / "state.pt")
        trainer.step()
        trainer.step()
        trainer.save(tmp_path / "state.pt")
    second.export(tmp_path)
    resumed = load_checkpoint(tmp_path / "mbt2018-mean.safetensors").model.state_dict()
    assert all(value.equal(resumed[key]) for key, value in whole.items())


def test_one_model_starts_from_the_weights_of_another(shards: Path, tmp_path: Path) -> None:
    first = run(image_config(image_start="principal"), tmp_path / "mean", shards)
    config = image_config(model="bmshj2018-hyperprior", stage="entropy", image_start="weights", weights_of="mbt2018-mean")
    second = run(config, tmp_path / "scale", shards, tmp_path / "mean")
    shared = [key for key in second if key.startswith(("g_a.", "g_s.", "gains."))]
    assert shared
    assert all(second[key].equal(first[key]) for key in shared)
    assert not second["h_a.0.weight"].equal(first["h_a.0.weight"])  # taken, then trained
    assert second["h_s.4.weight"].shape != first["h_s.4.weight"].shape  # has another shape: fresh


def test_started_transforms_give_back_what_the_components_hold() -> None:
    step = 0.1
    cascade = decompose(F.pixel_unshuffle(smooth_frames(20), 4), 48, 40, 0.0)
    g_a, g_s = analysis(48, 40), synthesis(48, 40)
    start_transforms(g_a, g_s, cascade, step)
    new = smooth_frames(4, seed=4)
    with torch.no_grad():
        y = g_a(new + 0.5)
        back = g_s(y) - 0.5
    assert (back - new).square().mean() / new.square().mean() < 0.02
    deviations = y.transpose(0, 1).flatten(1).std(1)
    torch.testing.assert_close(deviations[:4], cascade.at16.sigma[:4] / step, rtol=0.35, atol=0)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    source = shards_in(tmp_path)
    with pytest.raises(UsageError, match="flow_batch of 2; accepted: an image_batch and no flow_batch"):
        image_config(flow_batch=2)
    with pytest.raises(UsageError, match="weights_of is x; accepted only with a model"):
        small_config(weights_of="x")
    with pytest.raises(UsageError, match="does not fit nonsense"):
        ImageTrainer(image_config(model="nonsense"), source)
    with pytest.raises(UsageError, match="model is quarter-image; accepted: an image model with transforms"):
        ImageTrainer(image_config(model="quarter-image", image={}), source)
    with pytest.raises(UsageError, match="starts from weights: their folder must be given"):
        ImageTrainer(image_config(image_start="weights"), source)
    with pytest.raises(UsageError, match="do not fit MeanScaleHyperprior; accepted: four 5x5 convolutions, 48 channels"):
        ImageTrainer(image_config(image={"N": 8, "M": 12}, image_start="principal"), source)


def test_weights_that_share_nothing_are_refused(tmp_path: Path) -> None:
    other = create("quarter-image", **SMALL_IMAGE)
    other.update()
    save_checkpoint(tmp_path / "quarter-image.safetensors", other, "quarter-image", **SMALL_IMAGE)
    config = image_config(image_start="weights", weights_of="quarter-image")
    with pytest.raises(UsageError, match=r"nothing in .* fits the model MeanScaleHyperprior"):
        ImageTrainer(config, shards_in(tmp_path), tmp_path)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("image-*.toml")), ids=lambda path: path.stem)
def test_the_configs_of_the_shipped_presets_are_sound(path: Path, tmp_path: Path) -> None:
    config = replace(load_config(path), image_start="fresh", weights_of="", image={"N": 8, "M": 12}, crop=32, image_batch=1)
    assert ImageTrainer(config, shards_in(tmp_path)).step()["image_loss"] > 0
