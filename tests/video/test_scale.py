"""`scale`: pictures of another size."""

from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import streamcodec
from streamcodec import parts
from streamcodec.cli import run
from streamcodec.errors import UsageError
from streamcodec.types import VideoFormat
from streamcodec.video import VideoReader
from streamcodec.video.scale import Scaler, scaled_format


@pytest.fixture
def clip(synthetic: ModuleType, tmp_path: Path) -> Path:
    """96x64."""
    path: Path = synthetic.write_clip(tmp_path / "clip.mkv", 6)
    return path


@pytest.mark.parametrize("size", [(48, 32), (33, 21), (200, 100)])
@pytest.mark.parametrize("rgb", [True, False])
def test_flat_and_sloping_pictures_stay_so(size: tuple[int, int], rgb: bool) -> None:
    width, height = size
    half = ((height + 1) // 2, (width + 1) // 2)
    shapes = [(3, height, width)] if rgb else [(height, width), half, half]
    sources = [(3, 64, 96)] if rgb else [(64, 96), (32, 48), (32, 48)]
    flat = Scaler(size).apply(tuple(np.full(shape, 235, np.uint8) for shape in sources))
    assert [plane.shape for plane in flat] == shapes
    assert all((plane == 235).all() for plane in flat)
    slope = tuple(np.broadcast_to(np.linspace(16, 235, s[-1]), s).astype(np.uint8) for s in sources)
    for plane in Scaler(size).apply(slope):
        assert plane[..., 0].mean() < 24
        assert plane[..., -1].mean() > 227
        assert np.abs(plane.astype(float).mean() - 125.5) < 2


def test_the_shape_that_is_shown_stays() -> None:
    video = VideoFormat(720, 576, Fraction(1, 25), sample_aspect_ratio=Fraction(16, 15))
    scaled = scaled_format(video, (512, 384))
    shown = scaled.sample_aspect_ratio * Fraction(scaled.width, scaled.height)
    assert shown == Fraction(16, 15) * Fraction(720, 576)


def test_encode_scales(clip: Path, tiny_models: dict[str, str], tmp_path: Path) -> None:
    straight, parted = tmp_path / "straight.ssf", tmp_path / "parts.ssf"
    models = ["--intra", tiny_models["intra"], "--inter", tiny_models["inter"], "--quiet"]
    command = ["encode", str(clip), str(straight), "--scale", "40x30", "--gop", "2", *models]
    assert run(command) == 0
    with streamcodec.open(straight) as video, VideoReader(clip, scale="40x30") as reader:
        assert (video.metadata.width, video.metadata.height, len(video)) == (40, 30, 6)
        assert video.metadata.sample_aspect_ratio == reader.format.sample_aspect_ratio
        assert next(iter(reader)).size == (40, 30)
    settings = {**tiny_models, "scale": "40x30", "gop": 2}
    plan = parts.VideoPlan.from_json(parts.plan_video(clip, **settings).to_json())
    paths = [tmp_path / "0.ssf", tmp_path / "1.ssf"]
    for path, gops in zip(paths, plan.split(2), strict=True):
        parts.encode_part(clip, plan, gops, path)
    parts.join_parts(plan, paths, parted)
    assert parted.read_bytes() == straight.read_bytes()
    found = streamcodec.search(clip, qualities=[20], **settings)
    assert found.predictions[0].size_bytes > 0


@pytest.mark.parametrize(
    "scale", ["", "40", "40x", "x30", "0x30", "40x30x2", "-1x30", "20000x2", 40]
)
def test_other_texts_fail(scale: str, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="scale is"):
        streamcodec.encode(clip, tmp_path / "a.ssf", scale=scale)
    assert not (tmp_path / "a.ssf").exists()


def test_frames_from_python_are_not_scaled(tiny_models: dict[str, str], tmp_path: Path) -> None:
    frames = [np.zeros((3, 32, 48), np.uint8)]
    with pytest.raises(UsageError, match="scale is for video files"):
        streamcodec.encode(frames, tmp_path / "a.ssf", scale="40x30", **tiny_models)


@pytest.mark.parametrize("size", [(48, 32), (288, 192), (60, 40), (33, 21), (95, 63)])
def test_colours_stay_where_they_were(size: tuple[int, int]) -> None:
    """A sample of chroma lies in line with the even columns, and half-way between two rows."""
    width, height = 96, 64
    across, down = width / size[0], height / size[1]
    columns, rows = 2 * np.arange(width // 2), 2 * np.arange(height // 2) + 0.5
    slope_u = np.broadcast_to(20 + 2 * columns, (height // 2, width // 2)).astype(np.uint8)
    slope_v = np.broadcast_to((20.5 + 3 * rows)[:, None], slope_u.shape).astype(np.uint8)
    luma = np.zeros((height, width), np.uint8)
    _, u, v = Scaler(size).apply((luma, slope_u, slope_v))
    columns = (2 * np.arange(u.shape[1]) + 0.5) * across - 0.5
    rows = (2 * np.arange(v.shape[0]) + 1) * down - 0.5
    inside = slice(4, -4)
    assert abs((u[5] - (20 + 2 * columns))[inside].mean()) < 0.1
    assert abs((v[:, 5] - (20.5 + 3 * rows))[inside].mean()) < 0.1


def test_sizes_of_planes_fit_their_picture() -> None:
    """Also where a plane of chroma is wider than half of an odd picture."""
    planes = tuple(np.zeros(shape, np.uint8) for shape in ((33, 21), (17, 11), (17, 11)))
    for size in ((7, 5), (1, 1), (64, 64), (21, 33)):
        shapes = [plane.shape for plane in Scaler(size).apply(planes)]
        half = ((size[1] + 1) // 2, (size[0] + 1) // 2)
        assert shapes == [(size[1], size[0]), half, half]
