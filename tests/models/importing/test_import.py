"""Checkpoints of every age and wrapping become the same weights file."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from streamcodec.models import CompressionModel, create, import_checkpoint, load_checkpoint, names
from streamcodec.models.importing.fit import find_fit
from streamcodec.models.latents.densities import EntropyBottleneck
from streamcodec.models.registry import config_of

from ..deterministic import frame
from ..small_models import enliven, flow_model
from .test_published import of_2020, with_underscore

FIXTURE = Path(__file__).parents[2] / "data" / "compressai_state_dicts.json.gz"
ZOO = [name for name in names() if "N" in config_of(name)]
State = dict[str, Tensor]


def small(preset: str) -> CompressionModel:
    torch.manual_seed(3)
    widths = {"N": 4, "M": 6}
    return enliven(
        create(preset, **{field: widths[field] for field in config_of(preset) if field in widths})
    )


@pytest.fixture(scope="module")
def state() -> State:
    return small("bmshj2018-hyperprior").state_dict()


@pytest.fixture(scope="module")
def usual_id(state: State, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the model whose state_dict is saved as it is."""
    path = tmp_path_factory.mktemp("usual") / "a.pth"
    torch.save(state, path)
    return import_checkpoint(path, path.with_suffix(".safetensors")).files[0].id


SPELLINGS: dict[str, Callable[[str], str]] = {
    "1.2.7": str,
    "1.1.0": with_underscore,
    "2020": of_2020,
    "DataParallel": "module.{}".format,
    "compiled": "_orig_mod.{}".format,
    "DataParallel, compiled": "module._orig_mod.{}".format,
    "inside of a module": "codec.{}".format,
}
WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "none": lambda state: state,
    "network": lambda state: {"network": state},
    "state_dict": lambda state: {
        "epoch": 3,
        "state_dict": state,
        "optimizer": {"state": {}, "param_groups": []},
        "loss": torch.ones(1),
    },
    "model_state_dict": lambda state: {"model_state_dict": state},
    "two": lambda state: {"model": {"state_dict": state, "step": 7}},
}


def imported(folder: Path, content: Any, **options: Any) -> Any:
    torch.save(content, folder / "in.pth.tar")
    return import_checkpoint(folder / "in.pth.tar", folder / "out.safetensors", **options)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_gives_the_same_model(
    tmp_path: Path, state: State, usual_id: str, spelling: str
) -> None:
    report = imported(tmp_path, {SPELLINGS[spelling](key): value for key, value in state.items()})
    assert report.files[0].id == usual_id
    assert load_checkpoint(tmp_path / "out.safetensors").id.hex() == usual_id


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_every_wrapper_gives_the_same_model(
    tmp_path: Path, state: State, usual_id: str, wrapper: str
) -> None:
    report = imported(tmp_path, WRAPPERS[wrapper](state))
    assert report.files[0].id == usual_id
    assert list(report.wrappers) == {"none": [], "two": ["model", "state_dict"]}.get(
        wrapper, [wrapper]
    )
    assert report.ignored == {"state_dict": ("epoch", "optimizer", "loss"), "two": ("step",)}.get(
        wrapper, ()
    )


def test_renamed_keys_are_counted(tmp_path: Path, state: State) -> None:
    report = imported(tmp_path, {with_underscore(key): value for key, value in state.items()})
    assert report.renamed == sum(
        name in key for key in state for name in ("matrices", "biases", "factors")
    )


def test_safetensors_and_the_old_format_give_the_same_model(
    tmp_path: Path, state: State, usual_id: str
) -> None:
    save_file(state, tmp_path / "in.pth")  # the name does not matter
    torch.save(state, tmp_path / "old.tar", _use_new_zipfile_serialization=False)
    for number, name in enumerate(("in.pth", "old.tar")):
        assert (
            import_checkpoint(tmp_path / name, tmp_path / f"{number}.safetensors").files[0].id
            == usual_id
        )


def of_16_bits(state: State) -> State:
    """Tables as CompressAI's are: cumulative frequencies up to 65536, 64 scales."""
    cdf, lengths = (
        torch.tensor([[0, 30000, 65536]], dtype=torch.int32),
        torch.tensor([3], dtype=torch.int32),
    )
    values = {
        "_quantized_cdf": cdf,
        "_cdf_length": lengths,
        "_offset": torch.zeros(1, dtype=torch.int32),
    }
    values["scale_table"] = torch.linspace(0.11, 256, 64)
    return {key: values.get(key.rpartition(".")[2], value) for key, value in state.items()}


def test_tables_in_the_file_are_made_anew(tmp_path: Path, state: State, usual_id: str) -> None:
    ours = small("bmshj2018-hyperprior")
    ours.update([0.5, 1, 2])
    without = {
        key: value
        for key, value in state.items()
        if key.rpartition(".")[2] not in ("_offset", "scale_table")
    }
    for number, content in enumerate((of_16_bits(state), ours.state_dict(), without)):
        torch.save(content, tmp_path / "in.pth")
        report = import_checkpoint(tmp_path / "in.pth", tmp_path / f"{number}.safetensors")
        assert report.files[0].id == usual_id
        assert bool(report.replaced) == (number < 2)


