"""The integers of a weights file are its float model: what training has is what is coded."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from streamcodec.codec.dct_torch.blocks import hadamard_transform as integer_transform
from streamcodec.codec.dct_weights import DctWeights, load_dct_weights
from streamcodec.engine.reference import run_stage
from streamcodec.errors import ModelError
from streamcodec.models.dct.export import (
    export_inter,
    export_intra,
    inter_forms,
    intra_forms,
    observed_peaks,
)
from streamcodec.models.dct.inter import DctInter, InterConfig
from streamcodec.models.dct.intra import DctIntra, IntraConfig
from streamcodec.models.dct.restore import restore_model
from streamcodec.models.dct.transforms import hadamard_transform
from streamcodec.motion import default_tables
from streamcodec.weights import PACKAGED

pytestmark = pytest.mark.slow

SIDE = 64


def planes(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    wave = torch.linspace(0, 9, SIDE).sin()[None, None, None] * 60 + 120
    luma = (wave + 20 * torch.randn(1, 1, SIDE, SIDE, generator=rng)).clamp(0, 255)
    chroma = 128 + 10 * torch.randn(1, 2, SIDE // 2, SIDE // 2, generator=rng)
    return luma.round(), chroma.round().clamp(0, 255)


def exported(
    kind: str,
) -> tuple[DctInter | DctIntra, dict[str, NDArray[np.int32]], dict[str, object]]:
    """A small model whose weights are all set, and what its file holds."""
    torch.manual_seed(3)
    model: DctInter | DctIntra
    if kind != "intra":
        channels = (0, 1, 64) if kind == "hadamard" else ()
        model = DctInter(InterConfig(8, 8, 16, 1, channels))
    else:
        model = DctIntra(IntraConfig(synthesis=8, analysis=8, context=16, hyper=8, z=4, blocks=1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    model.eval()
    q = torch.tensor([25.0])
    with torch.no_grad(), observed_peaks(model) as peaks:
        if isinstance(model, DctInter):
            before = torch.zeros(1, 96, SIDE // 8, SIDE // 8)
            for transformed in {False, kind == "hadamard"}:
                model(planes(1), planes(2), before, q, 0.134, None, transformed)
        else:
            model(planes(1), q, 0.134)
    if isinstance(model, DctInter):
        return model, *export_inter(model, peaks, default_tables(), squared_steps_per_bit=0.134)
    return model, *export_intra(model, peaks, squared_steps_per_bit=0.134)


@pytest.mark.parametrize("kind", ["inter", "hadamard", "intra"])
def test_restored_model_is_the_exported_one(kind: str) -> None:
    model, arrays, config = exported(kind)
    restored = restore_model(arrays, config)
    for name, value in model.state_dict().items():
        if name != "z_log_scale":  # told from the tables, which are coarse
            found = restored.state_dict()[name]
            assert (found - value).abs().max() <= 0.02 * value.abs().max() + 0.04, name


@pytest.mark.parametrize("kind", ["inter", "intra"])
def test_integers_follow_the_floats(kind: str) -> None:
    model, arrays, config = exported(kind)
    weights = DctWeights.of(config, arrays)
    rng = np.random.default_rng(5)
    forms = (
        inter_forms(model, config["fraction_bits"])
        if isinstance(model, DctInter)
        else intra_forms(model, config["fraction_bits"])
    )
    for stage in ("synthesis", "analysis"):
        network = model.get_submodule(stage)
        inputs, maps = {}, {}
        for name, channels in network.inputs.items():
            form = forms[stage][name]
            size = SIDE // 8 if name == "coefficients" else SIDE // 4
            integers = rng.integers(-100, 101, (size, size, channels)).astype(np.int16)
            maps[form.name] = integers
            real = integers / form.scale
            inputs[name] = torch.from_numpy(real).float().permute(2, 0, 1)[None]
        with torch.no_grad():
            want = network(torch.tensor([0.5]), **inputs)["output"][0].permute(1, 2, 0).numpy()
        out = forms[stage]["output"]
        got = run_stage(weights.network, stage, maps, condition=128)[out.name] / out.scale
        assert np.abs(got - want).max() <= 0.01 * np.abs(want).max() + 4 / out.scale[0], stage


@pytest.mark.parametrize("kind", ["inter", "hadamard", "intra"])
def test_exported_weights_code(kind: str) -> None:
    _, arrays, config = exported(kind)
    native = DctWeights.of(config, arrays).native()
    frame = tuple(np.full((side, side), 90, np.uint8) for side in (48, 24, 24))
    reference = None
    if kind != "intra":
        intra = load_dct_weights(PACKAGED / "dct-intra.safetensors").native()
        _, reference = intra.encode(frame, 30)
    payload, coded = native.encode(frame, 30, reference)
    decoded = native.decode(payload, (48, 48), reference)
    for mine, theirs in zip(coded.planes(), decoded.planes(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_format_3_has_a_stage_of_each_grid() -> None:
    _, arrays, config = exported("hadamard")
    assert (config["format"], config["hadamard"]) == (3, [0, 1, 64])
    weights = DctWeights.of(config, arrays)
    assert weights.hadamard == (0, 1, 64)
    stages = {stage.name for stage in weights.network.stages if "hadamard" in stage.name}
    assert stages == {"hadamard_a00", "hadamard_a11", "hadamard_b01", "hadamard_b10"}
    assert exported("inter")[2]["format"] == 2


def test_hadamard_of_floats_is_that_of_the_integers() -> None:
    rng = np.random.default_rng(2)
    latent = 2 * rng.integers(-500, 501, (1, 96, 4, 6))
    want = integer_transform(torch.from_numpy(latent), torch.tensor([0, 5, 95]))
    got = hadamard_transform(torch.from_numpy(latent).float(), (0, 5, 95))
    assert torch.equal(got, want.float())
    assert torch.equal(hadamard_transform(got, (0, 5, 95)).long(), torch.from_numpy(latent))


@pytest.mark.parametrize("name", ["dct-intra", "dct-inter"])
def test_shipped_weights_can_be_trained_further(name: str) -> None:
    from safetensors import safe_open

    path = Path(PACKAGED / f"{name}.safetensors")
    weights = load_dct_weights(path)
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    assert "fraction_bits" in metadata["config"]
    assert weights.kind == name.removeprefix("dct-")


def test_weights_without_what_training_needs_fail() -> None:
    _, arrays, config = exported("inter")
    del config["fraction_bits"]
    with pytest.raises(ModelError, match="trained further"):
        restore_model(arrays, config)
