"""Names that are nearly too long, targets that are no files, two writers of one name, a disk that is told to keep what it has."""

import os
import socket
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamcodec
from streamcodec import files
from streamcodec.errors import OutputError, UsageError
from streamcodec.files import replace_on_success, temporary_beside

LENGTHS = (240, 241, 250, 254, 255)
FRAMES = [np.full((3, 32, 48), 40 * number, np.uint8) for number in range(3)]


def name_of(size: int, suffix: str, letter: str = "x") -> str:
    """A name of this length in bytes."""
    room = size - len(suffix)
    many = room // len(letter.encode())
    return letter * many + "x" * (room - many * len(letter.encode())) + suffix


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / "a.ssf"
    streamcodec.encode(FRAMES, path)
    return path


@pytest.mark.parametrize("size", LENGTHS)
@pytest.mark.parametrize("letter", ["x", "é", "名", "𝄞"])
@pytest.mark.parametrize("suffix", [".ssf", "", ".a-suffix-that-is-very-long"])
def test_temporary_names_are_names(tmp_path: Path, size: int, letter: str, suffix: str) -> None:
    target = tmp_path / name_of(size, suffix, letter)
    with replace_on_success(target) as part:
        assert len(os.fsencode(part.name)) <= 255
        assert part.name.encode().decode() == part.name
        assert part.parent == tmp_path
        part.write_bytes(b"whole")
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_temporary_name_keeps_within_the_longest_path() -> None:
    folder = Path("/" + "/".join(["f" * 200] * 20))
    assert len(os.fsencode(folder)) == 4020
    part = temporary_beside(folder / ("x" * 70 + ".ssf"))
    assert len(os.fsencode(part)) <= 4095


@pytest.mark.parametrize("letter", ["x", "名"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".y4m", ""])
def test_decode_writes_long_names(stream: Path, tmp_path: Path, letter: str, suffix: str) -> None:
    for size in (241, 255):
        out = tmp_path / name_of(size, suffix, letter)
        assert streamcodec.decode(stream, out).frames == 3
        assert out.is_dir() if suffix == "" else out.is_file()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("letter", ["x", "名"])
def test_encode_writes_long_names(tmp_path: Path, letter: str) -> None:
    for size in (241, 255):
        streamcodec.encode(FRAMES, tmp_path / name_of(size, ".ssf", letter))
        streamcodec.encode_image(FRAMES[1], tmp_path / name_of(size, ".i.ssf", letter))
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("suffix", [".ssf", ".mp4", ".y4m", ""])
def test_names_that_are_too_long_fail(stream: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / name_of(256, suffix)
    with pytest.raises(OutputError, match="File name too long"):
        if suffix == ".ssf":
            streamcodec.encode(FRAMES, out)
        else:
            streamcodec.decode(stream, out)
    assert list(tmp_path.iterdir()) == []


def write(out: Path, stream: Path) -> Any:
    if out.suffix == ".ssf":
        return streamcodec.encode(FRAMES, out, overwrite=True)
    if out.suffix == ".png":
        return streamcodec.decode_image(stream, out, frame=0, overwrite=True)
    return streamcodec.decode(stream, out, overwrite=True)


@pytest.mark.parametrize("suffix", [".ssf", ".mkv", ".y4m", ".png", ""])
@pytest.mark.parametrize("kind", ["named pipe", "link to a pipe", "socket"])
def test_what_is_no_file_is_never_replaced(
    stream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    out = Path(f"o{suffix}")
    if kind == "socket":
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(out))
        server.close()
    else:
        os.mkfifo(out if kind == "named pipe" else "pipe")
    if kind == "link to a pipe":
        out.symlink_to("pipe")
    with pytest.raises(OutputError, match=r"is a (named pipe|device or socket); accepted: a file"):
        write(out, stream)
    assert not out.is_file()
    assert (out.is_fifo() and kind != "socket") or (out.is_socket() and kind == "socket")
    assert len(list(tmp_path.iterdir())) == (2 if kind == "link to a pipe" else 1)


def test_devices_are_never_replaced() -> None:
    with pytest.raises(OutputError, match="is a device or socket"):
        streamcodec.encode(FRAMES, os.devnull, overwrite=True)
    assert Path(os.devnull).is_char_device()


def test_pipe_that_comes_meanwhile_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (
        pytest.raises(OutputError, match="is a named pipe"),
        replace_on_success(out, overwrite=True) as part,
    ):
        part.write_bytes(b"whole")
        os.mkfifo(out)
    assert out.is_fifo()
    assert list(tmp_path.iterdir()) == [out]


def no_links(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False])
def test_second_writer_of_a_new_name_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(files.os, "link", no_links)
    out = tmp_path / "out"
    with (
        pytest.raises(OutputError, match="out exists: it was written meanwhile, and is kept"),
        replace_on_success(out) as late,
    ):
        late.write_bytes(b"late")
        with replace_on_success(out) as early:
            early.write_bytes(b"early")
    assert out.read_bytes() == b"early"
    assert list(tmp_path.iterdir()) == [out]


def test_one_of_two_encodes_at_once_fails(tmp_path: Path) -> None:
    out = tmp_path / "out.ssf"
    both = threading.Barrier(2)
    ended: list[object] = []

    def frames() -> Any:
        yield from FRAMES
        both.wait()

    def encode() -> None:
        try:
            ended.append(streamcodec.encode(frames(), out))
        except OutputError as error:
            ended.append(error)

    threads = [threading.Thread(target=encode) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, OutputError) for each in ended) == 1
    assert len(streamcodec.open(out)) == 3
    assert list(tmp_path.iterdir()) == [out]


def test_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    synced: list[tuple[bool, bool]] = []

    def fsync(descriptor: int) -> None:
        synced.append((os.path.isdir(f"/proc/self/fd/{descriptor}"), out.exists()))  # noqa: PTH112

    monkeypatch.setattr(files.os, "fsync", fsync)
    with replace_on_success(out) as part:
        part.write_bytes(b"whole")
    assert synced == [(False, False), (True, True)]


def test_disk_that_cannot_keep_it_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.os, "fsync", fsync)
    with (
        pytest.raises(OutputError, match=r"cannot write .*out: Input/output error"),
        replace_on_success(tmp_path / "out") as part,
    ):
        part.write_bytes(b"whole")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.mp4", "out.MKV", "out.y4m"])
def test_streams_are_not_named_as_videos(stream: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    for write_stream in (
        lambda: streamcodec.encode(FRAMES, out),
        lambda: streamcodec.encode(FRAMES, out, low_latency=True),
        lambda: streamcodec.encode_image(FRAMES[0], out),
        lambda: streamcodec.cut(stream, out),
        lambda: streamcodec.concat([stream], out),
        lambda: streamcodec.repair(stream, out),
    ):
        with pytest.raises(UsageError, match=r"a stream is no video; accepted: a name in \.ssf"):
            write_stream()
    assert list(tmp_path.iterdir()) == []
