"""Frame in, packet out: with `low_latency` a frame is on its way before the next one is there."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

import streamcodec
from streamcodec import SourceError, UsageError
from streamcodec.container import Packet, PacketType, Reader
from streamcodec.types import VideoFormat
from support.sounding import Sound, Sounding, write_sounding

pytestmark = [pytest.mark.usefixtures("tiny_models"), pytest.mark.slow]

WIDTH, HEIGHT, FRAMES = 48, 32, 9
FOLLOW: dict[str, Any] = {"follow": True, "follow_timeout_seconds": 600.0}
HEADER = b"YUV4MPEG2 W48 H32 F30:1 Ip A1:1 C420mpeg2\n"


def picture(number: int) -> bytes:
    """A frame of y4m."""
    luma = np.add.outer(np.arange(HEIGHT), 2 * np.arange(WIDTH) + 3 * number).astype(np.uint8)
    return b"FRAME\n" + luma.tobytes() + bytes([128]) * (WIDTH * HEIGHT // 2)


def frames_of(file: BinaryIO) -> Iterator[Packet]:
    """The frames of a stream, as they come through a pipe."""
    for item in Reader(file):
        if isinstance(item, Packet) and item.type == PacketType.FRAME:
            yield item


def piped() -> tuple[BinaryIO, BinaryIO]:
    """(to read from, to write to); neither keeps anything back."""
    source, sink = os.pipe()
    return os.fdopen(source, "rb", buffering=0), os.fdopen(sink, "wb", buffering=0)


@pytest.mark.parametrize("settings", [{}, {"target_kbit_per_second": 300.0}, {"gop": 4}])
def test_packet_is_there_before_the_next_frame_is_sent(
    settings: dict[str, Any], tiny_models: dict[str, str]
) -> None:
    """No frame of delay from a pipe of y4m to a pipe."""
    camera, shutter = piped()
    received, sent = piped()
    reports = []

    def encode() -> None:
        reports.append(
            streamcodec.encode(camera, sent, low_latency=True, **tiny_models, **settings)
        )
        sent.close()

    thread = threading.Thread(target=encode, daemon=True)
    thread.start()
    with camera, received:
        shutter.write(HEADER)
        packets = frames_of(received)
        for number in range(FRAMES):
            shutter.write(picture(number))
            assert next(packets).frame == number
        shutter.close()
        assert list(packets) == []
        thread.join()
    assert reports[0].frames == FRAMES
    assert reports[0].duration_seconds == pytest.approx(FRAMES / 30)


def test_frames_from_python_have_no_delay(tmp_path: Path, tiny_models: dict[str, str]) -> None:
    """A file that is followed has every frame while the next one is waited for."""
    path = tmp_path / "v.ssf"
    seen: list[int] = []

    def camera() -> Iterator[np.ndarray]:
        for number in range(4):
            yield np.full((3, HEIGHT, WIDTH), 20 * number, np.uint8)
            if not number:
                continue  # the first is fetched before the stream is opened
            with closing(streamcodec.open(path, **FOLLOW)) as video:
                frames = iter(video)
                seen.extend(next(frames).index for _ in range(number + 1))

    streamcodec.encode(camera(), path, low_latency=True, **tiny_models)
    assert seen == [0, 1, 0, 1, 2, 0, 1, 2, 3]


def test_stream_is_that_of_an_ordinary_encode_without_b_frames(
    clip: Path, tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    live, usual = tmp_path / "live.ssf", tmp_path / "usual.ssf"
    streamcodec.encode(clip, live, low_latency=True, **tiny_models)
    streamcodec.encode(clip, usual, b_frames=0, **tiny_models)
    assert live.read_bytes() == usual.read_bytes()


def test_sound_comes_too(tmp_path: Path, tiny_models: dict[str, str]) -> None:
    source = tmp_path / "sound.mkv"
    write_sounding(source, Sounding(sounds=(Sound("aac"),)))
    live, usual = tmp_path / "live.ssf", tmp_path / "usual.ssf"
    with source.open("rb") as file:
        streamcodec.encode(_Pipe(file), live, low_latency=True, **tiny_models)
    streamcodec.encode(source, usual, **tiny_models)
    assert _sound_of(live) == _sound_of(usual)
    assert streamcodec.verify(live).ok


class _Pipe:
    """A file as a pipe: it cannot seek."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


def _sound_of(path: Path) -> set[tuple[int, int, bytes]]:
    with path.open("rb") as file:
        return {
            (item.track, item.pts, item.payload)
            for item in Reader(file)
            if isinstance(item, Packet) and item.type == PacketType.AUDIO
        }


