"""Frames are 4:2:0 inside: what comes as 8-bit planes is coded and given back as planes, and what does not is converted once."""

import io
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import streamcodec
from streamcodec.codec import Codec
from streamcodec.container import Crop
from streamcodec.types import ColorSpec, Planes, RawFrame, VideoFormat
from streamcodec.video import VideoReader, VideoWriter, to_rgb, to_yuv420
from support.streams import stream_of

VIDEO = VideoFormat(51, 38, time_base=Fraction(1, 25), frame_rate=Fraction(25))


def noise(number: int) -> Planes:
    random = np.random.default_rng(number)
    sizes = ((38, 51), (19, 26), (19, 26))
    return tuple(random.integers(0, 256, size).astype(np.uint8) for size in sizes)


def equal(a: Planes, b: Planes) -> bool:
    return all(np.array_equal(first, second) for first, second in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["v.y4m", "v.mkv"])
def test_samples_of_a_source_are_untouched(tmp_path: Path, name: str) -> None:
    codec = None if name.endswith("y4m") else "ffv1"
    with VideoWriter(tmp_path / name, VIDEO, frame_format="yuv420", codec=codec) as writer:
        for number in range(3):
            writer.write(RawFrame(noise(number), number, 1))
    with VideoReader(tmp_path / name, frame_format="yuv420") as reader:
        assert all(equal(frame.planes, noise(number)) for number, frame in enumerate(reader))
        assert reader.notes == ()


@pytest.mark.parametrize(
    ("pixel_format", "notes"),
    [
        ("yuv420p", ()),
        ("yuv422p", ("its 4:2:2 chroma was converted to 4:2:0",)),
        ("yuv444p", ("its 4:4:4 chroma was converted to 4:2:0",)),
        ("bgr0", ("its RGB samples were converted to 4:2:0",)),
        ("yuv420p10le", ("its 10-bit samples were rounded to 8 bits",)),
        ("gray", ()),
        (
            "bgra",
            (
                "its RGB samples were converted to 4:2:0",
                "its alpha channel is not kept (--background COLOUR lays it on a colour)",
            ),
        ),
    ],
)
def test_conversions_are_noted(
    synthetic: ModuleType,
    native_codec: Codec,
    tmp_path: Path,
    pixel_format: str,
    notes: tuple[str, ...],
) -> None:
    source = synthetic.write_clip(tmp_path / "v.mkv", 2, codec="ffv1", pixel_format=pixel_format)
    report = streamcodec.encode(source, io.BytesIO(), codec=native_codec)
    assert report.notes == notes


def coded(
    codec: Codec, frames: list[Planes], video: VideoFormat = VIDEO, **header: object
) -> bytes:
    encoder = streamcodec.Encoder(video, streamcodec.EncodeOptions(scenecut=0), codec=codec)
    pushed = (encoder.push(RawFrame(planes, n, 1)) for n, planes in enumerate(frames))
    packets = [*chain.from_iterable(pushed), *encoder.flush()]
    return stream_of(replace(encoder.header, **header), packets)


@pytest.mark.usefixtures("tiny_models")
def test_planes_of_a_stream_are_those_of_the_video_it_decodes_to(
    native_codec: Codec, tmp_path: Path
) -> None:
    data = coded(native_codec, [noise(number) for number in range(3)])
    streamcodec.decode(data, tmp_path / "v.y4m")
    with VideoReader(tmp_path / "v.y4m", frame_format="yuv420") as reader:
        pairs = zip(reader, streamcodec.open(data), strict=True)
        assert all(equal(raw.planes, frame.planes) for raw, frame in pairs)


@pytest.mark.usefixtures("tiny_models")
def test_three_views_of_a_frame_and_of_a_batch(native_codec: Codec) -> None:
    color = ColorSpec(matrix=1, full_range=True)
    frames = [noise(number) for number in range(4)]
    video = streamcodec.open(coded(native_codec, frames, replace(VIDEO, color=color)))
    batch = video[1:4]
    for row, frame in zip(batch, list(video)[1:], strict=True):
        y, u, v = frame.planes
        assert np.array_equal(frame.array, to_rgb((y, u, v), color))
        assert np.array_equal(frame.data.numpy(), frame.array)
        assert np.array_equal(row, frame.array)
    assert [plane.shape for plane in batch.planes] == [(3, 38, 51), (3, 19, 26), (3, 19, 26)]
    assert batch.data.shape == (3, 3, 38, 51)
    assert [plane.shape for plane in video[2:2].planes] == [(0, 38, 51), (0, 19, 26), (0, 19, 26)]


@pytest.mark.usefixtures("tiny_models")
@pytest.mark.parametrize(("top", "left"), [(0, 0), (2, 4), (3, 5)])
def test_crop(native_codec: Codec, top: int, left: int) -> None:
    """Of smooth pictures, RGB hardly changes where the crop begins within a sample of chroma."""
    rows, columns = np.indices((38, 51))
    rgb = np.stack([4 * rows, 3 * columns, 2 * rows + 2 * columns]).astype(np.uint8)
    planes = to_yuv420(rgb, ColorSpec())
    whole = next(iter(streamcodec.open(coded(native_codec, [planes]))))
    video = streamcodec.open(coded(native_codec, [planes], crop=Crop(left, top, 31, 21)))
    frame = next(iter(video))
    assert [plane.shape for plane in frame.planes] == [(21, 31), (11, 16), (11, 16)]
    wanted = whole.array[:, top : top + 21, left : left + 31].astype(int)
    assert np.abs(frame.array - wanted)[:, 2:-2, 2:-2].mean() < 2


def test_encoder_converts_what_its_models_do_not_code(
    native_codec: Codec, zoo_codec: Codec
) -> None:
    color = ColorSpec(matrix=1)
    video = replace(VIDEO, color=color)
    y, u, v = noise(1)
    rgb = to_rgb((y, u, v), color)
    for codec, given, same in (
        (native_codec, rgb, to_yuv420(rgb, color)),
        (zoo_codec, (y, u, v), (rgb,)),
    ):
        first, second = (streamcodec.Encoder(video, codec=codec) for _ in range(2))
        assert first.push(given)[-1].payload == second.push(same)[-1].payload
