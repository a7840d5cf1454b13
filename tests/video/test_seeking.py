"""Starting in the middle gives the frames of reading from the beginning, whatever stands between the key frames."""

from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from streamcodec.types import RawFrame
from streamcodec.video import VideoReader

DATA = Path(__file__).parents[1] / "data"

KINDS = {
    "mpeg4 in ts": ("a.ts", "mpeg4", {"g": "30", "bf": "0"}),
    "mpeg4 with b in ts": ("a.ts", "mpeg4", {"g": "30", "bf": "2"}),
    "mpeg4 in avi": ("a.avi", "mpeg4", {"g": "30", "bf": "0"}),
    "mpeg4 with one key": ("a.ts", "mpeg4", {"g": "600", "sc_threshold": "1000000000"}),
    "mpeg2 in ts": ("a.ts", "mpeg2video", {"g": "15", "bf": "2"}),
    "mpeg1 in ps": ("a.mpg", "mpeg1video", {"g": "15", "bf": "2"}),
    "h264 open in ts": ("a.ts", "libx264", {"x264-params": "keyint=15:open-gop=1:bframes=3"}),
    "h264 refresh in ts": (
        "a.ts",
        "libx264",
        {"x264-params": "keyint=15:intra-refresh=1:bframes=0"},
    ),
    "h264 refresh in mkv": ("a.mkv", "libx264", {"x264-params": "keyint=15:intra-refresh=1"}),
    "hevc open in ts": ("a.ts", "libx265", {"x265-params": "keyint=15:open-gop=1:log-level=none"}),
    "hevc open in mp4": (
        "a.mp4",
        "libx265",
        {"x265-params": "keyint=15:open-gop=1:log-level=none"},
    ),
}


def same(some: list[RawFrame], every: list[RawFrame]) -> bool:
    return [frame.pts for frame in some] == [frame.pts for frame in every] and all(
        np.array_equal(one.planes[0], other.planes[0])
        for one, other in zip(some, every, strict=True)
    )


def read(path: Path, **part: object) -> list[RawFrame]:
    with VideoReader(path, frame_format="yuv420", **part) as reader:
        return list(reader)


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_decodes_as_straight_reading_does(
    kind: str, tmp_path: Path, synthetic: ModuleType
) -> None:
    name, codec, options = KINDS[kind]
    path = synthetic.write_clip(tmp_path / name, 100, codec=codec, options=options,
                                rate=Fraction(25), time_base=Fraction(1, 25))  # fmt: skip
    every = read(path)
    with VideoReader(path) as reader:
        second = int(1 / reader.format.time_base)
    assert len(every) == 100
    for seconds in (0.6, 1.3, 2.04, 3.5):
        first = every[0].pts + seconds * second - 1e-6
        wanted = [frame for frame in every if frame.pts >= first]
        assert same(read(path, start_seconds=seconds, max_frames=4), wanted[:4])
        assert same(read(path, start_pts=wanted[0].pts, max_frames=4), wanted[:4])


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 2.44, 3.9])
def test_the_case_that_was_grey(seconds: float) -> None:
    path = DATA / "mpeg4_asp.ts"
    every = read(path)
    assert len(every) == 100
    wanted = [frame for frame in every if frame.pts >= every[0].pts + seconds * 90000 - 1]
    assert same(read(path, start_seconds=seconds), wanted)
    assert same(read(path, start_pts=wanted[0].pts), wanted)
