"""Small made-up videos for the tests: a moving texture over a gradient, written by PyAV directly and not by the code under test.

Tests get this module through the fixture `synthetic`.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def moving_frame(
    number: int, width: int = 96, height: int = 64, seed: int = 0
) -> NDArray[np.uint8]:
    """(3, H, W) uint8 RGB: a blurred texture that moves by 2 pixels right and 1 down from frame to frame, over a diagonal gradient."""
    rows, columns = np.indices((height, width))
    moved = _texture(seed)[:, (rows - number) % 256, (columns - 2 * number) % 256]
    slope = (rows / height + columns / width)[None] * np.array([60, 40, -50])[:, None, None]
    return np.clip(np.round(110 + slope + moved), 0, 255).astype(np.uint8)


@cache
def _texture(seed: int) -> NDArray[np.float64]:
    """(3, 256, 256), of mean 0 and standard deviation 20."""
    texture = np.random.default_rng(seed).integers(0, 256, (3, 256, 256)).astype(np.float32)
    texture = np.stack([_blurred(plane, 4) for plane in texture])
    texture = 20 * (texture - texture.mean()) / texture.std()
    texture.flags.writeable = False
    return texture


def _blurred(plane: NDArray[np.float32], sigma: float) -> NDArray[np.float64]:
    """By a Gaussian, around the edges."""
    frequency = np.fft.fftfreq(len(plane))
    decay = np.exp(-2 * (np.pi * sigma * frequency) ** 2)
    return np.fft.ifft2(np.fft.fft2(plane) * np.outer(decay, decay)).real


def moving_frames(
    count: int, width: int = 96, height: int = 64, seed: int = 0
) -> list[NDArray[np.uint8]]:
    """`count` frames as `moving_frame` gives them."""
    return [moving_frame(number, width, height, seed) for number in range(count)]


def write_clip(
    path: Path,
    frames: Sequence[NDArray[np.uint8]] | int = 12,
    *,
    size: tuple[int, int] = (96, 64),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    time_base: Fraction = Fraction(1, 90000),
    pts: Sequence[int] | None = None,
    rate: Fraction = Fraction(30),
    container: str | None = None,
    rotation: int = 0,
    aspect: Fraction | None = None,
    colors: tuple[int, int, int, int] = (2, 2, 2, 0),
    options: dict[str, str] | None = None,
    muxer_options: dict[str, str] | None = None,
) -> Path:
    """Write RGB frames, or this number of made-up ones, and return `path`. `colors`: primaries, transfer, matrix, range (AVColorRange)."""
    pictures = moving_frames(frames, *size) if isinstance(frames, int) else frames
    step = int(1 / rate / time_base)
    with av.open(str(path), "w", format=container, container_options=muxer_options or {}) as output:
        stream = output.add_stream(codec, rate=rate, options=options or {})
        context = stream.codec_context
        stream.height, stream.width = pictures[0].shape[1:]
        stream.pix_fmt, stream.time_base, context.time_base = pixel_format, time_base, time_base
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = colors
        if rotation:
            stream.set_display_rotation(rotation)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(picture.transpose(1, 2, 0)), "rgb24"
            ).reformat(format=pixel_format)
            frame.pts, frame.time_base = number * step if pts is None else pts[number], time_base
            frame.colorspace, frame.color_range = colors[2], colors[3]
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def write_long_clip(path: Path, count: int = 1000) -> Path:
    """320x240; the same 20 frames again and again. Coding it takes much longer than writing it."""
    frames = islice(cycle(moving_frames(20, 320, 240)), count)
    return write_clip(path, list(frames), options={"preset": "ultrafast"})


def write_sound(path: Path) -> Path:
    """A file with an audio stream only."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path
