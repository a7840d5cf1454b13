"""A small clip and its stream, for the commands."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.container import PacketHeader, Reader
from streamcodec.types import RawFrame, VideoFormat
from streamcodec.video import VideoReader, VideoWriter

TINY = ["--intra", "tiny-intra", "--inter", "tiny-inter"]
PTS = (0, 40, 80, 130, 160, 200)


def write_clip(path: Path, width: int = 48, height: int = 32) -> Path:
    """6 frames at a variable rate, with a sample aspect ratio."""
    rows, columns = np.indices((height, width))
    video = VideoFormat(
        width,
        height,
        Fraction(1, 1000),
        frame_rate=Fraction(25),
        sample_aspect_ratio=Fraction(4, 3),
    )
    with VideoWriter(path, video) as writer:
        for position, pts in enumerate(PTS):
            picture = np.stack(
                [(rows * 3 + (columns + 2 * position) * k) % 256 for k in (1, 2, 4)]
            ).astype(np.uint8)
            writer.write(RawFrame((picture,), pts, 40))
    return path


def count_frames(path: Path) -> int:
    with VideoReader(path) as reader:
        return sum(1 for _ in reader)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mkv")


@pytest.fixture
def stream(clip: Path, tmp_path: Path) -> Path:
    out = tmp_path / "clip.ssf"
    assert (
        run(["encode", str(clip), str(out), "--gop", "4", "--scenecut", "0", *TINY, "--quiet"]) == 0
    )
    return out


@pytest.fixture
def damaged(tiny_models: dict[str, str], tmp_path: Path) -> Path:
    """3 frames; the second does not decode."""
    path = tmp_path / "damaged.ssf"
    pictures = [np.full((3, 32, 48), 60 * number, np.uint8) for number in range(3)]
    streamcodec.encode(pictures, path, scenecut=0, **tiny_models)
    with path.open("rb") as file:
        frames = [item for item in Reader(file).headers() if isinstance(item, PacketHeader)]
    data = bytearray(path.read_bytes())
    data[frames[1].end - 1] ^= 0xFF
    path.write_bytes(data)
    return path


@pytest.fixture
def one(tiny_models: dict[str, str], tmp_path: Path) -> Path:
    """A stream of one frame."""
    path = tmp_path / "one.ssf"
    streamcodec.encode([np.zeros((3, 32, 48), np.uint8)], path, **tiny_models)
    return path
