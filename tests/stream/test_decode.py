import math
from pathlib import Path

import pytest

import streamcodec
from streamcodec.errors import SourceError, UsageError

pytestmark = pytest.mark.usefixtures("tiny_models")


def test_part_of_a_stream(coded, tmp_path: Path) -> None:
    done: list[int] = []
    report = streamcodec.decode(
        coded.data,
        tmp_path / "v.y4m",
        start_seconds=4 / 12,
        max_frames=3,
        progress=lambda frames, _: done.append(frames),
    )
    assert (report.frames, report.width, report.height) == (3, 53, 37)
    assert done == [1, 2, 3]


@pytest.mark.parametrize(
    "part",
    [
        {"start_seconds": -1},
        {"start_seconds": math.nan},
        {"duration_seconds": 0},
        {"max_frames": -1},
    ],
)
def test_impossible_part_fails_and_leaves_nothing(
    coded, tmp_path: Path, part: dict[str, float]
) -> None:
    with pytest.raises(UsageError, match="accepted"):
        streamcodec.decode(coded.data, tmp_path / "v.y4m", **part)
    assert list(tmp_path.iterdir()) == []


def test_part_without_frames_fails_and_leaves_nothing(coded, tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"no frame lies in the range .*; the stream lasts \d\.\d{3} s"
    ):
        streamcodec.decode(coded.data, tmp_path / "v.y4m", start_seconds=100)
    assert list(tmp_path.iterdir()) == []
