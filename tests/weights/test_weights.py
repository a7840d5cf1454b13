import os
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from streamcodec.codec import decode_gop, encode_gop
from streamcodec.errors import ModelError, UnsupportedStreamError, UsageError
from streamcodec.metrics import frame_mse
from streamcodec.runtime import using_threads
from streamcodec.video import VideoReader
from streamcodec.weights import (
    DEFAULT_INTER,
    DEFAULT_INTRA,
    available,
    find_model,
    load_codec,
    load_model,
)

CITY = Path(__file__).parents[2] / "tools" / "data" / "city.mkv"


def city_planes(count: int) -> tuple[np.ndarray, ...]:
    """(count, 144, 240) Y, with U and V: a part of a real clip."""
    with VideoReader(CITY, frame_format="yuv420", max_frames=count) as reader:
        parts = [
            (y[100:244, 200:440], u[50:122, 100:220], v[50:122, 100:220])
            for y, u, v in (frame.planes for frame in reader)
        ]
    return tuple(np.stack(plane) for plane in zip(*parts, strict=True))


def test_the_wheel_brings_the_default_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREAMCODEC_WEIGHTS", raising=False)
    assert {DEFAULT_INTRA, DEFAULT_INTER} <= set(available())
    assert sum(path.stat().st_size for path in available().values()) < 5e6


def test_default_codec_codes_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained weights: a smooth picture comes back well, and more quality costs more bits."""
    codec = load_codec(device="cpu")
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(96.0), indexing="ij")
    frame = torch.stack(
        [128 + 60 * torch.sin(rows / (9 + k)) + 50 * torch.cos(columns / (7 + k)) for k in range(3)]
    ).to(torch.uint8)
    clip = torch.stack([frame, frame.roll(2, dims=2)])
    sizes = []
    for quality in (0, 32, 63):
        coded = encode_gop(codec, clip, quality)
        sizes.append(sum(map(len, coded.payloads)))
        assert torch.equal(
            decode_gop(codec, coded.payloads, (64, 96)).data, coded.reconstruction.data
        )
    error = (coded.reconstruction.data.float() - clip.float()).square().mean()
    assert 10 * torch.log10(255**2 / error) > 24
    assert sizes == sorted(sizes)


def test_bits_and_psnr_rise_with_quality() -> None:
    """Of a real I-frame, and of it and a P-frame together, strictly. (A P-frame alone may cost less on a better reference.)"""
    codec, clip = load_codec(device="cpu"), city_planes(2)
    steps: list[list[float]] = []
    for quality in range(0, 64, 3):
        coded = encode_gop(codec, clip, quality)
        frames = zip(*coded.reconstruction.planes, strict=True), zip(*clip, strict=True)
        errors = [frame_mse(shown, given) for shown, given in zip(*frames, strict=True)]
        steps.append([*accumulate(map(len, coded.payloads)), *(-error for error in errors)])
    assert all(
        low < high
        for before, after in pairwise(steps)
        for low, high in zip(before, after, strict=True)
    )


def test_default_streams_are_the_same_with_any_threads() -> None:
    codec, clip = load_codec(), city_planes(2)
    coded = encode_gop(codec, clip, 50)
    for threads in (2, 3):
        with using_threads(threads):
            assert encode_gop(codec, clip, 50).payloads == coded.payloads
            found = decode_gop(codec, coded.payloads, (144, 240)).planes
        assert all(
            np.array_equal(a, b) for a, b in zip(found, coded.reconstruction.planes, strict=True)
        )


def test_folders_of_the_environment_go_first(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / f"{DEFAULT_INTRA}.safetensors"
    mine.write_bytes((tiny_weights / "tiny-image.safetensors").read_bytes())
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", f"{tmp_path}:{tiny_weights}")
    assert available()[DEFAULT_INTRA] == mine
    assert load_model("tiny-flow").name == "tiny-flow"
    assert load_model(str(mine)).id == load_model("tiny-image").id


def test_a_stream_finds_its_model_by_id_under_any_name(tiny_models: dict[str, str]) -> None:
    for name in ("tiny-intra", "tiny-image"):
        wanted = load_model(name)
        assert find_model(name, wanted.id).id == wanted.id
        assert find_model("renamed", wanted.id).name == name


def test_unsound_files_beside_the_model_do_not_matter(
    tiny_models, tiny_weights: Path, tmp_path: Path, monkeypatch
) -> None:
    wanted = load_model("tiny-image").id
    (tmp_path / "another.safetensors").write_bytes(b"nonsense" * 100)
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", f"{tmp_path}{os.pathsep}{tiny_weights}")
    assert find_model("name-of-old", wanted).id == wanted
    with pytest.raises(ModelError):
        find_model("name-of-old", wanted, override=str(tmp_path / "another.safetensors"))


def test_another_id_is_not_at_hand(tiny_models: dict[str, str], tiny_weights: Path) -> None:
    with pytest.raises(UnsupportedStreamError, match="not installed"):
        find_model("tiny-image", bytes(16))
    with pytest.raises(UnsupportedStreamError, match="not installed"):
        find_model("tiny-image", bytes(16), override=str(tiny_weights / "tiny-flow.safetensors"))


@pytest.mark.parametrize("name", ["nonsense", "missing.safetensors"])
def test_missing_models_fail(name: str) -> None:
    with pytest.raises(ModelError):
        load_model(name)


def test_a_name_without_weights_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.pth").write_bytes(b"weights")
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", str(tmp_path / "absent"))
    with pytest.raises(
        ModelError, match=r"STREAMCODEC_WEIGHTS names .*absent, which is not a folder"
    ):
        load_model("nonsense")
    with pytest.raises(
        ModelError, match=r"mine.pth is another file: `streamcodec import-checkpoint`"
    ):
        load_model(str(tmp_path / "mine.pth"))
    with pytest.raises(ModelError, match="streamcodec models --known"):
        load_model("cheng2020-attn")


def test_damaged_tables_fail(tiny_weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.safetensors"
    with safe_open(tiny_weights / "tiny-image.safetensors", "pt") as file:
        metadata, state = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    state["entropy_bottleneck._quantized_cdf"][0, 1] = 0
    save_file(state, path, metadata)
    with pytest.raises(ModelError, match="model damaged has damaged tables"):
        load_model(str(path))


@pytest.mark.parametrize("name", ["tiny-image", "tiny-intra"])
def test_truncated_weights_fail(tiny_weights: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes((tiny_weights / f"{name}.safetensors").read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot read the weights"):
        load_model(str(path))


@pytest.mark.parametrize("device", ["abacus", "meta"])
@pytest.mark.parametrize("name", ["tiny-image", "tiny-intra"])
def test_unusable_device_fails(tiny_models: dict[str, str], name: str, device: str) -> None:
    with pytest.raises(UsageError, match=f"device is '{device}'"):
        load_codec(name, "none", device=device)
