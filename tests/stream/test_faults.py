"""Faults of the machine while a stream is written or read: one clear error each, and nothing is lost."""

import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import streamcodec
from streamcodec.errors import (
    CorruptStreamError,
    OutputError,
    SourceError,
    TruncatedStreamError,
)

pytestmark = pytest.mark.usefixtures("tiny_models")
SETTINGS = ["--gop", "5", "--scenecut", "0", "--preset", "fast"]


def command(*arguments: str, limit: Callable[[], None] | None = None) -> tuple[int, str]:
    """Exit code and standard error of the command line."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "streamcodec", *arguments],
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )
    return done.returncode, done.stderr


@pytest.fixture
def encode(tiny_models: dict[str, str]) -> list[str]:
    """The command, without its files."""
    return [
        "encode", "--intra", tiny_models["intra"], "--inter", tiny_models["inter"], *SETTINGS, "--quiet"
    ]  # fmt: skip


@pytest.fixture
def stream(clip: Path, tmp_path: Path, tiny_models: dict[str, str]) -> Path:
    path = tmp_path / "sound.ssf"
    streamcodec.encode(clip, path, gop=5, scenecut=0.0, preset="fast", **tiny_models)
    return path


def most_bytes(size: int) -> Callable[[], None]:
    """As if the disk were full: no file may be longer."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_full_disk_leaves_nothing(
    clip: Path, stream: Path, tmp_path: Path, encode: list[str]
) -> None:
    out = tmp_path / "full" / "out.ssf"
    out.parent.mkdir()
    limit = most_bytes(stream.stat().st_size // 2)
    code, err = command(*encode, str(clip), str(out), limit=limit)
    assert code == 1
    assert "cannot write" in err
    assert err.count("\n") == 1
    assert list(out.parent.iterdir()) == []


def test_full_disk_is_gone_on_from_when_there_is_room(
    clip: Path, stream: Path, tmp_path: Path, encode: list[str]
) -> None:
    out = tmp_path / "full" / "out.ssf"
    out.parent.mkdir()
    limit = most_bytes(stream.stat().st_size // 2)
    code, err = command(*encode, str(clip), str(out), "--resume", limit=limit)
    assert code == 1
    [part] = out.parent.iterdir()
    assert f"what is done lies in {part}" in err
    assert command(*encode, str(clip), str(out), "--resume") == (0, "")
    assert out.read_bytes() == stream.read_bytes()
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.slow
@pytest.mark.parametrize("files", [6, 9, 12])
def test_lack_of_file_descriptors_is_one_line(
    clip: Path, stream: Path, tmp_path: Path, encode: list[str], files: int
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    for arguments in (
        [*encode, str(clip), str(tmp_path / "out.ssf")],
        ["decode", str(stream), str(tmp_path / "out.mkv"), "--quiet"],
        ["verify", str(stream), "--quiet"],
        ["repair", str(stream), str(tmp_path / "repaired.ssf"), "--quiet"],
    ):
        code, err = command(*arguments, limit=limit)
        assert "Traceback" not in err
        assert err.count("\n") == bool(code)
    assert not list(tmp_path.glob(".*"))


def test_folder_that_may_not_be_written_fails(
    clip: Path, tmp_path: Path, tiny_models: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot be written to"):
        streamcodec.encode(clip, tmp_path / "out.ssf", **tiny_models)


def at_frame(number: int, act: Callable[[], object]) -> Callable[[int, int | None], None]:
    """A progress callback that does something once."""

    def progress(done: int, _: int | None) -> None:
        if done == number:
            act()

    return progress


def test_source_that_vanishes_is_read_to_its_end(
    clip: Path, stream: Path, tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    source = tmp_path / "source.mp4"
    shutil.copy(clip, source)
    out = tmp_path / "out.ssf"
    streamcodec.encode(
        source,
        out,
        gop=5,
        scenecut=0.0,
        preset="fast",
        progress=at_frame(3, source.unlink),
        **tiny_models,
    )
    assert out.read_bytes() == stream.read_bytes()


@pytest.mark.slow
def test_source_that_is_cut_while_it_is_read_fails(
    tmp_path: Path, tiny_models: dict[str, str], synthetic
) -> None:
    source, out = synthetic.write_clip(tmp_path / "source.mp4", 200), tmp_path / "out.ssf"
    with pytest.raises(SourceError):
        streamcodec.encode(
            source,
            out,
            gop=5,
            preset="fast",
            progress=at_frame(3, lambda: os.truncate(source, 3000)),
            **tiny_models,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]


def test_source_that_grows_while_it_is_read_is_coded_as_far_as_it_goes(
    tmp_path: Path, tiny_models: dict[str, str], synthetic
) -> None:
    source, out = synthetic.write_clip(tmp_path / "source.ts", 40), tmp_path / "out.ssf"
    data = source.read_bytes()
    half = len(data) // 2 // 188 * 188
    source.write_bytes(data[:half])

    def grow() -> None:
        with source.open("ab") as file:
            file.write(data[half:])

    report = streamcodec.encode(
        source,
        out,
        gop=5,
        preset="fast",
        progress=at_frame(3, grow),
        **tiny_models,
    )
    assert 10 < report.frames <= 40
    assert len(list(streamcodec.open(out))) == report.frames
    assert not streamcodec.verify(out).lost


def test_stream_that_is_cut_while_it_is_read_fails(stream: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.ssf"  # longer than what is read ahead
    streamcodec.concat([stream] * 12, long)
    with streamcodec.open(long) as video:
        frames = iter(video)
        assert next(frames).index == 0
        os.truncate(long, long.stat().st_size // 3)
        with pytest.raises(CorruptStreamError):
            list(frames)


def test_stream_that_still_grows_plays_as_far_as_it_goes(stream: Path, tmp_path: Path) -> None:
    data, growing = stream.read_bytes(), tmp_path / "growing.ssf"
    growing.write_bytes(data[: len(data) // 2])
    with streamcodec.open(growing, on_damage="skip") as video:
        early = [frame.index for frame in video]
        growing.write_bytes(data)
        assert [frame.index for frame in video] == list(range(24))
    assert early == list(range(len(early)))
    assert 0 < len(early) < 24
    growing.write_bytes(data[: len(data) // 2])
    with pytest.raises(TruncatedStreamError):
        list(streamcodec.open(growing))


def test_clock_that_goes_back_changes_nothing(
    clip: Path,
    stream: Path,
    tmp_path: Path,
    tiny_models: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = iter(range(10**6, 0, -60))
    monkeypatch.setattr(time, "time", lambda: float(next(ticks)))
    out = tmp_path / "out.ssf"
    report = streamcodec.encode(clip, out, gop=5, scenecut=0.0, preset="fast", **tiny_models)
    assert report.seconds > 0
    assert out.read_bytes() == stream.read_bytes()
    assert streamcodec.decode(out, tmp_path / "out.y4m").seconds > 0


def test_reader_that_goes_away_ends_the_command(stream: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "streamcodec", "decode", str(stream), "-", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        ended = threading.Timer(600, process.kill)
        ended.start()
        err = process.stderr.read().decode()
        assert process.wait() in (0, 1)
        ended.cancel()
    assert "Traceback" not in err
