"""Streams with B-frames: read straight on, at random, damaged and cut off."""

import io
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamcodec
from streamcodec import Frame
from streamcodec.codec import Codec, NativeModel
from streamcodec.container import (
    AudioTrack,
    Damage,
    Packet,
    PacketHeader,
    PacketType,
    Reader,
    pack_track_packet,
)
from streamcodec.editing import repair
from streamcodec.errors import CorruptStreamError, TruncatedStreamError
from streamcodec.tracks import TrackPacket
from streamcodec.types import Planes
from support.b_frames import CodedRuns, coded_runs
from support.streams import stream_of

pytestmark = pytest.mark.usefixtures("tiny_models")
TYPES = "IBBBPPBBPIBBBBBBBPBP"
COUNT = len(TYPES)
SECOND = 9  # where the second GOP begins


@pytest.fixture(scope="module")
def coded(native_codec: Codec) -> CodedRuns:
    """20 frames in two GOPs."""
    return coded_runs(native_codec)


def same(frame: Frame, planes: Planes) -> bool:
    return all(map(np.array_equal, frame.planes, planes))


def frame_packets(data: bytes) -> list[PacketHeader]:
    headers = Reader(io.BytesIO(data), on_damage="skip").headers()
    return [item for item in headers if item.type == PacketType.FRAME]


def without(data: bytes, *frames: int) -> bytes:
    """With the payload of these frames damaged."""
    broken = bytearray(data)
    for frame in frames:
        broken[frame_packets(data)[frame].end - 1] ^= 1
    return bytes(broken)


def changed(data: bytes, change: Callable[[Packet], Packet]) -> bytes:
    """With other frames, but whole."""
    reader = Reader(io.BytesIO(data))
    packets = [change(item) for item in reader.packets() if isinstance(item, Packet)]
    return stream_of(reader.header, packets)


def lost_with(*damaged: int) -> list[int]:
    """What cannot be decoded without these frames, by the types: the rest of the GOP, and the run that waits."""
    lost: set[int] = set()
    for frame in damaged:
        first = frame
        while TYPES[frame] != "I" and TYPES[first - 1] == "B":
            first -= 1
        lost |= set(range(first, SECOND if frame < SECOND else COUNT))
    return sorted(lost)


def test_frames_come_in_order_of_display(coded: CodedRuns, tmp_path: Path) -> None:
    path = tmp_path / "v.ssf"
    path.write_bytes(coded.data)
    for source in (coded.data, path):
        with streamcodec.open(source) as video:
            frames = list(video)
        assert "".join(frame.type for frame in frames) == coded.types == TYPES
        assert [(frame.index, frame.pts) for frame in frames] == [(n, n) for n in range(COUNT)]
        assert all(map(same, frames, coded.planes))


def test_random_access_equals_straight_decoding(coded: CodedRuns) -> None:
    video = streamcodec.open(coded.data)
    for seed in range(4):
        indexes = list(range(COUNT))
        random.Random(seed).shuffle(indexes)
        assert all(same(video[index], coded.planes[index]) for index in indexes)
    for step in (2, 3, 5, -3):
        batch = video[::step]
        for row, index in enumerate(batch.indexes):
            assert np.array_equal(batch.planes[0][row], coded.planes[index][0])
    assert [frame.index for frame in video.gop(1)] == list(range(SECOND, COUNT))
    assert [frame.index for frame in video.between(0.48, 0.2)] == [12, 13, 14, 15, 16]
    assert video.frame_at_seconds(0.5).index == 12


@pytest.mark.parametrize(
    ("index", "decoded"),
    [(0, 1), (4, 2), (2, 3), (1, 4), (8, 4), (7, 6), (9, 1), (13, 3), (10, 5), (16, 5), (19, 3)],
)
def test_random_access_decodes_what_it_needs(
    coded: CodedRuns, monkeypatch: pytest.MonkeyPatch, index: int, decoded: int
) -> None:
    """The anchors up to the one behind it, and of its run those that it is coded from."""
    calls = counted_decodes(monkeypatch)
    assert same(streamcodec.open(coded.data)[index], coded.planes[index])
    assert len(calls) == decoded


