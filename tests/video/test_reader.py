"""Reading: every frame, every time, every layout, and a clear error for what is no video."""

from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

from streamcodec.metrics import psnr_db
from streamcodec.types import ColorSpec
from streamcodec.video import VideoReader
from support.pipes import Pipe

CLIPS = Path(__file__).parents[2] / "tools" / "data"


def test_frames_times_and_format(clip: Path, synthetic: ModuleType) -> None:
    with VideoReader(clip) as reader:
        assert reader.estimated_frames == 24
        assert (reader.format.width, reader.format.height) == (96, 64)
        assert reader.format.time_base == Fraction(1, 90000)
        assert reader.format.frame_rate == 30
        assert reader.format.color == ColorSpec()
        assert reader.format.bit_depth == 8
        assert not reader.interlaced
        assert "encoder" in reader.metadata
        frames = list(reader)
        assert reader.damage is None
    assert [frame.pts for frame in frames] == [3000 * number for number in range(24)]
    assert {frame.duration for frame in frames} == {3000}
    for number, frame in enumerate(frames):
        assert psnr_db(frame.planes[0], synthetic.moving_frame(number)) > 30


def test_yuv420_gives_the_decoders_planes(clip: Path) -> None:
    with VideoReader(clip, frame_format="yuv420") as reader, av.open(str(clip)) as plain:
        for frame, decoded in zip(reader, plain.decode(video=0), strict=True):
            assert np.array_equal(
                np.concatenate([plane.ravel() for plane in frame.planes]),
                decoded.to_ndarray().ravel(),
            )


def test_file_object_and_pipe_are_sources(
    clip: Path, tmp_path: Path, synthetic: ModuleType
) -> None:
    with clip.open("rb") as file, VideoReader(file) as reader:
        assert len(list(reader)) == 24
    data = synthetic.write_clip(tmp_path / "a.ts", 12).read_bytes()
    with VideoReader(Pipe(data), start_seconds=0.2) as reader:
        assert len(list(reader)) == 6


@pytest.mark.parametrize("size", [(97, 65), (1, 1), (3, 5), (16, 1)])
def test_odd_sizes(size: tuple[int, int], tmp_path: Path, synthetic: ModuleType) -> None:
    path = synthetic.write_clip(tmp_path / "odd.nut", 2, size=size, codec="rawvideo")
    for frame_format in ("rgb", "yuv420"):
        with VideoReader(path, frame_format=frame_format) as reader:
            assert [frame.size for frame in reader] == [size, size]


@pytest.mark.parametrize(
    ("pixel_format", "codec", "least_db"),
    [
        ("yuv420p10le", "ffv1", 36),
        ("yuv422p", "ffv1", 38),
        ("yuv422p10le", "ffv1", 38),
        ("yuv444p", "ffv1", 42),
        ("yuv444p16le", "ffv1", 42),
        ("yuv410p", "ffv1", 28),
        ("yuv411p", "ffv1", 30),
        ("yuv440p", "ffv1", 38),
        ("yuva420p", "ffv1", 36),
        ("bgr0", "ffv1", 99),
        ("bgra", "ffv1", 99),
        ("gbrp10le", "ffv1", 47),
        ("bgr24", "rawvideo", 99),
        ("rgb48le", "rawvideo", 99),
        ("nv12", "rawvideo", 36),
        ("yuyv422", "rawvideo", 38),
    ],
)
def test_pixel_formats(
    pixel_format: str, codec: str, least_db: float, tmp_path: Path, synthetic: ModuleType
) -> None:
    path = synthetic.write_clip(tmp_path / "a.nut", 2, codec=codec, pixel_format=pixel_format)
    wanted = synthetic.moving_frame(1)
    with VideoReader(path) as reader:
        rgb = list(reader)[1].planes[0]
    assert psnr_db(rgb, wanted) >= least_db
    with VideoReader(path, frame_format="yuv420") as reader:
        luma, u, v = list(reader)[1].planes
    assert luma.shape == (64, 96)
    assert u.shape == v.shape == (32, 48)


def test_bottom_up_pictures_come_upright(tmp_path: Path, synthetic: ModuleType) -> None:
    path = synthetic.write_clip(
        tmp_path / "a.avi", 2, codec="rawvideo", pixel_format="bgr24", time_base=Fraction(1, 30)
    )
    with VideoReader(path) as reader:
        assert psnr_db(next(reader).planes[0], synthetic.moving_frame(0)) > 99


def test_palette_becomes_rgb(tmp_path: Path) -> None:
    path = tmp_path / "a.nut"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 8, "pal8"
        frame = av.VideoFrame(16, 8, "pal8")
        frame.planes[0].update(bytes([1]) * frame.planes[0].buffer_size)
        frame.planes[1].update(np.array([0xFF000000, 0xFFFF8040] + [0] * 254, "<u4").tobytes())
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with VideoReader(path) as reader:
        assert next(reader).planes[0][:, 3, 5].tolist() == [0xFF, 0x80, 0x40]


