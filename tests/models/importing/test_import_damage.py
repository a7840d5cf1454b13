"""What cannot be imported: each with a clear error, and no file left."""

import argparse
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from streamcodec.errors import ModelError, OutputError, UsageError
from streamcodec.models import CompressionModel, create, import_checkpoint, names, registry

pytestmark = pytest.mark.slow

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(0)
    return create("bmshj2018-hyperprior", N=4, M=6).state_dict()


def refuse(path: Path, message: str, error: type[Exception] = ModelError, **options: Any) -> None:
    with pytest.raises(error, match=message):
        import_checkpoint(path, path.with_name("out.safetensors"), **options)
    assert not list(path.parent.glob("*out*"))


def refuse_content(folder: Path, content: Any, message: str, **options: Any) -> None:
    torch.save(content, folder / "in.pth")
    refuse(folder / "in.pth", message, **options)


FILES = {
    "empty": (b"", "is empty"),
    "text": (
        b"Not found: the checkpoint has moved\n",
        r"holds no weights: it begins with b'Not found",
    ),
    "short": (b"\x80", "damaged, truncated or no checkpoint"),
    "other pickle": (
        pickle.dumps({"g_a.0.weight": [1.0]}, protocol=2),
        "damaged, truncated or no checkpoint",
    ),
    "instructions": (b"\x80\x02" + bytes(range(256)), "damaged, truncated or no checkpoint"),
    "safetensors": (b"\x50\x00\x00\x00\x00\x00\x00\x00{" + b"x" * 200, "cannot read the weights"),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_of_other_kinds_fail(tmp_path: Path, kind: str) -> None:
    content, message = FILES[kind]
    (tmp_path / "in.pth").write_bytes(content)
    refuse(tmp_path / "in.pth", message)


def test_missing_files_and_folders_fail(tmp_path: Path) -> None:
    refuse(tmp_path / "none.pth", "cannot read the weights .*none.pth: No such file")
    refuse(tmp_path / "a\0.pth", "cannot read the weights")
    (tmp_path / "in.pth").mkdir()
    refuse(tmp_path / "in.pth", "cannot read the weights .*directory")


@pytest.mark.parametrize("new_format", [True, False])
def test_truncated_files_fail(tmp_path: Path, state: State, new_format: bool) -> None:
    torch.save(state, tmp_path / "in.pth", _use_new_zipfile_serialization=new_format)
    whole = (tmp_path / "in.pth").read_bytes()
    for size in (20, 1000, len(whole) // 2, len(whole) - 40):
        (tmp_path / "in.pth").write_bytes(whole[:size])
        refuse(tmp_path / "in.pth", "cannot read the weights .*(damaged|truncated)")


def test_truncated_safetensors_fail(tmp_path: Path, state: State) -> None:
    save_file(state, tmp_path / "in.safetensors")
    whole = (tmp_path / "in.safetensors").read_bytes()
    (tmp_path / "in.safetensors").write_bytes(whole[:-5])
    refuse(tmp_path / "in.safetensors", "cannot read the weights")


class Mischief:
    """A pickle of it, loaded, makes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("new_format", [True, False])
def test_code_in_a_pickle_is_not_run(tmp_path: Path, state: State, new_format: bool) -> None:
    content = {"state_dict": state, "extra": Mischief(tmp_path / "made")}
    torch.save(content, tmp_path / "in.pth", _use_new_zipfile_serialization=new_format)
    refuse(
        tmp_path / "in.pth",
        "is not loaded, since that would run code: its pickle asks for .*; accepted",
    )
    assert not (tmp_path / "made").exists()


def test_blocked_functions_in_a_pickle_are_named(tmp_path: Path) -> None:
    """PyTorch words its refusal of these in another way, and advises to load them without the check."""
    (tmp_path / "in.pth").write_bytes(b"\x80\x02cposix\nsystem\n.")
    refuse(tmp_path / "in.pth", "its pickle asks for posix.system; accepted")


@pytest.mark.filterwarnings("error")
def test_unknown_instructions_bring_no_advice_to_drop_the_check(tmp_path: Path) -> None:
    (tmp_path / "in.pth").write_bytes(pickle.dumps({"g_a.0.weight": [1.0]}, protocol=4))
    refuse(tmp_path / "in.pth", r"no checkpoint of PyTorch \(Unsupported operand 149\)")


def test_objects_in_a_pickle_are_named(tmp_path: Path, state: State) -> None:
    refuse_content(
        tmp_path,
        {"state_dict": state, "args": argparse.Namespace(a=1)},
        "asks for argparse.Namespace; .*save its state_dict",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds a list"),
        ({}, "holds no tensors, but nothing"),
        ({"epoch": 3, "optimizer": {}}, "no tensors, but epoch, optimizer"),
    ],
)
def test_checkpoints_without_weights_fail(tmp_path: Path, content: Any, message: str) -> None:
    refuse_content(tmp_path, content, message)


def test_wrappers_without_end_fail(tmp_path: Path, state: State) -> None:
    inside_itself: dict[str, Any] = {}
    inside_itself["state_dict"] = inside_itself
    deep: Any = state
    for _ in range(12):
        deep = {"model": deep}
    for content in (inside_itself, deep):
        refuse_content(tmp_path, content, "holds no tensors, but (state_dict|model)")
    refuse_content(tmp_path, {"a." * 100_000 + "b": torch.zeros(1)}, "are of no known model")


def test_sizes_without_values_take_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One number in the file for each tensor of a wide model, which is never made."""
    made: list[CompressionModel] = []

    def watched(*arguments: Any, **config: Any) -> CompressionModel:
        made.append(create(*arguments, **config))
        return made[-1]

    monkeypatch.setattr(registry, "create", watched)
    with torch.device("meta"):
        wide = create("mbt2018", N=40, M=60)
    content = {
        key: torch.zeros(1).expand(parameter.shape) for key, parameter in wide.named_parameters()
    }
    refuse_content(tmp_path, content, "is damaged: its .* values are not all there")
    tensors = [tensor for model in made for tensor in (*model.parameters(), *model.buffers())]
    assert any(tensor.is_meta for tensor in tensors)
    assert max(tensor.untyped_storage().nbytes() for tensor in tensors if not tensor.is_meta) < 5000


def test_missing_tensors_are_named(tmp_path: Path, state: State) -> None:
    content = {
        key: value
        for key, value in state.items()
        if not key.startswith("h_s.2") and not key.endswith("quantiles")
    }
    message = r"the nearest is bmshj2018-hyperprior \(N = 4, M = 6\): 3 missing: h_s.2.weight, h_s.2.bias, entropy_bottleneck.quantiles"
    refuse_content(tmp_path, content, message)
    refuse_content(
        tmp_path,
        content,
        r"do not fit the model bmshj2018-hyperprior .*3 missing",
        model="bmshj2018-hyperprior",
    )


def test_tensors_of_another_shape_are_named(tmp_path: Path, state: State) -> None:
    content = {**state, "h_a.2.weight": torch.zeros(4, 4, 3, 3)}
    refuse_content(
        tmp_path, content, r"1 of another shape: h_a.2.weight is \(4, 4, 3, 3\), not \(4, 4, 5, 5\)"
    )


def test_tensors_too_many_in_a_module_fail(tmp_path: Path, state: State) -> None:
    refuse_content(
        tmp_path,
        {**state, "g_a.9.weight": torch.zeros(1)},
        "1 too many: g_a.9.weight",
        model="bmshj2018-hyperprior",
    )


def test_modules_too_many_need_the_name_of_the_model(tmp_path: Path, state: State) -> None:
    content = {**state, "discriminator.0.weight": torch.zeros(1)}
    refuse_content(
        tmp_path,
        content,
        "1 tensors in modules that it does not have: discriminator.0.weight; .*--model bmshj2018-hyperprior",
    )
    report = import_checkpoint(
        tmp_path / "in.pth", tmp_path / "out.safetensors", model="bmshj2018-hyperprior"
    )
    assert report.unused == ("discriminator.0.weight",)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("mbt2018-mean", "do not fit the model mbt2018-mean"),
        ("nope", "unknown model 'nope'; known"),
    ],
)
def test_another_model_does_not_fit(tmp_path: Path, state: State, model: str, message: str) -> None:
    refuse_content(tmp_path, state, message, model=model)


