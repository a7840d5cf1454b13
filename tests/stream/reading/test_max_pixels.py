"""A stream of a few bytes that announces a huge picture is refused before anything is made for it."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.container import Reader
from streamcodec.errors import UnsupportedStreamError, UsageError
from streamcodec.types import MAX_PIXELS, MAX_SIDE
from support.streams import stream_of

pytestmark = pytest.mark.usefixtures("tiny_models")


def announcing(data: bytes, width: int, height: int) -> bytes:
    """The stream with another size in its header."""
    reader = Reader(io.BytesIO(data))
    video = replace(reader.header.video, width=width, height=height)
    return stream_of(replace(reader.header, video=video), reader.packets())


@pytest.fixture
def huge(coded) -> bytes:
    return announcing(coded.data, MAX_SIDE, MAX_SIDE)


USES: dict[str, Callable[[bytes, Path], object]] = {
    "open": lambda data, _: streamcodec.open(data),
    "decode": lambda data, folder: streamcodec.decode(data, folder / "v.y4m"),
    "verify": lambda data, _: streamcodec.verify(data),
    "dataset": lambda data, _: next(iter(streamcodec.VideoDataset(data))),
}


@pytest.mark.parametrize("use", USES)
def test_huge_picture_is_refused(huge: bytes, tmp_path: Path, use: str) -> None:
    with pytest.raises(
        UnsupportedStreamError,
        match=rf"16384x16384, 268435456 pixels; accepted: up to {MAX_PIXELS} pixels; .*--max-pixels",
    ):
        USES[use](huge, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["decode", "huge.ssf", "v.y4m"], ["verify", "huge.ssf"]])
def test_command_line_refuses_it(
    huge: bytes, tmp_path: Path, monkeypatch, capsys, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("huge.ssf").write_bytes(huge)
    assert run(command) == UnsupportedStreamError.exit_code
    assert "allow more with --max-pixels" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["huge.ssf"]


def test_what_does_not_decode_is_not_refused(huge: bytes, tmp_path: Path) -> None:
    (tmp_path / "huge.ssf").write_bytes(huge)
    assert run(["info", str(tmp_path / "huge.ssf")]) == 0
    assert streamcodec.verify(huge, decode=False).ok


def test_limit_can_be_moved(coded, tmp_path: Path) -> None:
    stream = tmp_path / "v.ssf"
    stream.write_bytes(coded.data)
    size = 53 * 37
    assert len(list(streamcodec.VideoDataset(coded.data, max_pixels=size))) == 10
    with pytest.raises(UnsupportedStreamError):
        streamcodec.open(coded.data, max_pixels=size - 1)
    assert run(["verify", str(stream), "--max-pixels", str(size)]) == 0
    assert (
        run(["verify", str(stream), "--max-pixels", str(size - 1)])
        == UnsupportedStreamError.exit_code
    )
    assert run(["decode", str(stream), str(tmp_path / "v.y4m"), "--max-pixels", str(size)]) == 0
    assert (
        streamcodec.open(
            announcing(coded.data, MAX_SIDE, MAX_SIDE), max_pixels=MAX_SIDE**2
        ).metadata.width
        == MAX_SIDE
    )


@pytest.mark.parametrize("limit", [0, 2.5, "8K", True])
def test_other_limits_fail(coded, limit: object) -> None:
    with pytest.raises(
        UsageError, match=r"largest picture is .*accepted: an integer, 1 or more pixels"
    ):
        streamcodec.open(coded.data, max_pixels=limit)
    with pytest.raises(UsageError, match="largest picture"):
        streamcodec.VideoDataset(coded.data, max_pixels=limit)
