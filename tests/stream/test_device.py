"""The default models on other devices than the CPU: they decode there, to the same pictures."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec.codec import NativeModel
from streamcodec.codec.dct_torch import TorchModel
from streamcodec.errors import UsageError


@pytest.fixture
def files(tiny_weights: Path, tmp_path: Path) -> dict[str, str]:
    """The small models as `intra` and `inter`, in files of their own: models that were loaded are kept."""
    for kind in ("intra", "inter"):
        shutil.copy(tiny_weights / f"tiny-{kind}.safetensors", tmp_path)
    return {kind: str(tmp_path / f"tiny-{kind}.safetensors") for kind in ("intra", "inter")}


@pytest.fixture(params=["pretended", "real"])
def cuda(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name "cuda"; pretended, PyTorch computes on the CPU."""
    if request.param == "real" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    if request.param == "pretended":
        monkeypatch.setattr("streamcodec.codec.devices.choose_device", lambda _: "cpu:0")
    return "cuda"


def test_streams_are_the_same(clip: Path, files: dict[str, str], cuda: str) -> None:
    streams = {}
    for device in (None, "cpu", cuda):
        out = io.BytesIO()
        report = streamcodec.encode(clip, out, device=device, gop=8, max_frames=12, **files)
        streams[device] = out.getvalue()
        notes = [
            note for note in report.notes if "it encodes on the CPU, to the same bytes" in note
        ]
        assert len(notes) == (device == cuda)
    assert len(set(streams.values())) == 1
    with streamcodec.open(io.BytesIO(streams[None]), **files) as video:
        expected = [frame.planes for frame in video]
        assert video.header.device == "cpu"
    with streamcodec.open(io.BytesIO(streams[None]), device=cuda, **files) as video:
        found = [frame.planes for frame in video]
    assert len(found) == 12
    for one, other in zip(found, expected, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_codecs(files: dict[str, str], cuda: str) -> None:
    for device, kind in ((None, NativeModel), ("cpu", NativeModel), (cuda, TorchModel)):
        codec = streamcodec.load_codec(**files, device=device)
        assert isinstance(codec.intra, kind)
        assert isinstance(codec.inter, kind)
        assert codec.encode_device_type == "cpu"
        assert codec.model_ids == streamcodec.load_codec(**files).model_ids


def test_devices_fail(files: dict[str, str]) -> None:
    for device in ["abacus"] + (["cuda"] if not torch.cuda.is_available() else []):
        with pytest.raises(UsageError, match=f"device is '{device}', which cannot be used here"):
            streamcodec.load_codec(**files, device=device)