def test_other_architectures_fail(tmp_path: Path) -> None:
    layers = {f"g_a.{layer}.conv1.weight": torch.zeros(4, 4, 3, 3) for layer in range(4)}
    elic = {
        **layers,
        "latent_codec.y.latent_codec.y0.entropy_parameters.0.weight": torch.zeros(4, 8, 1, 1),
    }
    refuse_content(tmp_path, elic, "are of no known model .*bmshj2018-factorized")
    dcvc = {
        "optic_flow.moduleBasic.0.conv1.weight": torch.zeros(4, 8, 7, 7),
        "mvEncoder.0.weight": torch.zeros(4, 2, 3, 3),
    }
    refuse_content(tmp_path, dcvc, "are of no known model")
    assert "elic2022-official" not in names()


NAN, INFINITY = float("nan"), float("inf")
WEIGHT = "g_a.0.weight"
VALUES: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "NaN": (
        lambda x: x.index_fill(0, torch.tensor([1]), NAN),
        f"{WEIGHT} holds NaN or infinity in 75 of 300 places",
    ),
    "infinity": (lambda x: x + INFINITY, f"{WEIGHT} holds NaN or infinity"),
    "beyond float32": (lambda x: x.double() + 1e300, f"{WEIGHT} holds NaN or infinity"),
    "integers": (lambda x: x.int(), rf"{WEIGHT} is torch\.int32"),
    "complex": (lambda x: x.to(torch.complex64), rf"{WEIGHT} is torch\.complex64"),
    "sparse": (lambda x: x.to_sparse(), rf"{WEIGHT} is torch\.float32, torch\.sparse_coo"),
    "one value for all": (
        lambda x: x[:1, :1, :1, :1].clone().expand_as(x),
        f"{WEIGHT} is damaged: its 300 values are not all there",
    ),
}


