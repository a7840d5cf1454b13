"""Transparency of videos, and colour that changes on the way."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import streamcodec
from streamcodec.cli import run
from streamcodec.errors import UsageError
from streamcodec.parts import VideoPlan, encode_part, plan_video
from streamcodec.types import ColorSpec
from streamcodec.video import VideoReader
from streamcodec.video.pixels import FrameLoader

RED, CLEAR = (255, 0, 0, 255), (0, 0, 255, 0)


def halves() -> NDArray[np.uint8]:
    """(32, 48, 4) RGBA: the left half red, the right one clear (and blue below)."""
    picture = np.empty((32, 48, 4), np.uint8)
    picture[:, :24], picture[:, 24:] = RED, CLEAR
    return picture


def write(path: Path, codec: str, pixel_format: str, container: str | None = None) -> Path:
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, pixel_format
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(halves(), "rgba").reformat(format=pixel_format)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def write_gif(path: Path) -> Path:
    pictures = [Image.fromarray(halves()) for _ in range(3)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40, disposal=2)
    return path


def sources(folder: Path) -> Sequence[Path]:
    return [
        write(folder / "rgba.mov", "png", "rgba"),
        write(folder / "a.mkv", "ffv1", "yuva420p"),
        write(folder / "b.mkv", "ffv1", "yuva444p"),
        write(folder / "c.mov", "qtrle", "argb"),
        write(folder / "d.mov", "prores_ks", "yuva444p10le"),
        write(folder / "e.apng", "apng", "rgba", "apng"),
        write_gif(folder / "f.gif"),
    ]


@pytest.mark.parametrize("frame_format", ["rgb", "yuv420"])
def test_transparent_pixels_lie_on_the_background(tmp_path: Path, frame_format: str) -> None:
    for path in sources(tmp_path):
        for name, shade in (("white", (255, 255, 255)), ("#00ff00", (0, 255, 0))):
            with VideoReader(path, background=name) as reader:
                notes = reader.notes
                for frame in reader:
                    rgb = frame.planes[0].astype(int)
                    assert np.abs(rgb[:, 8, 8] - RED[:3]).max() <= 12, path
                    assert np.abs(rgb[:, 8, 40] - shade).max() <= 12, path
            assert any("laid on the background" in note for note in notes), path
        with VideoReader(path, frame_format=frame_format) as reader:  # type: ignore[arg-type]
            assert len(list(reader)) in (1, 3)  # a GIF of equal pictures has one
            assert any("its alpha channel is not kept" in note for note in reader.notes), path


def test_backgrounds_of_videos(
    tiny_models: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "a.mkv", "ffv1", "yuva420p")
    out = str(tmp_path / "a.ssf")
    models = ["--intra", "tiny-intra", "--inter", "tiny-inter"]
    assert run(["encode", str(source), out, *models]) == 0
    assert "its alpha channel is not kept (--background" in capsys.readouterr().err
    assert (
        run(["encode", str(source), out, *models, "-y", "-q", "63", "--background", "white"]) == 0
    )
    assert "it was laid on the background" in capsys.readouterr().err
    assert streamcodec.open(out)[0].array[:, 8, 40].min() > 200
    assert run(["encode", str(source), out, *models, "-y", "--background", "sky"]) == 2
    assert "accepted: white, black or #rrggbb" in capsys.readouterr().err
    with pytest.raises(UsageError, match="background is 5"):
        streamcodec.encode(source, tmp_path / "b.ssf", background=5, **tiny_models)  # type: ignore[arg-type]
    plan = plan_video(source, background="black", **tiny_models)
    assert VideoPlan.from_json(plan.to_json()) == plan
    report = encode_part(source, plan, range(1), tmp_path / "part")
    assert report.frames == 3
    streamcodec.search(source, qualities=[20], background="black", **tiny_models)


def frame_of(rgb: tuple[int, int, int], matrix: int, full: bool) -> av.VideoFrame:
    from streamcodec.video.color import to_yuv420

    picture = np.empty((3, 32, 48), np.uint8)
    picture[:] = np.array(rgb)[:, None, None]
    planes = to_yuv420(picture, ColorSpec(matrix=matrix, full_range=full))
    frame = av.VideoFrame.from_ndarray(
        np.concatenate([plane.ravel() for plane in planes]).reshape(48, 48), "yuv420p"
    )
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    return frame


@pytest.mark.parametrize("frame_format", ["rgb", "yuv420"])
@pytest.mark.parametrize(("matrix", "full"), [(5, False), (1, True), (9, False), (9, True)])
def test_colours_that_change_are_converted(frame_format: str, matrix: int, full: bool) -> None:
    """As a broadcast does that goes from one programme to the next."""
    color = ColorSpec(matrix=1)
    loader = FrameLoader(frame_format, color)  # type: ignore[arg-type]
    first = loader.load(frame_of((200, 60, 30), 1, False))
    assert loader.notes == ()
    second = loader.load(frame_of((200, 60, 30), matrix, full))
    for one, other in zip(first, second, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 3
    assert loader.notes == (
        "its colour matrix or range changes after 1 frame: those are converted to that of the first",
    )
    third = loader.load(frame_of((200, 60, 30), 1, False))
    assert all(np.array_equal(*pair) for pair in zip(first, third, strict=True))
