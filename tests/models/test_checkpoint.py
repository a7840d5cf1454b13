import hashlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from streamcodec.errors import ModelError
from streamcodec.models import CompressionModel, create, load_checkpoint, model_id, save_checkpoint
from streamcodec.models.latents.densities import GaussianConditional

FIELDS = {"N": 4, "M": 6}


@pytest.fixture(scope="module")
def model() -> CompressionModel:
    torch.manual_seed(0)
    model = create("mbt2018-mean", **FIELDS).eval()
    model.update()
    return model


@pytest.fixture(scope="module")
def saved(model: CompressionModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "a.safetensors"
    save_checkpoint(path, model, "mbt2018-mean", **FIELDS)
    return path


@pytest.fixture
def path(tmp_path: Path, saved: Path) -> Path:
    return Path(shutil.copy(saved, tmp_path))


def rewrite(path: Path, **metadata: str | None) -> None:
    whole = {"format": "1", "preset": "mbt2018-mean", "config": json.dumps(FIELDS)} | metadata
    save_file(
        load_file(path), path, {key: value for key, value in whole.items() if value is not None}
    )


def test_a_saved_model_comes_back(tmp_path: Path, model: CompressionModel, path: Path) -> None:
    loaded = load_checkpoint(path)
    assert loaded.preset == "mbt2018-mean"
    assert not loaded.model.training
    assert not loaded.model.update()
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}
    for key, value in model.state_dict().items():
        other = loaded.model.state_dict()[key]
        assert other.dtype == value.dtype
        expected = value.half().float() if value.is_floating_point() and value.ndim == 4 else value
        assert torch.equal(other, expected)
    assert (
        save_checkpoint(tmp_path / "b.safetensors", loaded.model, "mbt2018-mean", **FIELDS)
        == loaded.id
    )


