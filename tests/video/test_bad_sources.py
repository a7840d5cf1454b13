"""What is no video, damaged, cut off or changing: each a clear error."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from streamcodec.container.format import MAGIC
from streamcodec.errors import SourceError, UsageError
from streamcodec.types import MAX_SIDE, OnError, RawFrame, VideoFormat
from streamcodec.video import VideoReader, VideoWriter, read_picture
from support.pipes import Reading


def test_what_is_no_video_fails(tmp_path: Path, synthetic: ModuleType) -> None:
    text, script, empty = tmp_path / "a.txt", tmp_path / "a.mp4", tmp_path / "empty.mp4"
    text.write_text("hello\n" * 100)
    script.write_text("hello\n" * 100)
    empty.touch()
    sound = synthetic.write_sound(tmp_path / "a.m4a")
    for path, words in (
        (text, "text file"),
        (script, "cannot open"),
        (empty, "is empty"),
        (tmp_path / "none.mp4", "does not exist"),
        (tmp_path / f"{'x' * 300}.mp4", "File name too long"),
        (tmp_path, "is a folder"),
        (sound, r"no video stream \(it holds: audio\)"),
    ):
        with pytest.raises(SourceError, match=words):
            VideoReader(path)
    with pytest.raises(UsageError, match="StringIO; accepted: a path"):
        VideoReader(io.StringIO("text"))  # type: ignore[arg-type]


def test_no_frames_fail(clip: Path, tmp_path: Path) -> None:
    header = tmp_path / "empty.y4m"
    header.write_bytes(b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420mpeg2\n")
    with pytest.raises(SourceError, match=r"no frames|cannot open"):
        VideoReader(header)
    with pytest.raises(SourceError, match=r"no frames from 100 s on"):
        VideoReader(clip, start_seconds=100)


@pytest.mark.parametrize(("name", "front"), [("a.mp4", True), ("a.mkv", False), ("a.ts", False)])
def test_cut_off_source_fails_after_its_frames(
    name: str, front: bool, tmp_path: Path, synthetic: ModuleType
) -> None:
    options = {"movflags": "faststart"} if front else {}
    path = synthetic.write_clip(tmp_path / name, 60, muxer_options=options)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 // 188 * 188 + 50])
    count = 0
    with (
        VideoReader(path) as reader,
        pytest.raises(SourceError, match=rf"{name} is damaged after \d+ frames"),
    ):
        for _ in reader:
            count += 1
    assert 0 < count < 60
    with VideoReader(path, on_error="stop") as reader:
        assert abs(len(list(reader)) - count) <= 1
        assert reader.damage is not None


KINDS: dict[str, Callable[[Path], object]] = {
    "path": lambda path: path,
    "file": lambda path: io.BytesIO(path.read_bytes()),
    "pipe": lambda path: Reading(path.read_bytes()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_of_ours_is_no_source(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ssf"
    path.write_bytes(MAGIC + bytes(1000))
    with pytest.raises(SourceError, match=r"is an \.ssf stream already; decode it first"):
        VideoReader(KINDS[kind](path))


def fails_after_its_frames(source: Callable[[], object], words: str) -> int:
    """How many frames come before the error; "stop" gives the same."""
    count = 0
    with (
        VideoReader(source()) as reader,
        pytest.raises(SourceError, match=rf"is damaged after \d+ frames .*it is cut off: {words}"),
    ):
        for _ in reader:
            count += 1
    with VideoReader(source(), on_error="stop") as reader:
        assert len(list(reader)) == count
        assert reader.damage is not None
    return count


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [1, 96 * 64, 96 * 64 * 3 // 2, 96 * 64 * 3 // 2 + 5])
def test_y4m_cut_off_within_a_frame_fails(
    kind: str, missing: int, tmp_path: Path, synthetic: ModuleType
) -> None:
    """The last bytes may be a part of the planes or of the word FRAME."""
    path = tmp_path / "a.y4m"
    write_y4m(path, synthetic.moving_frames(4))
    with VideoReader(KINDS[kind](path)) as reader:
        assert len(list(reader)) == 4
        assert reader.damage is None
    path.write_bytes(path.read_bytes()[:-missing])
    assert fails_after_its_frames(lambda: KINDS[kind](path), "its last frame is not whole") == 3


def write_y4m(path: Path, frames: list[np.ndarray]) -> None:
    with VideoWriter(path, VideoFormat(96, 64, Fraction(1, 25), frame_rate=Fraction(25))) as writer:
        for pts, frame in enumerate(frames):
            writer.write(RawFrame((frame,), pts, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "live"), [("path", "0"), ("path", "1"), ("file", "0"), ("file", "1"), ("pipe", "0")]
)
@pytest.mark.parametrize("missing", [1, 30, 150])
def test_matroska_cut_off_at_its_end_fails(
    kind: str, live: str, missing: int, tmp_path: Path, synthetic: ModuleType
) -> None:
    """By less than the half second that its duration may be off; a live one has no duration, and no size but those of its clusters."""
    path = synthetic.write_clip(tmp_path / "a.mkv", 60, muxer_options={"live": live})
    data = path.read_bytes()
    for tail in (b"", b"\0" * 40):
        path.write_bytes(data + tail)
        with VideoReader(KINDS[kind](path)) as reader:
            assert len(list(reader)) == 60
            assert reader.damage is None
    path.write_bytes(data[:-missing])
    assert fails_after_its_frames(lambda: KINDS[kind](path), "it ends within an element") > 50


def test_mp4_without_its_index_fails(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.mp4"
    path.write_bytes(clip.read_bytes()[:2000])
    with pytest.raises(SourceError, match="cannot open"):
        VideoReader(path)


def test_damage_in_the_middle(tmp_path: Path, synthetic: ModuleType) -> None:
    path = synthetic.write_clip(tmp_path / "a.mp4", 60, options={"g": "10"})
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : third + 400] = (
        np.random.default_rng(1).integers(0, 256, 400).astype(np.uint8).tobytes()
    )
    path.write_bytes(data)
    with VideoReader(path) as reader, pytest.raises(SourceError, match="damaged after"):
        list(reader)
    counts = {}
    for on_error in ("stop", "skip"):
        with VideoReader(path, on_error=on_error) as reader:
            counts[on_error] = len(list(reader))
            assert reader.damage is not None
    assert 0 < counts["stop"] < counts["skip"] < 60


def test_change_of_size_fails(tmp_path: Path, synthetic: ModuleType) -> None:
    parts = [
        synthetic.write_clip(tmp_path / f"{width}.h264", 6, size=(width, 64), container="h264")
        for width in (96, 64)
    ]
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    with (
        VideoReader(joined) as reader,
        pytest.raises(SourceError, match="size from 96x64 to 64x64 after 6 frames"),
    ):
        list(reader)


def test_change_of_size_after_a_gap_fails(tmp_path: Path, synthetic: ModuleType) -> None:
    first = synthetic.write_clip(tmp_path / "a.ts", 6)
    second = synthetic.write_clip(tmp_path / "b.ts", 6, size=(64, 64))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    with (
        VideoReader(joined) as reader,
        pytest.raises(SourceError, match=r"damaged after \d frames"),
    ):
        list(reader)
    with (
        VideoReader(joined, on_error="skip") as reader,
        pytest.raises(SourceError, match="size from 96x64 to 64x64 after 6 frames"),
    ):
        list(reader)


def test_joined_recordings_go_on(tmp_path: Path, synthetic: ModuleType) -> None:
    first = synthetic.write_clip(tmp_path / "a.ts", 60)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() * 2)
    with VideoReader(joined, on_error="skip") as reader:
        pts = [frame.pts for frame in reader]
        assert reader.damage == "a packet is damaged, cut off or missing"
    assert np.diff(pts).tolist() == [3000] * 119


def test_picture_beyond_the_limit_fails(tmp_path: Path) -> None:
    path = tmp_path / "wide.y4m"
    path.write_bytes(
        f"YUV4MPEG2 W{MAX_SIDE + 2} H2 F25:1\nFRAME\n".encode() + bytes((MAX_SIDE + 2) * 3)
    )
    with pytest.raises(SourceError, match=rf"{MAX_SIDE + 2}x2; accepted"):
        VideoReader(path)


@pytest.mark.parametrize(
    "arguments",
    [
        {"frame_format": "bgr"},
        {"start_seconds": -1.0},
        {"start_seconds": float("nan")},
        {"duration_seconds": 0.0},
        {"max_frames": 0},
        {"on_error": "ignore"},
    ],
)
def test_bad_arguments_fail(arguments: dict[str, object], clip: Path) -> None:
    with pytest.raises(UsageError, match="accepted"):
        VideoReader(clip, **arguments)


def test_ffmpeg_is_silent(clip: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "half.mkv"
    path.write_bytes(clip.read_bytes()[:3000])
    with pytest.raises(SourceError):
        VideoReader(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("on_error", ["raise", "stop", "skip"])
def test_encrypted_videos_are_called_so(
    synthetic: ModuleType, tmp_path: Path, on_error: OnError
) -> None:
    path = synthetic.write_clip(
        tmp_path / "locked.mp4",
        6,
        muxer_options={
            "encryption_scheme": "cenc-aes-ctr",
            "encryption_key": "00112233445566778899aabbccddeeff",
            "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
        },
    )
    with pytest.raises(SourceError, match=r"locked\.mp4 is encrypted; accepted"):
        VideoReader(path, on_error=on_error)


def test_animated_webp_is_called_so(tmp_path: Path) -> None:
    pictures = [Image.fromarray(np.full((16, 16, 3), 40 * shade, np.uint8)) for shade in range(3)]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:])
    with pytest.raises(SourceError, match=r"an animated WebP picture, .* convert it to GIF"):
        VideoReader(tmp_path / "a.webp")
    assert "several pictures" in read_picture(tmp_path / "a.webp").notes[0]
