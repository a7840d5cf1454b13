import errno
import io
import sys
from pathlib import Path

import pytest

from streamcodec.errors import OutputError, SourceError, UsageError
from streamcodec.files import input_file, open_input, open_output, replace_on_success, writing


def test_output_appears_only_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "out.ssf"
    with replace_on_success(target) as part:
        part.write_bytes(b"whole")
        assert not target.exists()
        assert part.suffix == ".ssf"
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


def test_failed_block_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), replace_on_success(tmp_path / "out.ssf") as part:
        part.write_bytes(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_failed_overwrite_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.ssf"
    target.write_bytes(b"old")
    with (
        pytest.raises(ValueError, match="boom"),
        replace_on_success(target, overwrite=True) as part,
    ):
        part.write_bytes(b"new")
        raise ValueError("boom")
    assert target.read_bytes() == b"old"


def test_existing_file_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "out.ssf"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists"), replace_on_success(target):
        pass


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="not a folder"),
        replace_on_success(tmp_path / "no" / "out.ssf"),
    ):
        pass


def test_folder_as_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"), replace_on_success(tmp_path):
        pass


def test_impossible_name_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="File name too long"),
        replace_on_success(tmp_path / f"{'x' * 300}.ssf"),
    ):
        pass


def test_full_disk_is_an_output_error() -> None:
    with (
        pytest.raises(OutputError, match=r"cannot write out\.ssf: No space left"),
        writing("out.ssf"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_what_was_opened_here_is_closed_and_nothing_else(tmp_path: Path) -> None:
    path, theirs = tmp_path / "in.ssf", io.BytesIO(b"bytes")
    path.write_bytes(b"bytes")
    with input_file(path) as ours:
        assert ours.read(5) == b"bytes"
    with input_file(theirs) as same:
        assert same is theirs
    assert ours.closed
    assert not theirs.closed


def test_text_files_are_refused() -> None:
    with pytest.raises(UsageError, match="StringIO; accepted: a path"):
        open_input(io.StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="StringIO; accepted: a path"), open_output(io.StringIO()):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize("standard", [None, io.StringIO()])
def test_standard_streams_that_are_none_or_of_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standard: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stdin", standard)
    monkeypatch.setattr(sys, "stdout", standard)
    with pytest.raises(SourceError, match="standard input is closed"):
        open_input("-")
    with pytest.raises(OutputError, match="standard output is closed"), open_output("-"):
        pass
    path = tmp_path / "in.ssf"
    path.write_bytes(b"bytes")
    with input_file(path) as file:  # which needs neither
        assert file.read(5) == b"bytes"


@pytest.mark.parametrize("exists", [True, False])
def test_output_goes_through_a_link(tmp_path: Path, exists: bool) -> None:
    """As of every program that opens a file to write to it; also where the link leads to another folder, and by way of another link."""
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "file"
    if exists:
        target.write_bytes(b"old")
    (tmp_path / "far" / "step").symlink_to("file")
    link = tmp_path / "link.ssf"
    link.symlink_to(Path("far") / "step")
    with open_output(link, overwrite=exists) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert (tmp_path / "far" / "step").is_symlink()
    assert target.read_bytes() == b"new"
    assert len(list(tmp_path.rglob("*"))) == 4


def test_link_to_a_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    with (
        pytest.raises(OutputError, match=r"link exists; overwrite it"),
        open_output(tmp_path / "link"),
    ):
        pass
    assert (tmp_path / "file").read_bytes() == b"old"


def test_link_into_a_missing_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("none/file")
    with pytest.raises(OutputError, match=r"none is not a folder"), open_output(tmp_path / "link"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
