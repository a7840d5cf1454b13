import io
import threading
from contextlib import closing
from pathlib import Path

import pytest

from streamcodec.errors import SourceError
from streamcodec.stream.reading.follow import FollowedFile
from support.growing import growing

DATA = bytes(range(256)) * 40 + b"end."


def is_end(tail: bytes, size: int) -> bool:
    return tail.endswith(b"end.")


def followed(path: Path, timeout_seconds: float = 60.0) -> FollowedFile:
    return FollowedFile(path, timeout_seconds, is_end)


@pytest.mark.parametrize("size", [1, 100, 3000])
def test_bytes_come_as_they_are_written(tmp_path: Path, size: int) -> None:
    path = tmp_path / "grows"
    with growing(path, DATA):
        with closing(followed(path)) as file:
            found = b""
            while data := file.read(size):
                found += data
        assert found == DATA
        assert file.stalled is None
        assert not file.grows


def test_end_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "grows"
    with growing(path, DATA), closing(followed(path)) as file:
        assert file.seek(-4, io.SEEK_END) == len(DATA) - 4
        assert file.read() == b"end."
        assert file.seek(10) == file.tell() == 10
        assert file.read(3) == DATA[10:13]


def test_complete_file_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "whole"
    path.write_bytes(DATA)
    with closing(followed(path)) as file:
        assert file.read() == DATA


def test_file_that_stops_growing_ends(tmp_path: Path) -> None:
    path = tmp_path / "stalls"
    path.write_bytes(DATA[:-1])
    with closing(followed(path, 0.05)) as file:
        assert file.read() == DATA[:-1]
        assert file.stalled is not None
        assert file.stalled.startswith(f"{path} has not grown for 0.05 s")
        assert file.read() == b""


def test_file_that_does_not_appear_fails(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"has not appeared for 0.05 s.*--low-latency"):
        followed(tmp_path / "never", 0.05)


def test_folder_fails(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot open"):
        followed(tmp_path)


def test_file_that_is_begun_anew_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA[:100])
    with closing(followed(path)) as file:
        assert file.read(100) == DATA[:100]
        path.write_bytes(DATA[:10])
        with pytest.raises(SourceError, match="begun anew"):
            file.read(1)


def test_file_in_whose_place_another_comes_fails(tmp_path: Path) -> None:
    """As an encode with low latency begins anew: what the old one has is read, and never mixed with the new one."""
    path = tmp_path / "file"
    path.write_bytes(DATA[:100])
    with closing(followed(path)) as file:
        path.unlink()
        path.write_bytes(bytes(200))
        assert file.read(100) == DATA[:100]
        with pytest.raises(SourceError, match="begun anew"):
            file.read(1)


def test_file_that_is_removed_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(DATA[:100])
    with closing(followed(path, 0.05)) as file:
        path.unlink()
        assert file.read() == DATA[:100]
        assert file.stalled is not None


def test_closing_ends_the_wait(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12")
    file = followed(path)
    assert file.read(2) == b"12"
    threading.Timer(0.05, file.close).start()
    with pytest.raises(SourceError):
        file.read(1)
