import io
import math
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import streamcodec
from streamcodec import Frame, Video
from streamcodec.container import Packet, PacketType, Reader, Writer
from streamcodec.errors import (
    CorruptStreamError,
    FrameIndexError,
    SourceError,
    TruncatedStreamError,
    UnsupportedStreamError,
    UsageError,
)
from support.streams import stream_of

pytestmark = pytest.mark.usefixtures("tiny_models")


class CountingFile(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read1(self, size: int = -1) -> bytes:
        data = super().read1(size)
        self.count += len(data)
        return data


def through_pipe(data: bytes) -> io.BufferedReader:
    source, sink = os.pipe()

    def feed() -> None:
        with os.fdopen(sink, "wb") as file:
            file.write(data)

    threading.Thread(target=feed, daemon=True).start()
    return os.fdopen(source, "rb")


def as_path(data: bytes, folder: Path) -> str:
    path = folder / "v.ssf"
    path.write_bytes(data)
    return str(path)


SOURCES: dict[str, Callable[[bytes, Path], object]] = {
    "path": as_path,
    "bytes": lambda data, folder: data,
    "file": lambda data, folder: io.BytesIO(data),
    "pipe": lambda data, folder: through_pipe(data),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_frames(coded, tmp_path: Path, kind: str) -> None:
    source = SOURCES[kind](coded.data, tmp_path)
    with streamcodec.open(source) as video:
        frames = list(video)
        again = list(video)
        assert len(video) == 10
        assert torch.equal(video[-3].data, coded.frames[7])
    if kind == "pipe":
        source.close()
    assert torch.equal(torch.stack([frame.data for frame in frames]), coded.frames)
    assert torch.equal(torch.stack([frame.data for frame in again]), coded.frames)
    assert [frame.pts for frame in frames] == list(coded.pts)
    assert [frame.pts_seconds for frame in frames] == [pts / 12 for pts in coded.pts]
    assert {frame.duration_seconds for frame in frames} == {1 / 12}
    assert [frame.type for frame in frames] == ["I", "P", "P", "P"] * 2 + ["I", "P"]
    assert [frame.index for frame in frames] == list(range(10))


def test_a_pipe_is_played_while_it_is_written(coded) -> None:
    source, sink = os.pipe()
    second = next(
        item.offset for item in Reader(io.BytesIO(coded.data)).headers() if item.frame == 1
    )
    with os.fdopen(sink, "wb", buffering=0) as feed, os.fdopen(source, "rb") as pipe:
        feed.write(coded.data[:second])
        frames = iter(streamcodec.open(pipe))
        assert torch.equal(next(frames).data, coded.frames[0])
        feed.write(coded.data[second:])
        feed.close()
        assert len(list(frames)) == 9


def test_random_access_equals_straight_decoding(coded) -> None:
    video = streamcodec.open(coded.data)
    for index in (9, 0, 5, 4, 6, 6, 3, -1, -10):
        assert torch.equal(video[index].data, coded.frames[index])
    assert torch.equal(video[1:9:3].data, coded.frames[1:9:3])
    assert torch.equal(video[::-2].data, coded.frames.flip(0)[::2])
    batch = video.frames_at([7, 2, 7])
    assert torch.equal(batch.data, coded.frames[[7, 2, 7]])
    assert batch.indexes.tolist() == [7, 2, 7]
    assert batch.pts_seconds.tolist() == [18 / 12, 4 / 12, 18 / 12]
    assert len(batch) == 3
    assert video[5:5].data.shape == (0, 3, 37, 53)


def test_random_access_needs_only_its_gop(coded) -> None:
    damaged = bytearray(coded.data)
    for entry in (coded.index.entries[0], coded.index.entries[2]):
        damaged[entry.offset : entry.end] = bytes(entry.size)
    assert torch.equal(streamcodec.open(bytes(damaged))[5].data, coded.frames[5])


def test_random_access_reads_little(coded) -> None:
    """Of a long stream: the index, and the GOP that is asked for."""
    packets = [
        item
        for item in Reader(io.BytesIO(coded.data))
        if isinstance(item, Packet) and item.gop == 0
    ]
    file = CountingFile()
    writer = Writer(file, Reader(io.BytesIO(coded.data)).header)
    for gop in range(2000):
        for packet in packets:
            moved = replace(
                packet, gop=gop, frame=4 * gop + packet.frame, pts=30 * gop + packet.pts
            )
            writer.write(moved)
    writer.finish()
    file.count = 0
    file.seek(0)
    assert torch.equal(streamcodec.open(file)[1001].data, coded.frames[1])
    assert file.count < 120_000 < len(file.getvalue()) / 4


@pytest.mark.parametrize("index", [10, -11, 1000])
def test_index_past_the_end_fails(coded, index: int) -> None:
    with pytest.raises(FrameIndexError, match="10 frames"):
        streamcodec.open(coded.data)[index]
    with pytest.raises(FrameIndexError, match="has 3"):
        streamcodec.open(coded.data).gop(3)


@pytest.mark.parametrize("index", [1.5, "3", None])
def test_index_that_is_no_integer_fails(coded, index: object) -> None:
    video = streamcodec.open(coded.data)
    with pytest.raises(UsageError, match="accepted: an integer"):
        video[index]
    with pytest.raises(UsageError, match="accepted: an integer"):
        video.frames_at([0, index])
    assert video[torch.tensor(2)].index == 2


def test_frame_at_seconds(coded) -> None:
    video = streamcodec.open(coded.data)
    for position, pts in enumerate(coded.pts):
        assert video.frame_at_seconds(pts / 12).index == position
    assert video.frame_at_seconds(8.99 / 12).index == 2
    for seconds in (-0.1, 26 / 12, 1e9, 1e308, math.nan, -math.inf):
        with pytest.raises(FrameIndexError, match="time is"):
            video.frame_at_seconds(seconds)


def test_between(coded) -> None:
    video = streamcodec.open(coded.data)
    assert [frame.index for frame in video.between(4 / 12, 7 / 12)] == [2, 3, 4]
    assert [frame.index for frame in video.between(18.5 / 12)] == [8, 9]
    assert [frame.index for frame in video.between()] == list(range(10))
    with pytest.raises(UsageError, match="duration"):
        video.between(0, 0)
    with pytest.raises(UsageError, match="start"):
        video.between(math.nan)


def test_frames_belong_to_the_caller(coded) -> None:
    video = streamcodec.open(coded.data)
    for number, frame in enumerate(video):
        assert torch.equal(frame.data, coded.frames[number])
        frame.data.zero_()
    for number in (1, 1, 2):
        frame = video[number]
        assert torch.equal(frame.data, coded.frames[number])
        frame.data.zero_()


def test_metadata(coded, tiny_models) -> None:
    video = streamcodec.open(coded.data)
    facts = video.metadata
    assert (facts.width, facts.height, facts.frames, facts.gops) == (53, 37, 10, 3)
    assert facts.duration_seconds == pytest.approx(26 / 12)
    assert facts.size_bytes == len(coded.data)
    assert facts.tags == {"title": "test"}
    assert (facts.intra, facts.inter, facts.quality) == (*tiny_models.values(), 32)
    assert video.key_frames == [0, 4, 8]
    assert video.size == (37, 53)


def test_video_need_not_be_kept_while_its_frames_are_read(coded, tmp_path: Path) -> None:
    count = 0
    for frame in streamcodec.open(as_path(coded.data, tmp_path)):
        assert torch.equal(frame.data, coded.frames[count])
        count += 1
    assert count == 10


def test_pickled_video_opens_again(coded, tmp_path: Path) -> None:
    video = streamcodec.open(as_path(coded.data, tmp_path))
    assert torch.equal(pickle.loads(pickle.dumps(video))[6].data, coded.frames[6])


def test_video_of_a_file_object_cannot_be_pickled(coded) -> None:
    with pytest.raises(UsageError, match="cannot be pickled"):
        pickle.dumps(streamcodec.open(io.BytesIO(coded.data)))


class FrameDataset(Dataset[torch.Tensor]):
    def __init__(self, video: Video) -> None:
        self.video = video

    def __len__(self) -> int:
        return len(self.video)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.video[index].data


def test_forked_loader_workers_share_a_video(coded, tmp_path: Path) -> None:
    video = streamcodec.open(as_path(coded.data, tmp_path), device="cpu")
    assert video[3].index == 3  # its file is open and in use before the workers start
    loader = DataLoader(
        FrameDataset(video), batch_size=2, num_workers=2, multiprocessing_context="fork"
    )
    assert torch.equal(torch.cat(list(loader)), coded.frames)
    assert torch.equal(video[4].data, coded.frames[4])


@pytest.mark.slow
def test_fork_of_a_program_with_threads(coded, tmp_path: Path) -> None:
    code = """
import os, sys, signal, torch, streamcodec
torch.set_num_threads(2)
video = streamcodec.open(sys.argv[1], device="cpu")
video[0]
signal.alarm(600)  # ends the child too, should it wait for ever
child = os.fork()
if child == 0:
    signal.alarm(600)
    os._exit(video[5].index)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
"""
    subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", code, as_path(coded.data, tmp_path)],
        check=True,
    )


def damaged_at(data: bytes, frame: int) -> bytes:
    for item in Reader(io.BytesIO(data)).headers():
        if item.type == PacketType.FRAME and item.frame == frame:
            position = item.offset + item.header_size + item.payload_size // 2
            return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]
    raise AssertionError(f"no frame {frame}")


