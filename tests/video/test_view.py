"""Pictures as players show them: mirrored, turned and cropped as the container asks for."""

import struct
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from streamcodec.errors import SourceError
from streamcodec.metrics import psnr_db
from streamcodec.types import ColorSpec
from streamcodec.video import VideoReader, VideoWriter, turned
from streamcodec.video.color import cropped, to_yuv420
from streamcodec.video.turning import UPRIGHT, Orientation, orientation_of, oriented

DATA = Path(__file__).parents[1] / "data"
ONE = 1 << 16

MATRICES = {  # where a step to the right and a step down lead -> the picture (3, H, W) as it is shown
    "identity": ((1, 0), (0, 1), lambda x: x),
    "hflip": ((-1, 0), (0, 1), lambda x: x[:, :, ::-1]),
    "vflip": ((1, 0), (0, -1), lambda x: x[:, ::-1]),
    "half turn": ((-1, 0), (0, -1), lambda x: x[:, ::-1, ::-1]),
    "left": ((0, -1), (1, 0), lambda x: np.rot90(x, 1, (1, 2))),
    "right": ((0, 1), (-1, 0), lambda x: np.rot90(x, 3, (1, 2))),
    "transpose": ((0, 1), (1, 0), lambda x: x.transpose(0, 2, 1)),
    "transverse": ((0, -1), (-1, 0), lambda x: x[:, ::-1, ::-1].transpose(0, 2, 1)),
}


