"""Damage while decoding: what is lost is named, left out or concealed; what is not lost is right."""

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec import Frame
from streamcodec.container import Limits, PacketType, Reader
from streamcodec.errors import CorruptStreamError, FormatError, UnsupportedStreamError
from streamcodec.stream.decode import DecodeReport

pytestmark = pytest.mark.usefixtures("tiny_models")
TAIL = 200  # bytes without which neither index nor copy of the header are left


def places(data: bytes) -> dict[int, tuple[int, int]]:
    """Where the packet of each frame lies."""
    headers = Reader(io.BytesIO(data)).headers()
    return {
        item.frame: (item.offset, item.end) for item in headers if item.type == PacketType.FRAME
    }


def flipped(data: bytes, *at: int) -> bytes:
    broken = bytearray(data)
    for position in at:
        broken[position] ^= 0xFF
    return bytes(broken)


def without(data: bytes, *frames: int) -> bytes:
    """With the payload of these frames damaged."""
    return flipped(data, *(places(data)[frame][1] - 2 for frame in frames))


CASES = [
    ([5], [5, 6, 7]),
    ([4], [4, 5, 6, 7]),
    ([0], [0, 1, 2, 3]),
    ([0, 4], list(range(8))),
    ([9], [9]),
    ([1, 8], [1, 2, 3, 8, 9]),
    ([2, 4, 8], list(range(2, 10))),
]


@pytest.mark.parametrize("index_lost", [False, True])
@pytest.mark.parametrize(("damaged", "lost"), CASES)
def test_last_good_frame_stands_for_what_is_lost(
    coded, damaged: list[int], lost: list[int], index_lost: bool
) -> None:
    data = without(coded.data, *damaged)
    if index_lost:
        data = flipped(data, len(data) - 4)
    with streamcodec.open(data, on_damage="conceal") as video:
        frames = list(video)
        assert [frame.index for frame in frames] == list(range(10))
        assert [frame.index for frame in frames if frame.concealed] == lost
        times = [frame.pts for frame in frames]
        assert times == sorted(set(times))
        for frame in frames:
            if not frame.concealed:
                assert frame.pts == coded.pts[frame.index]
                assert torch.equal(frame.data, coded.frames[frame.index])
            else:
                before = [good for good in range(frame.index) if good not in lost]
                behind = [good for good in range(10) if good not in lost]
                stands = before[-1] if before else behind[0]
                assert torch.equal(frame.data, coded.frames[stands])
        assert_same_at_random(video, frames)


def assert_same_at_random(video: streamcodec.Video, frames: list[Frame]) -> None:
    for index in (9, 0, 5, 7, 6, 1, 8, 3):
        one = video[index]
        assert (one.pts, one.concealed) == (frames[index].pts, frames[index].concealed)
        assert torch.equal(one.data, frames[index].data)
        assert video.frame_at_seconds(one.pts_seconds + 1e-3).index == index
    batch = video.frames_at([5, 0])
    assert batch.concealed.tolist() == [frames[5].concealed, frames[0].concealed]
    assert np.array_equal(batch.array[1], frames[0].array)
    assert [frame.index for frame in video.gop(1)] == [4, 5, 6, 7]
    assert [frame.index for frame in video.between(0.5)] == [
        frame.index for frame in frames if frame.pts >= 6
    ]


def test_stream_without_a_good_frame_has_none_to_show(coded) -> None:
    data = without(coded.data, 0, 4, 8)
    video = streamcodec.open(data, on_damage="conceal")
    assert list(video) == []
    with pytest.raises(CorruptStreamError, match="frame 3 is lost"):
        video[3]


def test_file_cut_at_any_byte_plays_to_its_last_whole_packet(coded) -> None:
    ends = [end for _, end in places(coded.data).values()]
    first = places(coded.data)[0][0]
    for size in [*range(first, len(coded.data), 97), *ends]:
        whole = sum(end <= size for end in ends)
        for on_damage in ("skip", "conceal"):
            with streamcodec.open(coded.data[:size], on_damage=on_damage) as video:
                frames = list(video)
            assert [frame.index for frame in frames] == list(range(whole))
            assert not any(frame.concealed for frame in frames)


@pytest.fixture
def saved(coded, tmp_path: Path) -> Path:
    path = tmp_path / "damaged.ssf"
    path.write_bytes(without(coded.data, 5))
    return path


def decoded(source: object, tmp_path: Path, **settings: object) -> DecodeReport:
    return streamcodec.decode(source, tmp_path / "out.y4m", overwrite=True, **settings)