@pytest.mark.parametrize(("frame", "lost"), [(0, [0, 1, 2, 3]), (5, [5, 6, 7]), (9, [9])])
def test_damage_costs_at_most_the_rest_of_its_gop(coded, frame: int, lost: list[int]) -> None:
    data = damaged_at(coded.data, frame)
    video = streamcodec.open(data, on_damage="skip")
    frames = list(video)
    assert [item.index for item in frames] == [index for index in range(10) if index not in lost]
    assert all(torch.equal(item.data, coded.frames[item.index]) for item in frames)
    with pytest.raises(CorruptStreamError, match=f"frame {lost[-1]} is lost"):
        video[lost[-1]]
    with pytest.raises(CorruptStreamError):
        list(streamcodec.open(data))


def test_truncated_stream_plays_to_its_last_whole_packet(coded) -> None:
    cut = (
        next(item.offset for item in Reader(io.BytesIO(coded.data)).headers() if item.frame == 6)
        + 30
    )
    assert len(list(streamcodec.open(coded.data[:cut], on_damage="skip"))) == 6
    frames: list[Frame] = []
    with pytest.raises(TruncatedStreamError):
        frames.extend(streamcodec.open(coded.data[:cut]))
    video = streamcodec.open(coded.data[:cut], on_damage="skip")
    assert len(video) == 6
    assert torch.equal(video[5].data, coded.frames[5])


