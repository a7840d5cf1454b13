"""Small data to train on, made once."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

from streamcodec.training import Recipe

MakeFolder = Callable[..., Path]


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType) -> Path:
    """A folder with a video of 10 frames and a folder of 6 frames."""
    folder = tmp_path_factory.mktemp("videos")
    synthetic.write_clip(folder / "clip.mp4", 10, size=(128, 96))
    frames = folder / "sequence"
    frames.mkdir()
    for number, rgb in enumerate(synthetic.moving_frames(6, 112, 96)):
        write_picture(frames / f"{number:03}.png", rgb)
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory, synthetic: ModuleType) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(2):
        write_picture(folder / f"{number}.png", synthetic.moving_frame(0, 160, 128, number))
    return folder


@pytest.fixture
def recipe(videos: Path, photos: Path) -> Recipe:
    return Recipe((videos,), (photos,), crop=64)


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Makes a folder of pairs of noise without a codec: make_folder(name, count, crop)."""

    def make(name: str = "pairs", count: int = 12, crop: int = 48, *, stills: bool = False) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        rng = np.random.default_rng(count)
        frames = rng.integers(0, 256, (count, crop * crop * 3 // 2), np.uint8)
        np.save(folder / "frames.npy", frames)
        if not stills:
            noise = rng.integers(-8, 9, frames.shape)
            np.save(folder / "predictions.npy", np.clip(frames + noise, 0, 255).astype(np.uint8))
            np.save(folder / "q.npy", rng.uniform(20, 40, count).astype(np.float32))
        info = {"format": 1, "crop": crop, "count": count}
        (folder / "pairs.json").write_text(json.dumps(info))
        return folder

    return make


def write_picture(path: Path, rgb: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> None:
    """(3, H, W) as a PNG."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb.transpose(1, 2, 0)), format="rgb24")
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height = frame.width, frame.height  # type: ignore[attr-defined]
    codec.pix_fmt = "rgb24"  # type: ignore[attr-defined]
    codec.time_base = 1  # type: ignore[assignment]
    packets = codec.encode(frame)  # type: ignore[attr-defined]
    path.write_bytes(b"".join(bytes(packet) for packet in packets))
