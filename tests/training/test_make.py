"""Pairs made of videos, photographs and print."""

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from streamcodec.codec.dct_random import random_weights
from streamcodec.codec.dct_weights import save_dct_weights
from streamcodec.errors import ModelError, OutputError, SourceError, UsageError
from streamcodec.quality import q_of, quality_of
from streamcodec.training import Recipe, make_pairs, open_pairs
from streamcodec.training.data.references import load_models, predict_from_codec
from streamcodec.training.data.synthetic import to_planes

pytestmark = pytest.mark.slow

pytest.importorskip("kornia", reason="kornia is not installed")
pytest.importorskip("PIL", reason="Pillow is not installed")


def make(recipe: Recipe, out: Path, count: int = 8, jobs: int = 1) -> list[str]:
    said: list[str] = []
    make_pairs(recipe, out, count, jobs=jobs, report=said.append)
    return said


@pytest.mark.parametrize("kind", ["videos", "moving", "text"])
def test_predictions_are_close_to_their_frames(recipe: Recipe, tmp_path: Path, kind: str) -> None:
    shares = {"videos": (0.0, 0.0), "moving": (1.0, 0.0), "text": (0.0, 1.0)}[kind]
    recipe = replace(recipe, moving=shares[0], text=shares[1], lowest_q=12.0, highest_q=20.0)
    said = make(recipe, tmp_path / "out")
    pairs = open_pairs(tmp_path / "out")
    assert said == ["8 of 8 crops"]
    assert (pairs.count, pairs.crop) == (8, 64)
    assert pairs.crops.predictions is not None
    assert pairs.crops.q is not None
    frames, predictions = pairs.crops.frames.astype(float), pairs.crops.predictions.astype(float)
    error = np.square(frames - predictions).mean(1)
    assert frames.std(1).max() > 5
    assert error.max() < 0.25 * frames.var(1).max()
    assert np.all((pairs.crops.q >= 12) & (pairs.crops.q <= 20))


