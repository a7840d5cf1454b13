"""Writing: what goes in comes back, outputs appear whole or not at all, and a clear error for what cannot be written."""

import io
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from PIL import Image

from streamcodec.metrics import psnr_db
from streamcodec.types import ColorSpec, FrameFormat, RawFrame, VideoFormat
from streamcodec.video import VideoReader, VideoWriter
from streamcodec.video.matroska_shape import set_sample_aspect_ratio
from streamcodec.video.muxer import keeps_rotation

from .writing import VIDEO, make_frames, write

needs_rotation = pytest.mark.skipif(
    not keeps_rotation(), reason="this PyAV writes no display matrix"
)


def read(path: Path, frame_format: FrameFormat = "rgb") -> tuple[VideoFormat, list[RawFrame]]:
    with VideoReader(path, frame_format=frame_format) as reader:
        return reader.format, list(reader)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.m4v"])
def test_times_and_tags_are_kept_exactly(name: str, tmp_path: Path, synthetic: ModuleType) -> None:
    video = replace(VIDEO, sample_aspect_ratio=Fraction(4, 3), color=ColorSpec(9, 16, 9, True))
    frames = make_frames(synthetic, video, [0, 3000, 3100, 9001, 12345, 40000])
    got, back = read(write(tmp_path / name, video, frames))
    assert (got.width, got.height, got.time_base, got.sample_aspect_ratio) == (
        96,
        64,
        Fraction(1, 90000),
        Fraction(4, 3),
    )
    assert got.color == video.color
    assert [(frame.pts, frame.duration) for frame in back] == [
        (frame.pts, frame.duration) for frame in frames
    ]
    assert all(psnr_db(a.planes[0], b.planes[0]) > 36 for a, b in zip(frames, back, strict=True))


@pytest.mark.parametrize(
    "time_base", [Fraction(1, 25), Fraction(1001, 30000), Fraction(1, 1000000), Fraction(1, 12800)]
)
def test_mp4_keeps_the_ticks(time_base: Fraction, tmp_path: Path, synthetic: ModuleType) -> None:
    step = round(1 / (25 * time_base))
    video = replace(VIDEO, time_base=time_base, frame_rate=1 / (step * time_base))
    frames = make_frames(synthetic, video, [100 * step, 101 * step, 102 * step])
    got, back = read(write(tmp_path / "a.mp4", video, frames))
    assert [frame.pts * got.time_base for frame in back] == [
        frame.pts * time_base for frame in frames
    ]
    if time_base.numerator == 1:
        assert got.time_base == time_base


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_matroska_rounds_to_milliseconds(name: str, tmp_path: Path, synthetic: ModuleType) -> None:
    frames = make_frames(synthetic, VIDEO, [0, 3000, 6000, 12345, 20000])
    got, back = read(write(tmp_path / name, VIDEO, frames))
    assert got.color == VIDEO.color
    for before, after in zip(frames, back, strict=True):
        assert abs(before.pts / 90 - after.pts) <= 1
        assert abs(before.duration / 90 - after.duration) <= 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_video_before_zero_is_moved_whole(name: str, tmp_path: Path, synthetic: ModuleType) -> None:
    got, back = read(
        write(tmp_path / name, VIDEO, make_frames(synthetic, VIDEO, [-6000, -3000, 0, 3000]))
    )
    assert [round(float(frame.pts * got.time_base), 2) for frame in back] == [0, 0.03, 0.07, 0.1]


@needs_rotation
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_kept(name: str, rotation: int, tmp_path: Path, synthetic: ModuleType) -> None:
    video = replace(VIDEO, rotation_degrees=rotation)
    got, back = read(write(tmp_path / name, video, make_frames(synthetic, video, [0, 3000])))
    assert (got.rotation_degrees, got.width, got.height) == (rotation, 96, 64)
    assert psnr_db(back[0].planes[0], synthetic.moving_frame(0)) > 36


