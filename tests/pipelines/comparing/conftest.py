"""A video, codings of it, and their page."""

from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import streamcodec
from streamcodec.video import VideoReader
from support.pages import Page


@pytest.fixture(scope="module")
def source(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 frames at 25 fps."""
    path = tmp_path_factory.mktemp("source") / "source.mkv"
    return Path(synthetic.write_clip(path, 12, rate=Fraction(25), options={"qp": "0", "bf": "0"}))


@pytest.fixture(scope="module")
def worse(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with B-frames, in an MP4 that has ticks of its own."""
    path = tmp_path_factory.mktemp("worse") / "worse.mp4"
    options = {"qp": "40", "bf": "2", "g": "6", "x264-params": "b-adapt=0"}
    return Path(
        synthetic.write_clip(
            path, 12, rate=Fraction(25), time_base=Fraction(1, 12800), options=options
        )
    )


@pytest.fixture
def ours(source: Path, tiny_models: dict[str, str], tmp_path: Path) -> Path:
    path = tmp_path / "ours.ssf"
    streamcodec.encode(source, path, quality=30, gop=6, scenecut=0, **tiny_models)
    return path


def planes(path: Path) -> list[tuple[np.ndarray, ...]]:
    if path.suffix == ".ssf":
        return [frame.planes for frame in streamcodec.open(path)]
    with VideoReader(path, frame_format="yuv420") as reader:
        return [frame.planes for frame in reader]


def page_of(path: Path) -> Page:
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page
