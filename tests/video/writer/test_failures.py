"""What VideoWriter refuses, and that nothing is left where it fails."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from streamcodec.errors import OutputError, UsageError
from streamcodec.video import VideoWriter, to_yuv420

from .writing import VIDEO, make_frames, write


def test_folder_keeps_what_is_not_ours(tmp_path: Path, synthetic: ModuleType) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    write(folder, VIDEO, make_frames(synthetic, VIDEO, [0, 3000, 6000]))
    (folder / "notes.txt").write_text("mine")
    (tmp_path / "plain").touch()
    with pytest.raises(OutputError, match="is a file; name a folder"):
        VideoWriter(tmp_path / "plain", VIDEO, overwrite=True)
    with pytest.raises(OutputError, match="is not empty"):
        VideoWriter(folder, VIDEO)
    write(folder, VIDEO, make_frames(synthetic, VIDEO, [0]), overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == ["frame_000000.png", "notes.txt"]


def test_folder_in_the_place_of_a_picture_fails_before_any_is_replaced(
    tmp_path: Path, synthetic: ModuleType
) -> None:
    folder = tmp_path / "frames"
    (folder / "frame_000001.png").mkdir(parents=True)
    (folder / "frame_000000.png").write_text("old")
    with pytest.raises(OutputError, match=r"frame_000001\.png is a folder"):
        VideoWriter(folder, VIDEO, overwrite=True)
    (folder / "frame_000001.png").rmdir()
    with (
        pytest.raises(OutputError, match=r"frame_000001\.png is a folder"),
        VideoWriter(folder, VIDEO, overwrite=True) as writer,
    ):
        writer.write(make_frames(synthetic, VIDEO, [0])[0])
        (folder / "frame_000001.png").mkdir()
    assert (folder / "frame_000000.png").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("exists", [False, True])
def test_second_writer_of_a_folder_fails(
    exists: bool, tmp_path: Path, synthetic: ModuleType
) -> None:
    folder = tmp_path / "frames"
    if exists:
        folder.mkdir()
    frames = make_frames(synthetic, VIDEO, [0, 3000])
    with (
        pytest.raises(OutputError, match="is not empty any more: it was written meanwhile"),
        VideoWriter(folder, VIDEO) as second,
    ):
        second.write(frames[0])
        with VideoWriter(folder, VIDEO) as first:
            first.write(frames[0])
            first.write(frames[1])
    assert len(list(folder.iterdir())) == 2
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.y4m", "pictures"])
def test_nothing_is_left_after_an_error(name: str, tmp_path: Path, synthetic: ModuleType) -> None:
    frames = make_frames(synthetic, VIDEO, [0, 3000])
    writer = VideoWriter(tmp_path / name, VIDEO)
    with pytest.raises(KeyboardInterrupt), writer:
        writer.write(frames[0])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    writer.close()
    with pytest.raises(UsageError, match="is closed"):
        writer.write(frames[1])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.y4m", "pictures"])
def test_no_frame_is_an_error_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="no frame was written"),
        VideoWriter(tmp_path / name, VIDEO),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.mp4", "a.y4m"])
def test_existing_file_is_replaced_only_if_asked(
    name: str, tmp_path: Path, synthetic: ModuleType
) -> None:
    path = tmp_path / name
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists"):
        VideoWriter(path, VIDEO)
    with pytest.raises(ZeroDivisionError), VideoWriter(path, VIDEO, overwrite=True) as writer:
        writer.write(make_frames(synthetic, VIDEO, [0])[0])
        raise ZeroDivisionError
    assert path.read_text() == "precious"
    write(path, VIDEO, make_frames(synthetic, VIDEO, [0]), overwrite=True)
    assert path.stat().st_size > 100


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.y4m"])
def test_full_disk_fails_and_leaves_nothing(
    name: str, tmp_path: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "x")
    part = tmp_path / f".a.x.part{Path(name).suffix}"
    part.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left on device"):
        write(
            tmp_path / name,
            VIDEO,
            make_frames(synthetic, VIDEO, [3000 * number for number in range(8)]),
            overwrite=True,
        )
    assert list(tmp_path.iterdir()) == []


def test_full_disk_fails_for_pictures(
    tmp_path: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write(tmp_path / "pictures", VIDEO, make_frames(synthetic, VIDEO, [0]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("a.mp4", {"codec": "nonsense"}, "no encoder 'nonsense'; accepted: h264"),
        ("a.mp4", {"codec": "aac"}, "encoder for audio"),
        ("a.webm", {"codec": "h264"}, "does not support"),
        ("a.mp4", {"pixel_format": "bgr0"}, "does not take pixel format bgr0; accepted: yuv420p"),
        ("a.avi", {}, "accepted: .mp4"),
        ("none/a.mp4", {}, "not a folder"),
        ("none/pictures", {}, "not a folder"),
    ],
)
def test_what_cannot_be_written_fails(
    name: str, settings: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match=words):
        VideoWriter(tmp_path / name, VIDEO, **settings)
    assert list(tmp_path.iterdir()) == []


def test_encoder_that_does_not_open_fails(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write libx264 to"):
        VideoWriter(tmp_path / "a.mp4", VIDEO, options={"profile": "nonsense"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("a.mkv", {"codec": "ffv1", "crf": 3}, "no constant rate factor"),
        ("a.y4m", {"crf": 3}, "are for .mp4"),
        ("-", {"codec": "h264"}, "are for .mp4"),
    ],
)
def test_arguments_that_do_not_go_together_fail(
    name: str, settings: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        VideoWriter(name if name == "-" else tmp_path / name, VIDEO, **settings)


def test_frames_that_do_not_fit_fail(tmp_path: Path, synthetic: ModuleType) -> None:
    good = make_frames(synthetic, VIDEO, [0])[0]
    for bad, words in (
        (replace(good, planes=(good.planes[0][:, :-2],)), "the video is rgb 96x64"),
        (replace(good, planes=to_yuv420(good.planes[0], VIDEO.color)), "frame is yuv420"),
        (good, "pts 0 after 0"),
    ):
        with (
            pytest.raises(UsageError, match=words),
            VideoWriter(tmp_path / "a.mp4", VIDEO) as writer,
        ):
            writer.write(good)
            writer.write(bad)
    assert list(tmp_path.iterdir()) == []
