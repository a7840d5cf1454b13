"""One picture to a stream of one I-frame and back, with models of many qualities and of one rate."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec.errors import (
    CorruptStreamError,
    FrameIndexError,
    OutputError,
    SourceError,
    UsageError,
)
from streamcodec.metrics import psnr_db
from streamcodec.types import VideoFormat
from streamcodec.video import read_picture, to_png

pytestmark = pytest.mark.usefixtures("tiny_models")


def picture(height: int = 40, width: int = 50) -> np.ndarray:
    rows, columns = np.indices((height, width))
    return np.stack([(rows * 3 + columns * k) % 256 for k in (1, 2, 4)]).astype(np.uint8)


Encode = Callable[..., tuple[bytes, streamcodec.ImageReport]]


@pytest.fixture
def encoded(tiny_models: dict[str, str]) -> Encode:
    """Encodes a picture with a tiny model, or with the settings that are given -> stream, report."""

    def encode(image: np.ndarray, **settings: object) -> tuple[bytes, streamcodec.ImageReport]:
        out = io.BytesIO()
        report = streamcodec.encode_image(image, out, **{"intra": tiny_models["intra"], **settings})  # type: ignore[arg-type]
        return out.getvalue(), report

    return encode


@pytest.fixture(scope="session")
def one_rate(tiny_weights: Path) -> str:
    """The path of a small mean-scale hyperprior."""
    return str(tiny_weights / "tiny-image.safetensors")


def test_file_and_array_become_the_same_stream(
    tmp_path: Path, encoded: Encode, tiny_models: dict[str, str]
) -> None:
    image, source = picture(), tmp_path / "a.png"
    source.write_bytes(to_png(image))
    report = streamcodec.encode_image(
        source, tmp_path / "a.ssf", intra=tiny_models["intra"], quality=50
    )
    data = (tmp_path / "a.ssf").read_bytes()
    for same in (image, torch.from_numpy(image)):
        assert encoded(same, quality=50)[0] == data
    assert (report.width, report.height, report.size_bytes, report.quality) == (
        50,
        40,
        len(data),
        50,
    )
    assert report.bpp == 8 * len(data) / 2000
    assert report.psnr_db > psnr_db(image, report.reconstruction)  # which has lost colour already
    assert report.notes == ("its RGB samples were converted to 4:2:0",)
    assert report.ms_ssim is None


@pytest.mark.parametrize("size", [(1, 1), (17, 33)])
def test_there_and_back(tmp_path: Path, size: tuple[int, int], encoded: Encode) -> None:
    data, report = encoded(picture(*size))
    pixels = streamcodec.decode_image(data, tmp_path / "a.png")
    assert np.array_equal(pixels, report.reconstruction)
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, pixels)
    out = io.BytesIO()
    streamcodec.decode_image(data, out)
    assert out.getvalue() == (tmp_path / "a.png").read_bytes()
    streamcodec.decode_image(data, tmp_path / "a.jpg", jpeg_quality=100)
    assert np.abs(read_picture(tmp_path / "a.jpg").pixels.astype(int) - pixels).mean() < 2


def test_it_is_an_ordinary_stream(encoded: Encode) -> None:
    data, report = encoded(picture())
    assert streamcodec.verify(data).exact_gops == 1
    with streamcodec.open(data) as video:
        assert len(video) == 1
        assert video.metadata.inter is None
        assert np.array_equal(video[0].array, report.reconstruction)


def test_quality_is_found_for_a_target(encoded: Encode) -> None:
    image = picture()
    wanted = encoded(image, quality=40)[1].psnr_db
    _, report = encoded(image, target_psnr_db=wanted)
    assert report.psnr_db >= wanted
    assert report.quality is not None
    assert encoded(image, quality=report.quality - 1)[1].psnr_db < wanted
    allowed = encoded(image, quality=20)[1].bpp
    _, small = encoded(image, target_bpp=allowed)
    assert small.bpp <= allowed
    assert small.search is not None
    assert small.search.found is not None
    assert small.search.found.size_bytes == small.size_bytes
    assert small.shortfall is None
    assert "out of reach" in str(encoded(image, target_psnr_db=99.0)[1].shortfall)


def test_ms_ssim_is_measured_where_it_can_be(encoded: Encode) -> None:
    value = encoded(picture(161, 170), measure_ms_ssim=True)[1].ms_ssim
    assert value is not None
    assert 0 < value < 1
    assert encoded(picture(160, 170), measure_ms_ssim=True)[1].ms_ssim is None


def test_model_of_one_rate(one_rate: str, encoded: Encode) -> None:
    data, report = encoded(picture(), intra=one_rate, quality=5)
    assert report.quality is None
    assert report.model == "tiny-image"
    assert report.psnr_db == psnr_db(picture(), report.reconstruction)
    assert report.notes == ()
    assert len(data) == len(encoded(picture(), intra=one_rate, quality=60)[0])
    assert np.array_equal(streamcodec.decode_image(data, intra=one_rate), report.reconstruction)
    for target in ({"target_psnr_db": 30.0}, {"target_bpp": 1.0}):
        with pytest.raises(UsageError, match="tiny-image has one rate only"):
            encoded(picture(), intra=one_rate, **target)


@pytest.mark.parametrize("inter", ["none", "tiny-flow"])
def test_model_of_one_rate_codes_the_i_frames_of_a_video(one_rate: str, inter: str) -> None:
    frames = [np.roll(picture(), 2 * shift, 2) for shift in range(3)]
    out = io.BytesIO()
    streamcodec.encode(frames, out, intra=one_rate, inter=inter, scenecut=0)
    report = streamcodec.verify(out.getvalue(), intra=one_rate)
    assert (report.ok, report.frames, report.inexact_gops) == (True, 3, ())
    with streamcodec.open(out.getvalue(), intra=one_rate) as video:
        assert [frame.type for frame in video] == (
            ["I"] * 3 if inter == "none" else ["I", "P", "P"]
        )


def test_stream_of_several_frames(tmp_path: Path, tiny_models: dict[str, str]) -> None:
    frames = [np.roll(picture(), shift, 1) for shift in range(3)]
    out = io.BytesIO()
    streamcodec.encode(frames, out, **tiny_models)
    with pytest.raises(
        UsageError, match=r"3 frames; accepted: one; .*--frame N.*streamcodec decode"
    ):
        streamcodec.decode_image(out.getvalue(), tmp_path / "a.png")
    video = streamcodec.open(out.getvalue())
    assert np.array_equal(streamcodec.decode_image(out.getvalue(), frame=-2), video[1].array)
    with pytest.raises(FrameIndexError, match="frame is 3"):
        streamcodec.decode_image(out.getvalue(), tmp_path / "a.png", frame=3)
    assert not list(tmp_path.iterdir())


def test_rotation_is_carried_out(tiny_models: dict[str, str]) -> None:
    options = streamcodec.EncodeOptions(intra=tiny_models["intra"], gop=1)
    encoder = streamcodec.Encoder(
        VideoFormat(50, 40, Fraction(1, 25), rotation_degrees=90), options
    )
    out = io.BytesIO()
    writer = streamcodec.container.Writer(out, encoder.header)
    for packet in encoder.push(picture()) + encoder.flush():
        writer.write(packet)
    writer.finish()
    shown = streamcodec.decode_image(out.getvalue()).astype(int)
    upright = np.rot90(encoder.reconstruction.array, 1, (1, 2))
    assert np.abs(shown - upright).mean() < 9  # its chroma is converted after the turn


def test_damaged_stream_leaves_nothing(tmp_path: Path, encoded: Encode) -> None:
    data, _ = encoded(picture())
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0xFF
    for broken in (data[: len(data) // 2], bytes(flipped), data[:-3]):
        with pytest.raises(CorruptStreamError):
            streamcodec.decode_image(broken, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_bad_arguments_fail(tmp_path: Path, encoded: Encode, tiny_models: dict[str, str]) -> None:
    image, out = picture(), tmp_path / "a.ssf"
    data, _ = encoded(image)
    for bad in (image.astype(np.float32), image[0], image[:2], image.transpose(1, 2, 0)):
        with pytest.raises(UsageError, match=r"frame"):
            streamcodec.encode_image(bad, out, intra=tiny_models["intra"])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="without alpha"):
        streamcodec.encode_image(image, out, intra=tiny_models["intra"], background="white")
    with pytest.raises(UsageError, match="lasts no time"):
        streamcodec.encode_image(
            image,
            out,
            options=streamcodec.EncodeOptions(
                intra=tiny_models["intra"], target_kbit_per_second=9.0
            ),
        )
    with pytest.raises(UsageError, match="the target"):
        encoded(image, quality=3, target_bpp=1.0)
    with pytest.raises(SourceError, match="is not a picture"):
        streamcodec.encode_image(b"hello", out, intra=tiny_models["intra"])
    with pytest.raises(UsageError, match=r"output is PNG; accepted: for .jpg"):
        streamcodec.decode_image(data, tmp_path / "a.png", jpeg_quality=50)
    with pytest.raises(UsageError, match="output is an array"):
        streamcodec.decode_image(data, jpeg_quality=50)
    with pytest.raises(OutputError, match=r"cannot write .*a.gif"):
        streamcodec.decode_image(data, tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())
    out.write_bytes(b"")
    with pytest.raises(OutputError, match="exists"):
        streamcodec.encode_image(image, out, intra=tiny_models["intra"])