def test_weights_have_the_permissions_of_other_files(tmp_path: Path, path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_id_tells_weights_apart() -> None:
    state = {"b": torch.tensor([1.0, 2.0]), "a": torch.tensor([[3]], dtype=torch.int32)}
    by_hand = (
        b"a int32 [1, 1]\n" + struct.pack("<i", 3) + b"b float32 [2]\n" + struct.pack("<2f", 1, 2)
    )
    assert model_id(state) == hashlib.sha256(by_hand).digest()[:16]
    assert model_id(dict(reversed(state.items()))) == model_id(state)
    others = [
        {**state, "b": torch.tensor([1.0, 2.5])},
        {**state, "b": torch.tensor([[1.0, 2.0]])},
        {**state, "b": torch.tensor([1.0, 2.0], dtype=torch.float64)},
        {"c": state["b"], "a": state["a"]},
    ]
    assert len({model_id(other) for other in (state, *others)}) == 5


def test_saving_without_tables_fails(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="update"):
        save_checkpoint(
            tmp_path / "a.safetensors", create("mbt2018-mean", **FIELDS), "mbt2018-mean", **FIELDS
        )
    assert not list(tmp_path.iterdir())


def test_missing_file_fails(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot read the weights .*none\.safetensors"):
        load_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.parametrize("size_bytes", [0, 7, 100, 5000])
def test_truncated_file_fails(path: Path, size_bytes: int) -> None:
    path.write_bytes(path.read_bytes()[:size_bytes])
    with pytest.raises(ModelError, match="cannot read the weights"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "change", [{"format": None}, {"format": "2"}, {"preset": None}, {"config": None}]
)
def test_other_metadata_fails(path: Path, change: dict[str, str | None]) -> None:
    rewrite(path, **change)
    with pytest.raises(ModelError, match="not a weights file of format 1"):
        load_checkpoint(path)


@pytest.mark.parametrize("config", ["{", "[]", '{"N": "wide"}', '{"N": -1}'])
def test_damaged_config_fails(path: Path, config: str) -> None:
    rewrite(path, config=config)
    with pytest.raises(ModelError, match="config"):
        load_checkpoint(path)


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize("config", [{"M": 0}, {"N": -1}, {"N": 10**30}, {"N": 0.5}])
def test_impossible_widths_fail(path: Path, config: dict[str, float]) -> None:
    rewrite(path, preset="mbt2018", config=json.dumps({"N": 4, "M": 6, **config}))
    with pytest.raises(ModelError, match="damaged config"):
        load_checkpoint(path)


def test_unknown_preset_fails(path: Path) -> None:
    rewrite(path, preset="nope")
    with pytest.raises(ModelError, match="unknown model 'nope'"):
        load_checkpoint(path)


def test_weights_of_another_shape_fail(path: Path) -> None:
    rewrite(path, config=json.dumps({**FIELDS, "M": 8}))
    with pytest.raises(ModelError, match="do not fit the model mbt2018-mean"):
        load_checkpoint(path)


INTEGER = "integer"
Change = Callable[[Tensor], Tensor | None]
DAMAGE: dict[str, tuple[str, Change, str]] = {
    "weight missing": (
        f"{INTEGER}.layers.0.weight",
        lambda _: None,
        "has not all of weight, bias, shift",
    ),
    "layer of other inputs": (
        f"{INTEGER}.layers.1.weight",
        lambda x: x[:, :-1].contiguous(),
        r"weight is torch\.int16 .*; must be",
    ),
    "fewer taps": (f"{INTEGER}.layers.1.weight", lambda x: x[:-1].contiguous(), "must be"),
    "fewer columns": (f"{INTEGER}.layers.1.bias", lambda x: x[:-1].contiguous(), "bias is"),
    "one dimension": (f"{INTEGER}.layers.0.weight", lambda x: x.flatten(), "must be"),
    "scalar": (f"{INTEGER}.layers.0.shift", lambda x: x[0].clone(), "shift is"),
    "floats": (f"{INTEGER}.layers.0.weight", lambda x: x.float(), r"weight is torch\.float32"),
    "wide weights": (f"{INTEGER}.layers.0.weight", lambda x: x.int(), r"weight is torch\.int32"),
    "negative shift": (
        f"{INTEGER}.layers.0.shift",
        lambda x: x - 100,
        r"a shift is not in 0\.\.30",
    ),
    "large shift": (f"{INTEGER}.layers.0.shift", lambda x: x + 64, r"a shift is not in 0\.\.30"),
    "large bias": (f"{INTEGER}.layers.0.bias", lambda x: x + 2**62, r"2\^53"),
    "smallest bias": (f"{INTEGER}.layers.0.bias", lambda x: torch.full_like(x, -(2**63)), r"2\^53"),
    "offsets of other channels": (f"{INTEGER}.offset", lambda x: x[:-1].clone(), "offset is"),
    "large offset": (f"{INTEGER}.offset", lambda x: x + 2**30, r"an offset is not within"),
    "falling thresholds": (f"{INTEGER}.thresholds", lambda x: x.flip(0), "its thresholds fall"),
    "thresholds in rows": (f"{INTEGER}.thresholds", lambda x: x[None], "thresholds is"),
    "thresholds missing": (
        f"{INTEGER}.thresholds",
        lambda _: None,
        "has not all of offset, thresholds",
    ),
}


def damage(path: Path, key: str, change: Change) -> None:
    with safe_open(path, "pt") as file:
        metadata, state = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    changed = change(state.pop(key))
    save_file(state if changed is None else state | {key: changed}, path, metadata)


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_scale_path_fails(path: Path, kind: str) -> None:
    key, change, message = DAMAGE[kind]
    damage(path, key, change)
    with pytest.raises(ModelError, match=rf"the weights .*{message}"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "change", [lambda x: x[:-1].clone(), lambda x: torch.cat([x, x[-1:]])], ids=["fewer", "more"]
)
def test_scale_path_to_other_tables_fails(path: Path, change: Change) -> None:
    damage(path, f"{INTEGER}.thresholds", change)
    with pytest.raises(ModelError, match=r"chooses among 12[79] tables; the model has 128"):
        load_checkpoint(path).model.tables()


def test_a_layer_without_its_scale_path_fails(path: Path) -> None:
    for name in ("weight", "bias", "shift"):
        damage(path, f"{INTEGER}.layers.1.{name}", lambda _: None)
    with pytest.raises(ModelError, match="no exact scale path"):
        load_checkpoint(path).model.tables()


def test_tables_of_other_channels_fail(path: Path) -> None:
    for name in ("_quantized_cdf", "_cdf_length", "_offset"):
        damage(path, f"entropy_bottleneck.{name}", lambda x: x[:-1].clone())
    with pytest.raises(ModelError, match="3 rows for 4 channels"):
        load_checkpoint(path).model.tables()


def test_latents_with_different_tables_fail() -> None:
    model = create("ssf2020", **FIELDS)
    model.update()
    next(
        module for module in model.modules() if isinstance(module, GaussianConditional)
    ).update_scale_table([0.5, 1, 2], force=True)
    with pytest.raises(ModelError, match="differ between the latents"):
        model.tables()