def test_constants_may_be_missing_or_too_many(tmp_path: Path, state: State, usual_id: str) -> None:
    content = {
        key: value
        for key, value in state.items()
        if not key.endswith((".bound", ".pedestal", ".target"))
    }
    content |= {
        "total_ops": torch.zeros(1, dtype=torch.float64),
        "h_a.total_params": torch.zeros(1),
        "g_a.1.beta_bound.bound": torch.ones(1),
    }
    report = imported(tmp_path, content)
    assert report.files[0].id == usual_id
    assert set(report.constants) == {"total_ops", "h_a.total_params", "g_a.1.beta_bound.bound"}
    assert "g_a.1.beta_reparam.pedestal" in report.filled


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_become_float32(tmp_path: Path, state: State, dtype: torch.dtype) -> None:
    imported(
        tmp_path,
        {
            key: value.to(dtype) if value.is_floating_point() else value
            for key, value in state.items()
        },
    )
    weight = load_checkpoint(tmp_path / "out.safetensors").model.state_dict()["g_a.0.weight"]
    assert torch.equal(weight, state["g_a.0.weight"].to(dtype).float())


def test_weights_stay_float32_unless_half(tmp_path: Path, state: State, usual_id: str) -> None:
    imported(tmp_path, state)
    whole = load_checkpoint(tmp_path / "out.safetensors").model.state_dict()
    assert all(
        torch.equal(whole[key], value)
        for key, value in state.items()
        if value.is_floating_point() and value.numel()
    )
    size = (tmp_path / "out.safetensors").stat().st_size
    assert imported(tmp_path, state, half=True, overwrite=True).files[0].id != usual_id
    assert (tmp_path / "out.safetensors").stat().st_size < size
    assert torch.equal(
        load_checkpoint(tmp_path / "out.safetensors").model.state_dict()["g_a.0.weight"],
        whole["g_a.0.weight"].half().float(),
    )


def test_masked_weights_do_not_matter(tmp_path: Path) -> None:
    state = small("mbt2018").state_dict()
    ids = [imported(tmp_path, state, overwrite=True).files[0].id]
    weight = "context_prediction.weight"
    for factor in (state["context_prediction.mask"], 1 - state["context_prediction.mask"]):
        ids.append(
            imported(tmp_path, {**state, weight: state[weight] * factor}, overwrite=True)
            .files[0]
            .id
        )
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.slow
@pytest.mark.parametrize("preset", ZOO)
def test_every_model_of_the_zoo_comes_back(tmp_path: Path, preset: str) -> None:
    model = small(preset).eval()
    report = imported(tmp_path, model.state_dict())
    assert report.preset == preset
    assert {
        field: report.config[field] for field in ("N", "M") if field in report.config
    }.items() <= {"N": 4, "M": 6}.items()
    loaded = load_checkpoint(tmp_path / "out.safetensors")
    assert not loaded.model.update()
    model.update()
    inputs = (frame(64, 64),) if preset != "ssf2020" else (frame(64, 64), frame(64, 64).roll(2, 3))
    with torch.no_grad():
        assert torch.equal(loaded.model(*inputs)["x_hat"], model(*inputs)["x_hat"])


@pytest.mark.slow
def test_scale_space_flow_gives_two_files(tmp_path: Path) -> None:
    model = flow_model()
    report = imported(tmp_path, model.state_dict())
    assert [(file.path.name, file.preset) for file in report.files] == [
        ("out.safetensors", "ssf2020"),
        ("out-image.safetensors", "ssf2020-image"),
    ]
    inter, image = (load_checkpoint(file.path) for file in report.files)
    model.update()
    with torch.no_grad():
        assert torch.equal(image.model(frame(64, 64))["x_hat"], model.image(frame(64, 64))["x_hat"])
    assert inter.id != image.id


def test_a_part_can_be_named(tmp_path: Path) -> None:
    report = imported(tmp_path, flow_model().state_dict(), model="ssf2020-image")
    assert [file.path.name for file in report.files] == ["out.safetensors"]
    assert {key.partition("_")[0] for key in report.unused} == {"res", "motion"}


@pytest.mark.slow
def test_published_layouts_are_told_apart() -> None:
    for label, layout in json.loads(gzip.decompress(FIXTURE.read_bytes())).items():
        preset, _, widths = label.partition("@")
        if preset not in ZOO:
            continue
        tensors = {
            key: torch.empty(shape, dtype=getattr(torch, dtype), device="meta")
            for key, (shape, dtype) in layout["keys"].items()
        }
        fit = find_fit(tensors)
        assert fit.preset == preset
        assert [str(fit.config[field]) for field in ("N", "M") if field in fit.config][
            : len(widths.split("x"))
        ] == (widths or "128").split("x")


def test_quantiles_far_off_do_not_matter(tmp_path: Path) -> None:
    """Of a checkpoint from the middle of training, where the auxiliary loss is not done."""
    model = small("bmshj2018-factorized")
    bottleneck = next(module for module in model.modules() if isinstance(module, EntropyBottleneck))
    with torch.no_grad():
        bottleneck.quantiles += 40
    imported(tmp_path, model.state_dict())
    assert load_checkpoint(tmp_path / "out.safetensors").model.tables().rows == 6
