"""Streams that are read while they are written."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest

import streamcodec
from streamcodec import SourceError, TruncatedStreamError, UsageError
from streamcodec.container import Packet, PacketHeader, PacketType, Reader
from support.growing import growing

from ..conftest import Coded

pytestmark = pytest.mark.usefixtures("tiny_models")


def test_frames_of_a_growing_stream(coded: Coded, tmp_path: Path) -> None:
    path = tmp_path / "v.ssf"
    with growing(path, coded.data), streamcodec.open(path, follow=True) as video:
        found = [frame.array for frame in video]
        assert np.array_equal(np.stack(found), coded.frames.numpy())
        assert len(video) == len(found)
        assert np.array_equal(video[7].array, found[7])


def test_random_access_waits_for_the_end(coded: Coded, tmp_path: Path) -> None:
    path = tmp_path / "v.ssf"
    with growing(path, coded.data), streamcodec.open(path, follow=True) as video:
        assert np.array_equal(video[-1].array, coded.frames[-1].numpy())
        again = pickle.loads(pickle.dumps(video))
        assert len(again) == len(coded.pts)
        again.close()


def test_each_frame_is_there_before_the_next_is_written(coded: Coded, tmp_path: Path) -> None:
    path = tmp_path / "v.ssf"
    headers = [
        item
        for item in Reader(io.BytesIO(coded.data)).headers()
        if isinstance(item, PacketHeader) and item.type == PacketType.FRAME
    ]
    with path.open("wb", buffering=0) as file:
        file.write(coded.data[: headers[0].end])
        video = streamcodec.open(path, follow=True)
        frames = iter(video)
        for number, header in enumerate(headers):
            assert next(frames).index == number
            end = headers[number + 1].end if number + 1 < len(headers) else len(coded.data)
            file.write(coded.data[header.end : end])
        assert list(frames) == []
        video.close()


def test_verify_follows(coded: Coded, tmp_path: Path) -> None:
    path = tmp_path / "v.ssf"
    with growing(path, coded.data):
        report = streamcodec.verify(path, follow=True)
    assert report.ok
    assert report.decoded == len(coded.pts)


def test_decode_follows(coded: Coded, tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.ssf", tmp_path / "v.ssf"
    whole.write_bytes(coded.data)
    streamcodec.decode(whole, tmp_path / "whole.y4m")
    with growing(path, coded.data):
        report = streamcodec.decode(path, tmp_path / "v.y4m", follow=True)
    assert report.frames == len(coded.pts)
    assert (tmp_path / "v.y4m").read_bytes() == (tmp_path / "whole.y4m").read_bytes()
    with growing(path, coded.data):
        report = streamcodec.decode(path, tmp_path / "part.y4m", follow=True, max_frames=3)
    assert report.frames == 3


def test_stream_that_stops_growing_fails(coded: Coded, tmp_path: Path) -> None:
    path = tmp_path / "v.ssf"
    path.write_bytes(coded.data[:-20])
    settings = {"follow": True, "follow_timeout_seconds": 0.05}
    with (
        streamcodec.open(path, **settings) as video,
        pytest.raises(TruncatedStreamError, match=r"not grown for 0.05 s.*its end has not come"),
    ):
        list(video)
    with pytest.raises(TruncatedStreamError, match="--on-damage skip"):
        streamcodec.decode(path, tmp_path / "v.y4m", **settings)
    assert not (tmp_path / "v.y4m").exists()
    kept = streamcodec.decode(path, tmp_path / "v.y4m", on_damage="skip", **settings)
    assert kept.frames == len(coded.pts)
    assert not streamcodec.verify(path, **settings).ok


def test_other_file_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"\0\0\0\x20ftypmp42" + bytes(100))
    with pytest.raises(streamcodec.FormatError, match="encode it first"):
        streamcodec.open(path, follow=True)


def test_what_cannot_be_followed_fails(coded: Coded, tmp_path: Path) -> None:
    for source in (coded.data, io.BytesIO(coded.data), "http://localhost/v.ssf"):
        with pytest.raises(UsageError, match="accepted: a path, or -"):
            streamcodec.open(source, follow=True)
    with pytest.raises(SourceError, match="not appeared"):
        streamcodec.open(tmp_path / "no.ssf", follow=True, follow_timeout_seconds=0.05)
    for seconds in (0, -1.0, "2", float("nan"), True):
        with pytest.raises(UsageError, match="follow timeout"):
            streamcodec.open(tmp_path / "v.ssf", follow=True, follow_timeout_seconds=seconds)


def test_headers_can_be_checked(coded: Coded) -> None:
    damaged = bytearray(coded.data)
    last = [item for item in Reader(io.BytesIO(coded.data)) if isinstance(item, Packet)][-2]
    damaged[coded.data.index(last.payload) + 3] ^= 1
    assert list(Reader(io.BytesIO(damaged)).headers())
    with pytest.raises(streamcodec.CorruptStreamError, match="CRC"):
        list(Reader(io.BytesIO(damaged)).headers(checked=True))