@pytest.mark.parametrize("frame_format", ["rgb", "yuv420"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_pictures_are_turned_where_a_rotation_cannot_be_kept(
    rotation: int,
    frame_format: FrameFormat,
    tmp_path: Path,
    synthetic: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = replace(VIDEO, rotation_degrees=rotation, sample_aspect_ratio=Fraction(2))
    upright = np.rot90(synthetic.moving_frame(0), rotation // 90, axes=(1, 2))
    frames = make_frames(synthetic, video, [0, 3000], frame_format)
    monkeypatch.setattr("streamcodec.video.writer.keeps_rotation", lambda: False)
    for name in ("a.y4m", "a.mp4"):
        got, back = read(write(tmp_path / name, video, frames))
        assert (got.height, got.width) == upright.shape[1:]
        assert got.rotation_degrees == 0
        assert got.sample_aspect_ratio == (2 if rotation == 180 else Fraction(1, 2))
        if name == "a.mp4":
            assert psnr_db(back[0].planes[0], upright.copy()) > 34


@pytest.mark.parametrize("size", [(97, 65), (1, 1), (16, 15), (15, 16)])
@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", None), ("a.mkv", "ffv1"), ("a.webm", None), ("a.mkv", "mpeg4"), ("a.y4m", None)],
)
def test_odd_sizes_are_kept(
    size: tuple[int, int], name: str, codec: str | None, tmp_path: Path, synthetic: ModuleType
) -> None:
    video = replace(VIDEO, width=size[0], height=size[1], time_base=Fraction(1, 30))
    for frame_format in ("rgb", "yuv420"):
        frames = make_frames(synthetic, video, [0, 1, 2], frame_format)
        target = write(tmp_path / name, video, frames, codec=codec, overwrite=True)
        got, back = read(target, frame_format)
        assert (got.width, got.height) == size
        assert len(back) == 3


@pytest.mark.parametrize("frame_format", ["rgb", "yuv420"])
@pytest.mark.parametrize("full_range", [False, True])
def test_ffv1_is_lossless(
    frame_format: FrameFormat, full_range: bool, tmp_path: Path, synthetic: ModuleType
) -> None:
    video = replace(VIDEO, color=ColorSpec(1, 1, 1, full_range))
    frames = make_frames(synthetic, video, [0, 3000, 6000], frame_format)
    _, back = read(write(tmp_path / "a.mkv", video, frames, codec="ffv1"), frame_format)
    for before, after in zip(frames, back, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(before.planes, after.planes, strict=True))


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", [1, 2, 5, 9])
def test_colours_come_back_at_every_matrix_and_range(
    matrix: int, full_range: bool, tmp_path: Path
) -> None:
    video = replace(VIDEO, color=ColorSpec(matrix=matrix, full_range=full_range))
    rgb = np.empty((3, 64, 96), np.uint8)
    rgb[:] = np.array([180, 60, 100])[:, None, None]
    got, back = read(write(tmp_path / "a.mp4", video, [RawFrame((rgb,), 0, 3000)], crf=1))
    assert got.color == video.color
    assert np.abs(back[0].planes[0].astype(int) - rgb).max() <= 2


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("a.mp4", {"codec": "hevc"}),
        ("a.mp4", {"codec": "av1"}),
        ("a.mkv", {"codec": "vp9", "crf": 10}),
        ("a.mp4", {"crf": 10, "options": {"preset": "ultrafast"}}),
        ("a.mp4", {"pixel_format": "yuv420p10le"}),
        ("a.mp4", {"pixel_format": "yuv444p"}),
        ("a.mp4", {"pixel_format": "nv12"}),
        ("a.mov", {"codec": "prores_ks"}),
    ],
)
def test_other_encoders(
    name: str,
    settings: dict[str, object],
    tmp_path: Path,
    synthetic: ModuleType,
    capfd: pytest.CaptureFixture[str],
) -> None:
    frames = make_frames(synthetic, VIDEO, [0, 3000, 6000])
    _, back = read(write(tmp_path / name, VIDEO, frames, **settings))
    assert [frame.size for frame in back] == [(96, 64)] * 3
    assert psnr_db(back[1].planes[0], frames[1].planes[0]) > 34
    assert capfd.readouterr() == ("", "")


def test_crf_sets_the_size(tmp_path: Path, synthetic: ModuleType) -> None:
    frames = make_frames(synthetic, VIDEO, [3000 * number for number in range(6)])
    sizes = [
        write(tmp_path / f"{crf}.mp4", VIDEO, frames, crf=crf).stat().st_size for crf in (5, 18, 40)
    ]
    assert sizes[0] > sizes[1] > sizes[2]
    assert write(tmp_path / "default.mp4", VIDEO, frames).stat().st_size == sizes[1]


def test_metadata_is_kept(tmp_path: Path, synthetic: ModuleType) -> None:
    path = write(
        tmp_path / "a.mkv",
        VIDEO,
        make_frames(synthetic, VIDEO, [0]),
        metadata={"title": "Zug in Zürich"},
    )
    with VideoReader(path) as reader:
        assert reader.metadata["title"] == "Zug in Zürich"


@pytest.mark.parametrize("full_range", [False, True])
def test_y4m_keeps_the_planes(full_range: bool, tmp_path: Path, synthetic: ModuleType) -> None:
    video = VideoFormat(
        97,
        65,
        Fraction(1, 90000),
        Fraction(30000, 1001),
        Fraction(4, 3),
        color=ColorSpec(full_range=full_range),
    )
    frames = make_frames(synthetic, video, [0, 3003, 6006], "yuv420")
    got, back = read(write(tmp_path / "a.y4m", video, frames), "yuv420")
    assert (got.frame_rate, got.sample_aspect_ratio, got.color) == (
        Fraction(30000, 1001),
        Fraction(4, 3),
        video.color,
    )
    for before, after in zip(frames, back, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(before.planes, after.planes, strict=True))


@pytest.mark.parametrize(
    ("pts", "is_noted"),
    [([0, 33, 67, 100], False), ([5, 38, 38 + 66], True), ([0, 33, 34], True), ([7], False)],
)
def test_y4m_notes_a_pace_that_it_does_not_keep(
    pts: list[int], is_noted: bool, tmp_path: Path, synthetic: ModuleType
) -> None:
    video = replace(VIDEO, time_base=Fraction(1, 1000), frame_rate=Fraction(30))
    with VideoWriter(tmp_path / "a.y4m", video) as writer:
        for frame in make_frames(synthetic, video, pts):
            writer.write(frame)
        noted = [note for note in writer.notes if "all frames follow at 30 fps" in note]
    assert len(noted) == is_noted


def test_standard_output_and_input_are_y4m(
    tmp_path: Path, synthetic: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = make_frames(synthetic, VIDEO, [0, 3000], "yuv420")
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe))
    write("-", VIDEO, frames)
    data = pipe.getvalue()
    assert data.startswith(
        b"YUV4MPEG2 W96 H64 F30:1 Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED\nFRAME\n"
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    _, back = read("-", "yuv420")
    assert [
        np.array_equal(a.planes[0], b.planes[0]) for a, b in zip(frames, back, strict=True)
    ] == [True, True]


@pytest.mark.parametrize("name", ["frames", "frames.v2/"])
def test_folder_gets_png_pictures(name: str, tmp_path: Path, synthetic: ModuleType) -> None:
    frames = make_frames(synthetic, VIDEO, [0, 3000])
    write(f"{tmp_path}/{name}", VIDEO, frames)
    folder = tmp_path / name
    assert sorted(path.name for path in folder.iterdir()) == [
        "frame_000000.png",
        "frame_000001.png",
    ]
    picture = np.asarray(Image.open(folder / "frame_000001.png"))
    assert np.array_equal(picture.transpose(2, 0, 1), frames[1].planes[0])
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    "ratio", [Fraction(4, 3), Fraction(8, 9), Fraction(3, 4), Fraction(2), Fraction(64, 45)]
)
@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.webm", None), ("a.mkv", "ffv1"), ("a.mkv", "h264"), ("a.mkv", "vp9"), ("a.mkv", "av1")],
)
def test_shape_of_pixels_is_kept_by_matroska(
    tmp_path: Path, name: str, codec: str | None, ratio: Fraction
) -> None:
    video = replace(VIDEO, sample_aspect_ratio=ratio)
    with VideoWriter(tmp_path / name, video, codec=codec, metadata={"title": "t" * 300}) as writer:
        for number in range(3):
            planes = (np.full((3, video.height, video.width), 60 * number, np.uint8),)
            writer.write(RawFrame(planes, number * 3600, 3600))
    with VideoReader(tmp_path / name) as reader:
        assert float(reader.format.sample_aspect_ratio) == pytest.approx(float(ratio), rel=0.02)
        assert sum(1 for _ in reader) == 3
        assert reader.metadata["title"] == "t" * 300
    with av.open(str(tmp_path / name)) as opened:
        opened.seek(80_000)
        assert next(opened.decode(video=0)).time == pytest.approx(0.08, abs=0.1)


def test_matroska_that_is_laid_out_otherwise_is_left(tmp_path: Path) -> None:
    for data in (b"", b"nothing", bytes(100), b"\x18\x53\x80\x67\x81\x00", b"\x1a\x45\xdf\xa3" * 9):
        (tmp_path / "a.mkv").write_bytes(data)
        with pytest.raises(ValueError, match="it "):
            set_sample_aspect_ratio(tmp_path / "a.mkv", Fraction(2))
        assert (tmp_path / "a.mkv").read_bytes() == data
