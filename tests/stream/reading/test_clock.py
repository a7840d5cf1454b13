"""Times of a stream whose first frame is not at 0; and how its values print."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import streamcodec
from streamcodec.container import Reader
from streamcodec.errors import FrameIndexError, UsageError
from support.streams import stream_of


@pytest.fixture
def late(tiny_models: dict[str, str], tmp_path: Path) -> Path:
    """10 frames in 3 GOPs at 10 frames/s, the first at 1.4 s, as in transport streams."""
    first, path = tmp_path / "first.ssf", tmp_path / "late.ssf"
    pictures = [np.full((3, 32, 48), 20 * number, np.uint8) for number in range(10)]
    streamcodec.encode(pictures, first, frame_rate=10, gop=4, scenecut=0, **tiny_models)
    with first.open("rb") as source:
        reader = Reader(source)
        packets = (replace(packet, pts=packet.pts + 14) for packet in reader.packets())
        path.write_bytes(stream_of(reader.header, packets))
    return path


def test_one_clock(late: Path) -> None:
    video = streamcodec.open(late)
    for frame in video:
        assert video.frame_at_seconds(frame.pts_seconds).index == frame.index
        assert next(video.between(frame.pts_seconds)).index == frame.index
    assert [frame.index for frame in video.between(1.6, 0.3)] == [2, 3, 4]
    assert [frame.index for frame in video.between(0, 1.6)] == [0, 1]
    assert [frame.index for frame in video.between(0, 1)] == []
    assert [frame.index for frame in video.between(0)] == list(range(10))
    assert [frame.index for frame in video.between()] == list(range(10))
    assert [frame.index for frame in video.between(duration_seconds=0.2)] == [0, 1]


@pytest.mark.parametrize("seconds", [0.05, 2.4, -1.0])
def test_times_outside_say_where_the_stream_is_shown(late: Path, seconds: float) -> None:
    with pytest.raises(
        FrameIndexError, match=rf"time is {seconds} s; .* shown from 1\.4 s to 2\.4 s"
    ):
        streamcodec.open(late).frame_at_seconds(seconds)


def test_values_print_in_a_line(late: Path) -> None:
    with streamcodec.open(late) as video:
        assert repr(video) == f"<Video {late}: 48x32, 10 fps, yuv420>"
        assert repr(video[1]) == f"<Frame 1: {video[1].type}, 48x32, 1.500 s>"
        assert repr(video[:3]) == "<FrameBatch of 3 frames: 48x32, [0, 1, 2]>"
        assert repr(video[:]) == "<FrameBatch of 10 frames: 48x32, [0, 1, 2, ..., 7, 8, 9]>"
        assert repr(video[:0]) == "<FrameBatch of 0 frames: 48x32, []>"
    assert repr(streamcodec.open(late.read_bytes())) == "<Video bytes: 48x32, 10 fps, yuv420>"


def test_arrays_with_channels_last_are_told_what_to_do(
    tiny_models: dict[str, str], tmp_path: Path
) -> None:
    picture = np.zeros((32, 48, 3), np.uint8)
    with pytest.raises(UsageError, match=r"\(32, 48, 3\).*transpose\(2, 0, 1\)"):
        streamcodec.encode([picture], tmp_path / "a.ssf", **tiny_models)
    with pytest.raises(UsageError, match=r"OpenCV"):
        streamcodec.encode_image(picture, tmp_path / "a.ssf", intra=tiny_models["intra"])
    assert not (tmp_path / "a.ssf").exists()