def test_stills_have_no_predictions(recipe: Recipe, tmp_path: Path) -> None:
    make(replace(recipe, stills=True), tmp_path / "out", 6)
    crops = open_pairs(tmp_path / "out").crops
    assert crops.frames.shape == (6, 64 * 64 * 3 // 2)
    assert crops.predictions is None
    assert crops.q is None


def test_processes_make_no_difference(recipe: Recipe, tmp_path: Path) -> None:
    make(recipe, tmp_path / "one", 20)
    make(recipe, tmp_path / "two", 20, jobs=2)
    for name in ("frames", "predictions", "q"):
        assert (tmp_path / "one" / f"{name}.npy").read_bytes() == (
            tmp_path / "two" / f"{name}.npy"
        ).read_bytes()


def test_a_folder_that_was_begun_is_completed(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamcodec.training.data import make as module

    make(recipe, tmp_path / "straight", 20)
    whole = module._make

    def fail_at_3(material: object, number: int) -> object:
        if number == 3:
            raise KeyboardInterrupt
        return whole(material, number)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_make", fail_at_3)
    with pytest.raises(KeyboardInterrupt):
        make(recipe, tmp_path / "out", 20)
    with pytest.raises(
        UsageError, match=r"is not a folder of pairs .* yet: make it with the same command again"
    ):
        open_pairs(tmp_path / "out")
    monkeypatch.setattr(module, "_make", whole)
    assert make(recipe, tmp_path / "out", 20) == ["8 of 8 crops"]
    assert make(recipe, tmp_path / "out", 20) == []
    for name in ("frames", "predictions", "q"):
        assert (tmp_path / "straight" / f"{name}.npy").read_bytes() == (
            tmp_path / "out" / f"{name}.npy"
        ).read_bytes()


def test_unreadable_files_are_named_and_left_out(recipe: Recipe, tmp_path: Path) -> None:
    said = make(
        replace(recipe, videos=(*recipe.videos, broken(tmp_path)), moving=0, text=0),
        tmp_path / "out",
        40,
    )
    assert [line for line in said if "left out: cannot read" in line and "broken.mp4" in line]
    assert open_pairs(tmp_path / "out").count == 40


def test_nothing_readable_fails(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"no clip was usable in 50 draws: cannot read .*broken.mp4"
    ):
        make(Recipe((broken(tmp_path),), crop=64, text=0), tmp_path / "out")


def test_small_pictures_fail(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="all are shorter or smaller than 256 pixels"):
        make(replace(recipe, crop=256, moving=0, text=0), tmp_path / "out")


def test_another_recipe_fails(recipe: Recipe, tmp_path: Path) -> None:
    make(recipe, tmp_path / "out", 4)
    with pytest.raises(OutputError, match=r"holds pairs made otherwise \(recipe\)"):
        make(replace(recipe, seed=2), tmp_path / "out", 4)
    with pytest.raises(OutputError, match=r"holds pairs made otherwise \(count\)"):
        make(recipe, tmp_path / "out", 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"videos": (), "photos": ()}, "nothing to make pairs of"),
        ({"videos": (Path("nowhere"),)}, "nowhere does not exist"),
        ({"crop": 72}, "crop is 72; accepted: multiples of 16"),
    ],
)
def test_bad_recipes_fail(
    recipe: Recipe, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        make(replace(recipe, **changes), tmp_path / "out")  # type: ignore[arg-type]


def test_folders_without_videos_fail(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no videos in .*empty; known by"):
        make(Recipe((tmp_path / "empty",), crop=64), tmp_path / "out")
    with pytest.raises(UsageError, match=r"no pictures in .*empty; known by"):
        make(Recipe((), (tmp_path / "empty",), crop=64), tmp_path / "out")


def test_incomplete_folders_fail(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder of pairs"):
        open_pairs(tmp_path)
    np.save(tmp_path / "frames.npy", np.zeros((3, 5), np.uint8))
    (tmp_path / "pairs.json").write_text(json.dumps({"format": 1, "crop": 48, "count": 3}))
    with pytest.raises(UsageError, match=r"frames.npy is \(3, 5\); accepted: \(3, 3456\)"):
        open_pairs(tmp_path)


def broken(folder: Path) -> Path:
    path = folder / "broken.mp4"
    path.write_bytes(b"no video")
    return path


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Untrained weights of I-frames and P-frames."""
    folder = tmp_path_factory.mktemp("codec")
    for kind in ("intra", "inter"):
        save_dct_weights(folder / kind, random_weights(kind))  # type: ignore[arg-type]
    return folder / "intra", folder / "inter"


def test_the_codec_codes_its_own_references(
    recipe: Recipe, tmp_path: Path, codec: tuple[Path, Path]
) -> None:
    make(replace(recipe, codec=codec), tmp_path / "out", 24)
    crops = open_pairs(tmp_path / "out").crops
    assert crops.q is not None
    assert crops.before is not None
    nearest = [q_of(quality_of(float(q))) for q in crops.q]
    np.testing.assert_allclose(crops.q, nearest, atol=1e-4)
    with_symbols = crops.before.reshape(24, -1).any(1)
    assert with_symbols.any()
    assert not with_symbols.all()  # some follow their I-frame


def test_prediction_and_symbols_are_those_of_the_chain(
    codec: tuple[Path, Path], synthetic: ModuleType
) -> None:
    clip = [to_planes(frame.transpose(1, 2, 0)) for frame in synthetic.moving_frames(3, 96, 64)]
    first, second = predict_from_codec(clip, 20.0, 4.0, load_models(*codec))
    assert first.before is None
    assert second.before is not None
    assert second.before.shape == (8, 12, 96)
    assert second.frame is clip[2]
    assert np.abs(first.prediction[0].astype(int) - clip[1][0]).mean() < 12


def test_weights_in_the_wrong_order_fail(
    recipe: Recipe, tmp_path: Path, codec: tuple[Path, Path]
) -> None:
    with pytest.raises(
        ModelError, match="are not weights of I-frames and of P-frames, in this order"
    ):
        make(replace(recipe, codec=codec[::-1]), tmp_path / "out")
    with pytest.raises(ModelError, match="cannot read the weights"):
        make(replace(recipe, codec=(tmp_path / "a", tmp_path / "b")), tmp_path / "out")