@pytest.mark.parametrize(("color_range", "full"), [(1, False), (2, True), (0, True)])
def test_gray_has_its_range(
    color_range: int, full: bool, tmp_path: Path, synthetic: ModuleType
) -> None:
    path = synthetic.write_clip(
        tmp_path / "a.mkv", 2, codec="ffv1", pixel_format="gray", colors=(2, 2, 2, color_range)
    )
    with VideoReader(path) as reader:
        assert reader.format.color.full_range is full
        red, green, blue = next(reader).planes[0]
    assert np.abs(red.astype(int) - green).max() <= 1
    assert np.abs(blue.astype(int) - green).max() <= 1


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_matrix_and_range_are_honoured(matrix: int, full_range: bool, tmp_path: Path) -> None:
    """One flat frame whose YUV samples are put in by hand, in a file that names its colours."""
    path = tmp_path / "flat.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = (
            1,
            1,
            matrix,
            2 if full_range else 1,
        )
        frame = av.VideoFrame(32, 32, "yuv420p")
        for plane, value in zip(frame.planes, (120, 90, 160), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.colorspace, frame.color_range = matrix, 2 if full_range else 1
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with VideoReader(path) as reader:
        assert reader.format.color == ColorSpec(1, 1, matrix, full_range)
        rgb = next(reader).planes[0]
    red, blue = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    y, u, v = (120 / 255, -38 / 255, 32 / 255) if full_range else (104 / 219, -38 / 224, 32 / 224)
    r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
    wanted = 255 * np.array([r, (y - red * r - blue * b) / (1 - red - blue), b])
    assert np.abs(rgb - wanted[:, None, None]).max() <= 1.5


def test_vfr_times_and_durations_are_exact(tmp_path: Path, synthetic: ModuleType) -> None:
    pts = [0, 3000, 3100, 9001, 12345, 40000]
    path = synthetic.write_clip(
        tmp_path / "vfr.mp4", 6, pts=pts, muxer_options={"video_track_timescale": "90000"}
    )
    with VideoReader(path) as reader:
        frames = list(reader)
    assert [frame.pts for frame in frames] == pts
    assert [frame.duration for frame in frames[:-1]] == [3000, 100, 5901, 3344, 27655]
    assert frames[-1].duration > 0


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize("start", [0.04, 0.5, 1.1])
def test_start_and_duration_are_precise(
    name: str, start: float, tmp_path: Path, synthetic: ModuleType
) -> None:
    path = synthetic.write_clip(
        tmp_path / name, 50, rate=Fraction(25), options={"g": "12", "bf": "2"}
    )
    with VideoReader(path) as reader:
        every = list(reader)
    with VideoReader(path, start_seconds=start, duration_seconds=0.2) as reader:
        assert reader.estimated_frames == 5
        part = list(reader)
    first = round(start * 25 + 0.49)
    assert [frame.pts for frame in part] == [frame.pts for frame in every[first : first + 5]]
    assert all(
        np.array_equal(a.planes[0], b.planes[0])
        for a, b in zip(part, every[first : first + 5], strict=True)
    )


def test_max_frames_stops(clip: Path) -> None:
    with VideoReader(clip, max_frames=5) as reader:
        assert reader.estimated_frames == 5
        assert len(list(reader)) == 5


@pytest.mark.skipif(
    not hasattr(av.video.stream.VideoStream, "set_display_rotation"),
    reason="this PyAV writes no display matrix",
)
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_and_aspect_are_read(rotation: int, tmp_path: Path, synthetic: ModuleType) -> None:
    path = synthetic.write_clip(tmp_path / "a.mp4", 2, rotation=rotation, aspect=Fraction(4, 3))
    with VideoReader(path) as reader:
        assert reader.format.rotation_degrees == rotation
        assert reader.format.sample_aspect_ratio == Fraction(4, 3)
        assert (reader.format.width, reader.format.height) == (96, 64)


def test_elementary_stream_without_times_gets_them(tmp_path: Path, synthetic: ModuleType) -> None:
    path = synthetic.write_clip(tmp_path / "a.h264", 6, container="h264", rate=Fraction(25))
    with VideoReader(path) as reader:
        times = [float(frame.pts * reader.format.time_base) for frame in reader]
    assert times == pytest.approx([number / 25 for number in range(6)])


def test_avi_with_b_frames_has_rising_even_times(tmp_path: Path, synthetic: ModuleType) -> None:
    path = synthetic.write_clip(
        tmp_path / "a.avi", 20, time_base=Fraction(1, 30), options={"bf": "2"}
    )
    with VideoReader(path) as reader:
        pts = [frame.pts for frame in reader]
    steps = np.diff(pts)
    assert len(pts) == 20
    assert steps.min() >= 1
    assert (steps != np.median(steps)).sum() <= 2


def test_a_filmed_video_gives_all_its_frames() -> None:
    with VideoReader(CLIPS / "city.mkv", frame_format="yuv420") as reader:
        pts = [frame.pts for frame in reader]
    assert len(pts) == 48
    assert min(np.diff(pts)) > 0