def put_matrix(path: Path, right: tuple[float, float], down: tuple[float, float]) -> None:
    """Into the header of the only track of an MP4 file."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    (a, b), (c, d) = right, down
    entries = [round(value * ONE) for value in (a, b, 0, c, d, 0, 0, 0)] + [1 << 30]
    data[at : at + 36] = struct.pack(">9i", *entries)
    path.write_bytes(data)


def as_shown(path: Path) -> list[NDArray[np.uint8]]:
    with VideoReader(path) as reader:
        turns = reader.format.rotation_degrees // 90
        frames = list(reader)
        assert {frame.size for frame in frames} == {(reader.format.width, reader.format.height)}
    return [turned(frame, turns).planes[0] for frame in frames]


@pytest.mark.parametrize("name", MATRICES)
def test_the_display_matrix_decides(name: str, tmp_path: Path, synthetic: ModuleType) -> None:
    path = synthetic.write_clip(tmp_path / "a.mp4", 3, size=(97, 64), codec="libx264",
                                pixel_format="yuv444p", options={"qp": "5"})  # fmt: skip
    right, down, shown = MATRICES[name]
    put_matrix(path, right, down)
    for number, picture in enumerate(as_shown(path)):
        assert psnr_db(picture, shown(synthetic.moving_frame(number, 97, 64))) > 40
    is_mirrored = name in ("hflip", "vflip", "transpose", "transverse")
    with VideoReader(path) as reader:
        assert any("mirrored" in note for note in reader.notes) is is_mirrored
        assert not (is_mirrored and reader.format.rotation_degrees)


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_decoded_file_is_shown_as_its_source(
    name: str, suffix: str, tmp_path: Path, synthetic: ModuleType
) -> None:
    path = synthetic.write_clip(tmp_path / "a.mp4", 2, aspect=Fraction(4, 3), options={"qp": "5"})
    right, down, shown = MATRICES[name]
    put_matrix(path, right, down)
    again = tmp_path / f"again{suffix}"
    with (
        VideoReader(path) as reader,
        VideoWriter(again, reader.format, options={"qp": "5"}) as writer,
    ):
        for frame in reader:
            writer.write(frame)
    for number, picture in enumerate(as_shown(again)):
        assert psnr_db(picture, shown(synthetic.moving_frame(number))) > 30
    with VideoReader(again) as reader:
        sides = "transpose", "transverse"
        assert reader.format.sample_aspect_ratio == Fraction(*((3, 4) if name in sides else (4, 3)))


@pytest.mark.parametrize("frame_format", ["rgb", "yuv420"])
def test_a_turn_of_half_a_quarter_is_rounded_and_said(
    frame_format: str, tmp_path: Path, synthetic: ModuleType
) -> None:
    path = synthetic.write_clip(tmp_path / "a.mp4", 2)
    put_matrix(path, (0.5, -0.866), (0.866, 0.5))
    with VideoReader(path, frame_format=frame_format) as reader:
        assert reader.format.rotation_degrees == 90
        assert (
            "its display matrix turns by no quarter turns; the nearest were taken" in reader.notes
        )


def test_a_matrix_of_zeros_says_nothing() -> None:
    assert orientation_of(np.zeros(9, np.int32)) == UPRIGHT


@pytest.mark.parametrize("scale", [0.25, 1, 7])
def test_a_matrix_that_scales_turns_all_the_same(scale: float) -> None:
    matrix = np.array([0, scale * ONE, 0, scale * ONE, 0, 0, 0, 0, 1 << 30]).astype(np.int32)
    assert orientation_of(matrix) == Orientation(mirrored=True, quarter_turns=1)


def test_turning_upside_down_without_left_and_right_keeps_every_sample() -> None:
    planes = to_yuv420(
        np.random.default_rng(1).integers(0, 256, (3, 6, 9)).astype(np.uint8), ColorSpec()
    )
    for plane, flipped in zip(planes, oriented(planes, Orientation(True, 2)), strict=True):
        assert np.array_equal(flipped, plane[::-1])


def test_the_case_that_was_upside_down() -> None:
    """The red corner is at the top right, where players show it; it was at the bottom right."""
    with VideoReader(DATA / "mirror_hflip.mp4") as reader:
        picture = next(reader).planes[0]
        assert reader.format.rotation_degrees == 0
    assert picture.shape == (3, 64, 96)
    corner = picture[:, 2:14, -14:-2]
    assert corner[0].min() > 200
    assert corner[1:].max() < 60


def test_the_crop_of_matroska_is_applied() -> None:
    with VideoReader(DATA / "crop.mkv") as reader:
        frames = list(reader)
        assert (reader.format.width, reader.format.height) == (96, 48)
        assert {frame.size for frame in frames} == {(96, 48)}
        assert (
            "by 0 on the left, 0 on the right, 8 at the top and 8 at the bottom" in reader.notes[0]
        )
    red = frames[0].planes[0][:, :6, :14]  # of the corner, 16 pixels large, 8 rows are left
    assert red[0].min() > 200
    assert red[1:].max() < 60


def put_crop(
    path: Path, size: tuple[int, int], shown: tuple[int, int], offset: tuple[float, float]
) -> None:
    """A `clap` box, in an MP4 file whose index is at its end: behind `avcC`, in the boxes around it."""
    data = bytearray(path.read_bytes())
    numbers = [shown[0], 1, shown[1], 1, round(2 * offset[0]), 2, round(2 * offset[1]), 2]
    box = struct.pack(">I4s8i", 40, b"clap", *numbers)
    at = data.index(b"avcC") - 4
    at += int.from_bytes(data[at : at + 4], "big")
    data[at:at] = box
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        place = data.index(name) - 4
        if name == b"avc1":
            place = data.index(name, data.index(b"stsd")) - 4
        size_now = int.from_bytes(data[place : place + 4], "big")
        data[place : place + 4] = (size_now + len(box)).to_bytes(4, "big")
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("left", "top", "width", "height"), [(8, 0, 80, 64), (4, 6, 60, 40), (3, 5, 71, 33)]
)
@pytest.mark.parametrize("frame_format", ["rgb", "yuv420"])
def test_the_crop_of_mp4_is_applied(
    left: int,
    top: int,
    width: int,
    height: int,
    frame_format: str,
    tmp_path: Path,
    synthetic: ModuleType,
) -> None:
    path = synthetic.write_clip(tmp_path / "a.mp4", 2, options={"qp": "5"})
    with VideoReader(path, frame_format=frame_format) as reader:
        whole = next(reader)
    put_crop(path, (96, 64), (width, height), (left + width / 2 - 48, top + height / 2 - 32))
    with VideoReader(path, frame_format=frame_format) as reader:
        frame = next(reader)
        assert frame.size == (reader.format.width, reader.format.height) == (width, height)
    for plane, wanted in zip(
        frame.planes, cropped(whole.planes, left, top, width, height), strict=True
    ):
        assert np.array_equal(plane, wanted)
    assert np.array_equal(
        frame.planes[0], whole.planes[0][..., top : top + height, left : left + width]
    )


def test_crop_and_mirror_go_together(tmp_path: Path, synthetic: ModuleType) -> None:
    path = synthetic.write_clip(tmp_path / "a.mp4", 1, options={"qp": "5"})
    with VideoReader(path) as reader:
        whole = next(reader).planes[0]
    put_crop(path, (96, 64), (40, 64), (-28, 0))
    put_matrix(path, *MATRICES["transpose"][:2])
    with VideoReader(path) as reader:
        assert np.array_equal(next(reader).planes[0], whole[:, :, :40].transpose(0, 2, 1))


def test_ycgco_is_converted_right() -> None:
    """Full range, 4:4:4: by H.273, R = Y - Cg + Co, G = Y + Cg, B = Y - Cg - Co."""
    with VideoReader(DATA / "ycgco.mp4") as reader:
        rgb = next(reader).planes[0]
        assert reader.format.color.matrix == 8
    import av

    with av.open(str(DATA / "ycgco.mp4")) as container:
        planes = next(container.decode(video=0)).to_ndarray().astype(int)
    y, cg, co = planes[0], planes[1] - 128, planes[2] - 128
    wanted = np.stack([y - cg + co, y + cg, y - cg - co]).clip(0, 255)
    assert np.abs(rgb - wanted).max() <= 1


@pytest.mark.parametrize("matrix", [10, 14])
def test_a_matrix_that_is_not_known_is_refused(
    matrix: int, tmp_path: Path, synthetic: ModuleType
) -> None:
    path = synthetic.write_clip(tmp_path / "a.mp4", 2, colors=(9, 16, matrix, 1))
    with pytest.raises(SourceError, match=rf"a\.mp4: colour matrix is {matrix} \(.*not converted"):
        VideoReader(path)


@pytest.mark.parametrize("is_interlaced", [False, True])
def test_fields_are_noted(is_interlaced: bool, tmp_path: Path, synthetic: ModuleType) -> None:
    options = {"flags": "+ildct+ilme", "x264-params": "tff=1"} if is_interlaced else {}
    path = synthetic.write_clip(tmp_path / "a.mp4", 3, options=options)
    with VideoReader(path) as reader:
        assert reader.interlaced is is_interlaced
        assert any("it is interlaced" in note for note in reader.notes) is is_interlaced