def test_source_that_fails_leaves_a_complete_stream(
    tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    path = tmp_path / "v.ssf"

    def camera() -> Iterator[np.ndarray]:
        yield np.zeros((3, HEIGHT, WIDTH), np.uint8)
        yield np.zeros((3, HEIGHT, WIDTH), np.uint8)
        raise SourceError("the cable came out")

    with pytest.raises(SourceError, match="cable") as caught:
        streamcodec.encode(camera(), path, low_latency=True, **tiny_models)
    assert f"{path} is complete up to there: 2 frames in 1 GOP" in caught.value.__notes__
    report = streamcodec.verify(path)
    assert report.ok
    assert report.exact_gops == 1


def test_source_without_frames_leaves_nothing(tmp_path: Path, tiny_models: dict[str, str]) -> None:
    path = tmp_path / "v.ssf"
    source = tmp_path / "v.y4m"
    source.write_bytes(HEADER + picture(0))
    with pytest.raises(SourceError):
        streamcodec.encode(source, path, low_latency=True, start_seconds=5, **tiny_models)
    assert not path.exists()


def test_output_that_exists_is_kept(tmp_path: Path, tiny_models: dict[str, str]) -> None:
    path = tmp_path / "v.ssf"
    path.write_bytes(b"old")
    frame = [np.zeros((3, HEIGHT, WIDTH), np.uint8)]
    with pytest.raises(streamcodec.OutputError, match="exists"):
        streamcodec.encode(frame, path, low_latency=True, **tiny_models)
    assert path.read_bytes() == b"old"
    streamcodec.encode(frame, path, low_latency=True, overwrite=True, **tiny_models)
    assert streamcodec.verify(path).ok


def test_reader_of_the_old_stream_has_all_of_it(
    tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    path = tmp_path / "v.ssf"
    for count in (3, 2):
        frames = [np.zeros((3, HEIGHT, WIDTH), np.uint8)] * count
        streamcodec.encode(frames, path, low_latency=True, overwrite=count == 2, **tiny_models)
        if count == 3:
            old = path.open("rb")
    with old:
        assert len(streamcodec.open(old)) == 3
    assert len(streamcodec.open(path)) == 2


def test_a_link_stays_one(tmp_path: Path, tiny_models: dict[str, str]) -> None:
    target, link = tmp_path / "v.ssf", tmp_path / "link.ssf"
    target.write_bytes(b"old")
    link.symlink_to(target)
    frames = [np.zeros((3, HEIGHT, WIDTH), np.uint8)]
    streamcodec.encode(frames, link, low_latency=True, overwrite=True, **tiny_models)
    assert link.is_symlink()
    assert streamcodec.verify(target).ok


def test_resume_and_low_latency_fail(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(UsageError, match="one of the two"):
        streamcodec.encode(clip, tmp_path / "v.ssf", low_latency=True, resume=True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_a_live_encode_with_a_complete_stream(
    tmp_path: Path, tiny_models: dict[str, str], number: signal.Signals, code: int
) -> None:
    path = tmp_path / "v.ssf"
    command = [sys.executable, "-P", "-m", "streamcodec", "encode", "-", str(path), "--low-latency"]
    command += ["--quiet", "--intra", "tiny-intra", "--inter", "tiny-inter"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(HEADER + picture(0) + picture(1))
        process.stdin.flush()
        with closing(streamcodec.open(path, **FOLLOW)) as video:
            assert [frame.index for _, frame in zip(range(2), video, strict=False)] == [0, 1]
        process.send_signal(number)
        said = process.stderr.read().decode()
        process.stdin.close()
        assert process.wait() == code
    if number == signal.SIGINT:
        assert f"interrupted; {path} is complete up to there: 2 frames in 1 GOP" in said
    report = streamcodec.verify(path)
    assert report.ok
    assert (report.frames, report.exact_gops) == (2, 1)


def test_decoded_frames_come_through_a_pipe_as_they_are_coded(
    tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    """From a stream that is followed to y4m on standard output: one frame of delay at most."""
    path = tmp_path / "v.ssf"
    encoder = streamcodec.Encoder(
        VideoFormat(WIDTH, HEIGHT, time_base=Fraction(1, 30), frame_rate=Fraction(30)),
        streamcodec.EncodeOptions(b_frames=0, **tiny_models),
    )
    command = [
        sys.executable,
        "-P",
        "-m",
        "streamcodec",
        "decode",
        "--follow",
        "--follow-timeout",
        "600",
        str(path),
        "-",
        "--quiet",
    ]
    with path.open("wb", buffering=0) as file:
        writer = streamcodec.Writer(file, encoder.header)
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        size = len(picture(0))
        for number in range(FRAMES):
            for packet in encoder.push(np.full((3, HEIGHT, WIDTH), number, np.uint8)):
                writer.write(packet)
            if number == 1:
                assert process.stdout.readline().startswith(b"YUV4MPEG2")
            if number:
                assert len(process.stdout.read(size)) == size
        for packet in encoder.flush():
            writer.write(packet)
        writer.finish()
        assert len(process.stdout.read()) == size
        process.stdout.close()
        assert process.wait() == 0
