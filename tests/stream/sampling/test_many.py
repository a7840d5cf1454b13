"""Frames of many streams in one call, and the example of docs/torch.md."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec import Video
from streamcodec.errors import CorruptStreamError, FrameIndexError, SourceError, UsageError
from streamcodec.stream.sampling import many

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def paths(mixed: list[bytes], tmp_path: Path) -> list[Path]:
    """a.ssf, 10 frames 48x32; b.ssf, 7 frames 40x64; 10 frames/s in GOPs of 4."""
    found = [tmp_path / "a.ssf", tmp_path / "b.ssf"]
    for path, data in zip(found, mixed, strict=True):
        path.write_bytes(data)
    return found


def test_frames_come_in_the_order_asked(paths: list[Path]) -> None:
    a, b = paths
    asked = [(a, 9), (b, 3), (str(a), 2), (a, 9), (b, -1), (a, -10), (b, np.int64(5))]
    frames = streamcodec.frames_at(asked)
    assert [frame.index for frame in frames] == [9, 3, 2, 9, 6, 0, 5]
    for (path, index), frame in zip(asked, frames, strict=True):
        with streamcodec.open(path) as video:
            assert np.array_equal(frame.array, video[index].array)
    assert streamcodec.frames_at([]) == []


def test_streams_open_once_and_gops_decode_once(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = paths
    opened: list[Any] = []
    decoded: list[Any] = []

    class Watched(Video):
        def __init__(self, source: Any, options: Any) -> None:
            opened.append(source)
            super().__init__(source, options)

        def _play(self, gop: Any, by: Any = None) -> Any:
            for frame in super()._play(gop, by):
                decoded.append((opened[-1], frame.index))
                yield frame

    monkeypatch.setattr(many, "Video", Watched)
    streamcodec.frames_at([(a, 6), (b, 1), (a, 1), (a, 4), (b, 0), (a, 6)])
    assert opened == [a, b]
    assert decoded == [(a, 0), (a, 1), (a, 4), (a, 5), (a, 6), (b, 0), (b, 1)]


def test_bytes_and_file_objects_are_sources(paths: list[Path], mixed: list[bytes]) -> None:
    with paths[0].open("rb") as file:
        frames = streamcodec.frames_at([(mixed[1], 2), (file, 3), (file, 1)])
    assert [frame.index for frame in frames] == [2, 3, 1]


@pytest.mark.parametrize(("seconds", "index"), [(0, 0), (0.1, 1), (0.3, 3), (0.39, 3), (0.69, 6)])
def test_times_give_the_frame_that_is_shown(paths: list[Path], seconds: float, index: int) -> None:
    (frame,) = streamcodec.frames_at_seconds([(paths[1], seconds)])
    assert frame.index == index
    with streamcodec.open(paths[1]) as video:
        assert video.index_at_seconds(seconds) == index


@pytest.mark.parametrize("seconds", [-0.01, 0.7, 0.71, 1e9, float("nan"), float("inf")])
def test_times_without_a_frame_fail(paths: list[Path], seconds: float) -> None:
    with pytest.raises(FrameIndexError, match=r"b\.ssf: time is .* is shown from 0\.0 s to 0\.7 s"):
        streamcodec.frames_at_seconds([(paths[0], 0.9), (paths[1], seconds)])


@pytest.mark.parametrize(
    ("seconds", "tolerance", "index"),
    [
        (0.7 - 0.4, 1e-4, 3),  # 0.29999999999999993
        (float(np.float32(0.9)) - 1e-7, 1e-4, 9),
        (0.24, 0.05, 2),
        (0.28, 0.05, 3),
        (0.28, 0.5, 3),
        (0.3, 0, 3),
        (-1e-9, 1e-4, 0),
    ],
)
def test_rounded_times_give_the_nearest_frame(
    paths: list[Path], seconds: float, tolerance: float, index: int
) -> None:
    (frame,) = streamcodec.frames_at_seconds([(paths[0], seconds)], tolerance_seconds=tolerance)
    assert frame.index == index


@pytest.mark.parametrize("seconds", [0.25, 0.95])
def test_a_frame_out_of_tolerance_fails(paths: list[Path], seconds: float) -> None:
    with pytest.raises(FrameIndexError, match=r"a\.ssf: no frame begins within 0\.04 s of"):
        streamcodec.frames_at_seconds([(paths[0], seconds)], tolerance_seconds=0.04)


@pytest.mark.parametrize("seconds", [-0.1, 1.0, 1.2, float("nan")])
def test_tolerance_leads_past_no_end(paths: list[Path], seconds: float) -> None:
    with pytest.raises(FrameIndexError, match=r"a\.ssf: time is"):
        streamcodec.frames_at_seconds([(paths[0], seconds)], tolerance_seconds=0.05)


@pytest.mark.parametrize(
    ("places", "error", "message"),
    [
        ([("a.ssf", 10)], FrameIndexError, r"a\.ssf: frame is 10; the video has 10 frames"),
        ([("a.ssf", -11)], FrameIndexError, r"a\.ssf: frame is -11"),
        ([("a.ssf", slice(2))], UsageError, "frame is slice"),
        ([("a.ssf", 1.5)], UsageError, r"frame is 1\.5"),
        ([("none.ssf", 0)], SourceError, r"none\.ssf"),
        ([3], UsageError, "places are not pairs"),
        (3, UsageError, "places are not pairs"),
        ([("a.ssf", 1, 2)], UsageError, "places are not pairs"),
    ],
)
def test_places_that_are_none_fail(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch, places: Any, error: type, message: str
) -> None:
    monkeypatch.chdir(paths[0].parent)
    with pytest.raises(error, match=message):
        streamcodec.frames_at(places)


@pytest.mark.parametrize("tolerance", [-1, "1", float("nan")])
def test_tolerances_that_are_none_fail(paths: list[Path], tolerance: Any) -> None:
    with pytest.raises(UsageError, match="tolerance is"):
        streamcodec.frames_at_seconds([(paths[0], 0)], tolerance_seconds=tolerance)


def test_damage_names_the_stream(paths: list[Path]) -> None:
    data = bytearray(paths[0].read_bytes())
    data[len(data) // 2] ^= 0xFF
    paths[0].write_bytes(data)
    good = {frame.index for frame in streamcodec.open(paths[0], on_damage="skip")}
    lost = min(set(range(10)) - good)
    with pytest.raises(CorruptStreamError, match=r"a\.ssf: .*on_damage='skip'"):
        streamcodec.frames_at([(paths[1], 0), (paths[0], lost)])
    (frame,) = streamcodec.frames_at([(paths[0], lost)], on_damage="conceal")
    assert frame.concealed


def test_the_example_of_robots(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The code block of the page, on these streams."""
    page = (DOCS / "torch.md").read_text(encoding="utf-8")
    (code,) = (
        block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "cameras" in block
    )
    folder = paths[0].parent / "episode_0"
    folder.mkdir()
    paths[0].rename(folder / "top.ssf")
    paths[1].rename(folder / "wrist.ssf")
    monkeypatch.chdir(folder.parent)
    names: dict[str, Any] = {}
    exec(code, names)
    step = names["observation"](0.5)
    assert {name: tuple(frames.shape) for name, frames in step.items()} == {
        "top": (3, 3, 32, 48),
        "wrist": (3, 3, 64, 40),
    }
    with streamcodec.open(folder / "top.ssf") as video:
        assert torch.equal(step["top"], video[3:6].data.float() / 255)
    for late in (0.1, 0.8):
        with pytest.raises(FrameIndexError, match=r"(top|wrist)\.ssf: time is"):
            names["observation"](late)
