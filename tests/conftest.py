"""What tests of several parts share."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from streamcodec.codec import Codec, LoadedModel
from streamcodec.models import create, load_checkpoint, save_checkpoint

TINY_IMAGE = {"width4": 8, "width8": 8, "latent": 8, "hyper": 8}
TINY_FLOW = {"width4": 8, "width8": 8, "latent": 8, "hyper": 8, "motion_width4": 8, "motion_latent": 8, "motion_hyper": 8}


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny-image.safetensors and tiny-flow.safetensors: untrained, fast, with tables."""
    folder = tmp_path_factory.mktemp("weights")
    for name, preset, config in (("tiny-image", "quarter-image", TINY_IMAGE), ("tiny-flow", "quarter-flow", TINY_FLOW)):
        torch.manual_seed(7)
        model = create(preset, **config)
        model.update()
        save_checkpoint(folder / f"{name}.safetensors", model, preset, **config)
    return folder


@pytest.fixture(scope="session")
def tiny_codec(tiny_weights: Path) -> Codec:
    """An untrained codec: its pictures are poor, its streams are sound."""
    loaded = []
    for name in ("tiny-image", "tiny-flow"):
        checkpoint = load_checkpoint(tiny_weights / f"{name}.safetensors")
        loaded.append(LoadedModel.of(name, checkpoint.id, checkpoint.model.requires_grad_(False)))
    return Codec(loaded[0], loaded[1], torch.device("cpu"))


@pytest.fixture
def tiny_models(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Puts the tiny models at hand; the settings that name them, for `encode`."""
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", str(tiny_weights))
    return {"intra": "tiny-image", "inter": "tiny-flow"}


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module tests/synthetic.py: makers of small videos."""
    spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP4 of 24 frames, 96x64, H.264 with B-frames, 30 frames per second."""
    path: Path = synthetic.write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", 24)
    return path