@pytest.mark.parametrize(
    ("change", "message"),
    [({"frame_format": None}, "codes "), ({"inter": None}, "does not code I-frames")],
)
def test_header_that_its_models_contradict_fails(
    coded, change: dict[str, object], message: str
) -> None:
    header = Reader(io.BytesIO(coded.data)).header
    if "frame_format" in change:
        change = {"frame_format": "yuv420" if header.frame_format == "rgb" else "rgb"}
    if "inter" in change:
        change = {"intra": header.inter, **change}
    frame = Packet(type=PacketType.FRAME, key=True, payload=b"\x00")
    with pytest.raises(CorruptStreamError, match=message):
        streamcodec.open(stream_of(replace(header, **change), [frame]))[0]


def test_closed_video_fails(coded) -> None:
    video = streamcodec.open(coded.data)
    video.close()
    with pytest.raises(SourceError, match="closed"):
        video[0]


def test_unknown_model_fails(coded, tiny_models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", "")
    with pytest.raises(UnsupportedStreamError, match=tiny_models["intra"]):
        next(iter(streamcodec.open(coded.data)))


def test_what_is_no_stream_fails(tmp_path: Path) -> None:
    with pytest.raises(CorruptStreamError):
        streamcodec.open(b"not a stream at all")
    with pytest.raises(CorruptStreamError):
        streamcodec.open(b"")
    with pytest.raises(SourceError, match="cannot open"):
        streamcodec.open(tmp_path / "missing.ssf")
    with pytest.raises(SourceError, match="cannot open"):
        streamcodec.open("a\0b.ssf")
    with pytest.raises(UsageError, match="accepted: a path"):
        streamcodec.open(42)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="accepted: raise, skip, conceal"):
        streamcodec.open(b"", on_damage="ignore")  # type: ignore[arg-type]
