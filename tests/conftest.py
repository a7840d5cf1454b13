"""What tests of several parts share."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from streamcodec.codec import Codec
from streamcodec.codec.dct_random import random_weights
from streamcodec.codec.dct_weights import save_dct_weights
from streamcodec.weights import load_codec


def load_beside(name: str) -> ModuleType:
    """A module of this folder, which is not a package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


load_beside("sounding")  # tests import it by this name


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def symbols_of(monkeypatch: pytest.MonkeyPatch) -> object:
    """Records symbols: `with symbols_of.recording("encode") as symbols` (tests/recording.py)."""
    return load_beside("recording").SymbolsOf(monkeypatch)


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module tests/synthetic.py: makers of small videos."""
    return load_beside("synthetic")


@pytest.fixture(scope="session")
def clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP4 of 24 frames, 96x64, H.264 with B-frames, 30 frames per second."""
    path: Path = synthetic.write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", 24)
    return path


@pytest.fixture(scope="session")
def wide_clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5 frames of 176x164, which MS-SSIM can compare."""
    path: Path = synthetic.write_clip(
        tmp_path_factory.mktemp("wide") / "wide.mp4", 5, size=(176, 164), options={"qp": "0"}
    )
    return path


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small models: tiny-intra and tiny-inter of the default kind, tiny-image and tiny-flow of the published ones."""
    folder = tmp_path_factory.mktemp("weights")
    load_beside("tiny").save_tiny_models(folder, "tiny", seed=7)
    for kind in ("intra", "inter"):
        save_dct_weights(folder / f"tiny-{kind}.safetensors", random_weights(kind))
    return folder


@pytest.fixture(scope="session")
def native_codec(tiny_weights: Path) -> Codec:
    """Small models of the default kind."""
    return load_codec(
        *(str(tiny_weights / f"tiny-{part}.safetensors") for part in ("intra", "inter"))
    )


@pytest.fixture(scope="session")
def zoo_codec(tiny_weights: Path) -> Codec:
    """Small published models, on the CPU in fp32."""
    return load_codec(
        *(str(tiny_weights / f"tiny-{part}.safetensors") for part in ("image", "flow")),
        device="cpu",
    )


@pytest.fixture(scope="session")
def tiny_codec(native_codec: Codec) -> Codec:
    """What most tests code with; tests/codec has both kinds in its place."""
    return native_codec


@pytest.fixture
def tiny_models(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Puts the small models at hand; the settings that name those of the default kind, for `encode`."""
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", str(tiny_weights))
    return {"intra": "tiny-intra", "inter": "tiny-inter"}