@pytest.mark.parametrize("kind", VALUES)
def test_unusable_values_fail(tmp_path: Path, state: State, kind: str) -> None:
    change, message = VALUES[kind]
    refuse_content(
        tmp_path, {**state, WEIGHT: change(state[WEIGHT])}, f"cannot import .*in.pth: {message}"
    )


def test_no_width_and_too_much_width_fail(tmp_path: Path, state: State) -> None:
    refuse_content(
        tmp_path,
        {**state, WEIGHT: torch.zeros(0, 3, 5, 5)},
        r"N is 0 in the weights; accepted: 1\.\.4096",
    )
    refuse_content(tmp_path, {**state, WEIGHT: torch.zeros(5000, 1)}, r"N is 5000 in the weights")


def test_scale_paths_that_cannot_be_exact_fail(tmp_path: Path, state: State) -> None:
    refuse_content(
        tmp_path,
        {**state, "h_s.2.weight": state["h_s.2.weight"] * 1e9},
        "cannot import .*cannot be made exact",
    )


def test_a_key_in_two_spellings_fails(tmp_path: Path, state: State) -> None:
    refuse_content(
        tmp_path,
        {**state, "entropy_bottleneck._bias0": state["entropy_bottleneck.biases.0"]},
        "holds 1 tensors twice",
    )


def test_another_mask_fails(tmp_path: Path) -> None:
    state = create("mbt2018", N=4, M=6).state_dict()
    refuse_content(
        tmp_path,
        {**state, "context_prediction.mask": torch.ones_like(state["context_prediction.mask"])},
        "cannot import .*context_prediction.mask is not that of a raster context",
    )


def test_weights_beyond_float16_stay_float32(tmp_path: Path, state: State) -> None:
    content = {**state, WEIGHT: state[WEIGHT] * 1e6}
    refuse_content(tmp_path, content, r"g_a.0.weight holds .*; float16 goes to 65504", half=True)
    import_checkpoint(tmp_path / "in.pth", tmp_path / "out.safetensors")


def test_weights_files_are_not_imported_again(tmp_path: Path, state: State) -> None:
    torch.save(state, tmp_path / "in.pth")
    import_checkpoint(tmp_path / "in.pth", tmp_path / "done.safetensors")
    refuse(tmp_path / "done.safetensors", "is a weights file already, of bmshj2018-hyperprior")


def test_outputs_that_cannot_be_made_fail(tmp_path: Path, state: State) -> None:
    torch.save(state, tmp_path / "in.pth")
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        import_checkpoint(tmp_path / "in.pth", tmp_path / "out.pth")
    with pytest.raises(UsageError, match="checkpoint is 3"):
        import_checkpoint(3, tmp_path / "a.safetensors")  # type: ignore[arg-type]
    (tmp_path / "a.safetensors").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        import_checkpoint(tmp_path / "in.pth", tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == b"mine"


def test_neither_file_appears_where_one_exists(tmp_path: Path) -> None:
    torch.save(create("ssf2020", N=4, M=6).state_dict(), tmp_path / "in.pth")
    (tmp_path / "a-image.safetensors").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"a-image\.safetensors exists"):
        import_checkpoint(tmp_path / "in.pth", tmp_path / "a.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-image.safetensors", "in.pth"]