def test_indexes_in_a_row_share_the_decoding(
    coded: CodedRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted_decodes(monkeypatch)
    streamcodec.open(coded.data).frames_at([0, 4, 5, 8])
    assert len(calls) == 4
    streamcodec.open(coded.data)[:]
    assert len(calls) == 4 + COUNT


def test_a_range_decodes_what_it_needs(
    coded: CodedRuns, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = counted_decodes(monkeypatch)
    video = streamcodec.open(coded.data)
    assert [frame.index for frame in video.between(16 / 25)] == [16, 17, 18, 19]
    assert len(calls) == 7  # all but 10, 11, 12 and 14
    report = streamcodec.decode(coded.data, tmp_path / "v.y4m", start_seconds=0.64)
    assert report.frames == 4
    assert len(calls) == 14


def counted_decodes(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    calls: list[None] = []
    decode = NativeModel.decode

    def counting(*arguments: Any) -> Any:
        calls.append(None)
        return decode(*arguments)

    monkeypatch.setattr(NativeModel, "decode", counting)
    return calls


def test_a_pipe_gives_frames_with_the_one_behind_their_run(coded: CodedRuns) -> None:
    packets = frame_packets(coded.data)
    source, sink = os.pipe()
    with os.fdopen(sink, "wb", buffering=0) as feed, os.fdopen(source, "rb") as pipe:
        feed.write(coded.data[: packets[4].end])  # IBBBP
        frames = iter(streamcodec.open(pipe))
        assert [next(frames).type for _ in range(5)] == list("IBBBP")
        feed.write(coded.data[packets[4].end : packets[5].end])
        assert next(frames).index == 5
        feed.write(coded.data[packets[5].end :])
        feed.close()
        assert len(list(frames)) == COUNT - 6


def test_verify_finds_the_encoders_pixels(coded: CodedRuns) -> None:
    report = streamcodec.verify(coded.data)
    assert report.ok
    assert (report.frames, report.decoded, report.exact_gops) == (COUNT, COUNT, 2)
    assert report.inexact_gops == report.lost == ()


@pytest.mark.parametrize("index_lost", [False, True])
@pytest.mark.parametrize(
    "damaged", [*([frame] for frame in range(COUNT)), [2, 12], [0, 9], [8, 19], [4, 9, 18]]
)
def test_damage_costs_the_rest_of_its_gop_and_the_run_before(
    coded: CodedRuns, damaged: list[int], index_lost: bool
) -> None:
    data = without(coded.data, *damaged)
    data = data[:-20] if index_lost else data
    lost = lost_with(*damaged)
    check_losses(coded, data, lost)
    with streamcodec.open(data, on_damage="conceal") as video:
        frames = list(video)
        if len(lost) == COUNT:
            assert frames == []
            return
        assert [frame.index for frame in frames] == list(range(COUNT))
        assert [frame.index for frame in frames if frame.concealed] == lost
        times = [frame.pts for frame in frames]
        assert times == sorted(set(times))
        assert same(video[7], frames[7].planes)
        assert same(video[12], frames[12].planes)
    with pytest.raises(CorruptStreamError):
        list(streamcodec.open(data))


def test_stream_cut_off_at_any_frame_loses_the_run(coded: CodedRuns) -> None:
    for number, packet in enumerate(frame_packets(coded.data)):
        whole = number + 1
        while whole and TYPES[whole - 1] == "B":
            whole -= 1
        check_losses(coded, coded.data[: packet.end], list(range(whole, number + 1)))
        index = Reader(io.BytesIO(coded.data[: packet.end]), on_damage="skip").index
        assert index.frame_count == number + 1
        assert sum(entry.frame_count for entry in index.entries) == whole
    with pytest.raises(TruncatedStreamError):
        list(streamcodec.open(coded.data[: frame_packets(coded.data)[3].end]))


def check_losses(coded: CodedRuns, data: bytes, lost: list[int]) -> None:
    """All that reads the stream agrees on what is lost, and what is shown is right."""
    for decode in (True, False):
        report = streamcodec.verify(data, decode=decode)
        told = [n for loss in report.lost for n in range(loss.first_frame, loss.last_frame + 1)]
        assert told == lost
        assert not report.ok
    with streamcodec.open(data, on_damage="skip") as video:
        frames = list(video)
        for frame in lost:
            with pytest.raises(CorruptStreamError, match="is lost to damage"):
                video[frame]
        for frame in frames:
            assert same(video[frame.index], coded.planes[frame.index])
    shown = [frame.index for frame in frames]
    known = len(shown) + len(lost)
    assert shown == [number for number in range(known) if number not in lost]
    assert all(same(frame, coded.planes[frame.index]) for frame in frames)
    out = io.BytesIO()
    if not shown:
        with pytest.raises(CorruptStreamError, match="no frame"):
            repair(data, out)
        return
    told = [
        number
        for loss in repair(data, out).lost
        for number in range(loss.first_frame, loss.last_frame + 1)
    ]
    assert told == lost
    repaired = streamcodec.verify(out.getvalue())
    assert (repaired.ok, repaired.decoded, repaired.inexact_gops) == (True, len(shown), ())
    for frame, number in zip(streamcodec.open(out.getvalue()), shown, strict=True):
        assert same(frame, coded.planes[number])


def test_frame_of_another_kind_than_its_packet_says_fails(coded: CodedRuns) -> None:
    for frame, first_lost in ((2, 1), (4, 1), (5, 5)):
        payload = next(
            packet.payload for packet in Reader(io.BytesIO(coded.data)) if packet.frame == frame
        )
        other = bytes([payload[0] ^ 0x40]) + payload[1:]

        def swapped(packet: Packet, frame: int = frame, other: bytes = other) -> Packet:
            return replace(packet, payload=other) if packet.frame == frame else packet

        data = changed(coded.data, swapped)
        with pytest.raises(CorruptStreamError, match=f"frame {frame} does not decode"):
            list(streamcodec.open(data))
        skipped = [frame.index for frame in streamcodec.open(data, on_damage="skip")]
        assert skipped == [*range(first_lost), *range(SECOND, COUNT)]
        assert streamcodec.verify(data).lost[0].first_frame == first_lost


def test_header_that_its_models_contradict_fails(coded: CodedRuns) -> None:
    header = replace(Reader(io.BytesIO(coded.data)).header, inter=None)
    with pytest.raises(CorruptStreamError, match="there are B-frames, which tiny-intra does not"):
        list(streamcodec.open(stream_of(header, [])))


def test_sound_lies_where_the_stream_has_it(coded: CodedRuns) -> None:
    """Behind the frame that it lies behind, though the decoder gives frames later."""
    data = with_sound(coded.data)
    with streamcodec.open(data) as video:
        tap = streamcodec.stream.video.TrackTap(video.header.tracks)
        items = list(video.played(video.stretch(), tap, lambda frame: True))
        order = [item.index if isinstance(item, Frame) else item.data for item in items]
        assert order == [n for frame in range(COUNT) for n in (frame, b"%d" % frame)]
        tap = streamcodec.stream.video.TrackTap(video.header.tracks)
        items = list(video.played(video.stretch(max_frames=3), tap, lambda frame: True))
        order = [item.index if isinstance(item, Frame) else item.data for item in items]
        assert order == [0, b"0", 1, b"1", 2, b"2"]
    out = io.BytesIO()
    repair(data, out)
    assert out.getvalue() == data
    repair(data[: frame_packets(data)[6].end], out := io.BytesIO())
    left = [item for item in Reader(io.BytesIO(out.getvalue())) if not isinstance(item, Damage)]
    assert [item.payload for item in left if item.type == PacketType.AUDIO] == [
        b"%d" % frame for frame in range(6)
    ]


def with_sound(data: bytes) -> bytes:
    """A packet of sound behind each frame."""
    reader = Reader(io.BytesIO(data))
    track = AudioTrack(1, "pcm_s16le", reader.header.video.time_base, sample_rate=25, channels=1)
    packets = []
    for packet in reader:
        packets.append(packet)
        if packet.type == PacketType.FRAME:
            sound = TrackPacket(1, packet.pts, b"%d" % packet.frame, 1)
            packets.append(pack_track_packet(sound, track, packet.gop))
    return stream_of(replace(reader.header, audio_tracks=(track,)), packets)