LOST = "3 of 10 frames are lost to damage: frames 5..7 of GOP 1"


def test_decode_tells_what_is_lost(coded, saved: Path, tmp_path: Path) -> None:
    for source in (saved, io.BytesIO(saved.read_bytes())):
        skipped = decoded(source, tmp_path, on_damage="skip")
        assert (skipped.frames, skipped.concealed, skipped.damage) == (7, 0, LOST)
    concealed = decoded(saved, tmp_path, on_damage="conceal")
    assert (concealed.frames, concealed.concealed, concealed.damage) == (10, 3, LOST)
    with pytest.raises(CorruptStreamError):
        decoded(saved, tmp_path)
    for on_damage in ("skip", "conceal", "raise"):
        whole = decoded(coded.data, tmp_path, on_damage=on_damage)
        assert (whole.frames, whole.lost, whole.damage) == (10, (), None)


@pytest.mark.parametrize(("on_damage", "frames"), [("skip", 3), ("conceal", 6)])
def test_decode_tells_what_is_lost_of_a_range(
    coded, saved: Path, tmp_path: Path, on_damage: str, frames: int
) -> None:
    start = float((coded.pts[3] - coded.pts[0]) * coded.time_base)
    stop = float((coded.pts[8] - coded.pts[0]) * coded.time_base) + 0.01
    report = decoded(
        saved, tmp_path, on_damage=on_damage, start_seconds=start, duration_seconds=stop - start
    )
    assert (report.frames, report.damage) == (frames, LOST)
    report = decoded(saved, tmp_path, on_damage=on_damage, duration_seconds=start)
    assert (report.frames, report.damage) == (3, None)


def test_lost_key_frame_at_the_start_of_a_range_is_told(coded, tmp_path: Path) -> None:
    start = float((coded.pts[4] - coded.pts[0]) * coded.time_base) - 0.01
    report = decoded(without(coded.data, 4), tmp_path, on_damage="skip", start_seconds=start)
    assert (report.frames, report.damage) == (
        2,
        "4 of 10 frames are lost to damage: frames 4..7 of GOP 1",
    )


def test_header_from_another_stream(coded, tmp_path: Path) -> None:
    other = tmp_path / "other.ssf"
    other.write_bytes(coded.data)
    broken = flipped(coded.data[:-TAIL], 3, 30)
    with pytest.raises(FormatError, match=r"not an \.ssf stream"):
        streamcodec.open(broken, on_damage="skip")
    for given in (other, coded.data):
        with streamcodec.open(broken, on_damage="skip", header_from=given) as video:
            assert [frame.index for frame in video] == list(range(10))
            assert torch.equal(video[6].data, coded.frames[6])
    report = streamcodec.verify(broken, header_from=other)
    assert any("that of another stream was taken" in problem for problem in report.problems)
    assert (report.frames, report.decoded, report.lost) == (10, 10, ())


def test_concealed_frames_have_a_limit(coded) -> None:
    first, last = places(coded.data)[4][0], places(coded.data)[7][1]
    data = coded.data[:first] + coded.data[last:-TAIL]
    video = streamcodec.open(data, on_damage="conceal", limits=Limits(concealed=3))
    with pytest.raises(UnsupportedStreamError, match="--limit concealed=N"):
        list(video)
    assert len(list(streamcodec.open(data, on_damage="conceal", limits=Limits(concealed=4)))) == 10


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize(("damaged", "lost"), CASES)
def test_verify_names_lost_frames(coded, decode: bool, damaged: list[int], lost: list[int]) -> None:
    report = streamcodec.verify(without(coded.data, *damaged), decode=decode)
    numbers = [n for loss in report.lost for n in range(loss.first_frame, loss.last_frame + 1)]
    assert numbers == lost
    assert all(loss.first_gop == loss.last_gop == loss.first_frame // 4 for loss in report.lost)
    assert report.problems[-1].startswith(f"{len(lost)} of 10 frames ")


def test_times_of_concealed_frames_rise_where_durations_are_unknown(tiny_codec) -> None:
    frames = [np.full((3, 16, 16), 9 * number, np.uint8) for number in range(6)]
    out = io.BytesIO()
    streamcodec.encode(frames, out, codec=tiny_codec, gop=3, frame_rate=Fraction(25))
    data = without(out.getvalue(), 1, 4)
    shown = list(streamcodec.open(data, on_damage="conceal"))
    assert [frame.pts for frame in shown] == list(range(6))
