"""Picture files <-> (3, H, W) uint8 RGB: the samples that are in the file, upright, with no detour through YUV where the file has RGB."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamcodec.arguments import check_text
from streamcodec.errors import OutputError, SourceError, UsageError
from streamcodec.files import STANDARD_STREAM, ByteSource, input_file
from streamcodec.types import MAX_PIXELS, MAX_SIDE, check_count
from streamcodec.video.color import Plane
from streamcodec.video.picture_header import PictureHeader, read_header, reader_of
from streamcodec.video.source import STREAM_START, reading, source_name

__all__ = ["DEFAULT_JPEG_QUALITY", "Picture", "parse_background", "picture_kind", "read_picture", "to_jpeg", "to_png"]

DEFAULT_JPEG_QUALITY = 95
READ_BYTES = 1 << 20  # at a time
COLOR_NAMES = {"white": "#ffffff", "black": "#000000"}
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

ROUNDED = "its 16-bit samples were rounded to 8 bits"
OPAQUE = "its alpha channel, opaque everywhere, is not kept"
FLATTENED = "it was flattened on the background: alpha is not kept"
ALPHA_IGNORED = "its transparency is not kept"

Samples = NDArray[Any]
"""(H, W) or (H, W, 3 or 4) uint8, uint16 or float, with blue first, as OpenCV has it."""


@dataclass(frozen=True, eq=False)
class Picture:
    """`pixels`: (3, H, W) uint8 RGB, upright. `notes`: what of the file was lost on the way, in words; empty = nothing."""

    pixels: Plane
    notes: tuple[str, ...] = ()


def read_picture(source: ByteSource, *, background: str | None = None, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a PNG, JPEG, WebP, BMP, TIFF or PNM file: a path, "-" (standard input), its bytes, or a binary file object.

    Grey and palettes become RGB, 16 bits are rounded to 8, EXIF's orientation is undone; profiles are ignored, of several pictures the
    first is taken. `background`: what transparent pixels lie on, "white", "black" or "#rrggbb"; None refuses pictures that have any.
    `max_pixels`: larger pictures are refused before they are decoded.

    Raises UsageError for a bad argument, SourceError if it cannot be opened, is no picture, damaged, too large, transparent or of floats.
    """
    shade = None if background is None else parse_background(background)
    check_count("largest picture", max_pixels, "pixels")
    name = _name(source)
    data = _bytes(source, name)
    header = read_header(data, name)
    _check_size(header, name, max_pixels)
    samples, rounded = _to_8_bits(_decode(data, name), name)
    samples, alpha_notes = _flatten(samples, header, shade, name)
    rgb = samples[:, :, ::-1] if samples.ndim == 3 else np.repeat(samples[:, :, None], 3, axis=2)
    pixels = np.ascontiguousarray(_upright(rgb, header.orientation).transpose(2, 0, 1))
    return Picture(pixels, header.notes + rounded + alpha_notes)


def to_png(rgb: Plane) -> bytes:
    """(3, H, W) uint8 -> a PNG file, 8-bit RGB, lossless. Raises OutputError if OpenCV cannot make it."""
    return _encode(".png", rgb, [])


def to_jpeg(rgb: Plane, quality: int = DEFAULT_JPEG_QUALITY) -> bytes:
    """(3, H, W) uint8 -> a JPEG file with colour at full resolution (4:4:4); `quality` 1..100. Raises UsageError, OutputError."""
    if check_count("JPEG quality", quality, "of 100") > 100:
        raise UsageError(f"JPEG quality is {quality}; accepted: 1..100")
    sampling = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return _encode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality, *sampling])


def picture_kind(name: str) -> str:
    """ "PNG" or "JPEG", by the suffix of a file to write; "-" is PNG. Raises OutputError for another."""
    kind = "PNG" if name == STANDARD_STREAM else SUFFIXES.get(PurePath(name).suffix.lower())
    if kind is None:
        raise OutputError(f"cannot write {name}; accepted: a .png (lossless), .jpg or .jpeg file, or - for PNG on standard output")
    return kind


def parse_background(text: str) -> tuple[int, int, int]:
    """(red, green, blue), 0..255, from "white", "black" or "#rrggbb". Raises UsageError for anything else."""
    found = re.fullmatch("#?([0-9a-f]{6})", COLOR_NAMES.get(check_text("background", text), text).lower())
    if found is None:
        raise UsageError(f"background is {text!r}; accepted: white, black or #rrggbb")
    red, green, blue = bytes.fromhex(found[1])
    return red, green, blue


def _encode(suffix: str, rgb: Plane, options: list[int]) -> bytes:
    done, data = cv2.imencode(suffix, cv2.merge([rgb[2], rgb[1], rgb[0]]), options)
    if not done:
        raise OutputError(f"OpenCV cannot make a {suffix} picture of {rgb.shape[2]}x{rgb.shape[1]} pixels")
    return bytes(data.tobytes())


def _name(source: ByteSource) -> str:
    return "the picture" if isinstance(source, (bytes, bytearray, memoryview)) else source_name(source)


def _bytes(source: ByteSource, name: str) -> bytes:
    """All of the file; of one that is no picture, which may be a long video, only the beginning is read."""
    with input_file(source) as file, reading(name):
        data = file.read(READ_BYTES)
        if not data:
            raise SourceError(f"{name} is empty")
        if data.startswith(STREAM_START):
            raise SourceError(f"{name} is an .ssf stream already; `streamcodec image decode` makes a picture of it")
        reader_of(data, name)
        return b"".join([data, *iter(lambda: file.read(READ_BYTES), b"")])


def _check_size(header: PictureHeader, name: str, max_pixels: int) -> None:
    width, height = header.width, header.height
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise SourceError(f"{name} is {width}x{height}; accepted: 1..{MAX_SIDE} on each side; scale it first")
    if width * height > max_pixels:
        raise SourceError(
            f"{name} is {width}x{height}, {width * height} pixels; accepted: up to {max_pixels} pixels; "
            "scale it, or allow more with --max-pixels (max_pixels=) if memory suffices"
        )


def _decode(data: bytes, name: str) -> Samples:
    with _silent():
        try:
            samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error as error:
            raise SourceError(f"cannot decode {name}: {error.err}") from error
    if samples is None:
        raise SourceError(f"cannot decode {name}: it is cut off, damaged, or of a variety that OpenCV does not know")
    return np.asarray(samples)


@contextmanager
def _silent() -> Iterator[None]:
    """OpenCV writes what it thinks of a file to standard error; the errors here say it."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _to_8_bits(samples: Samples, name: str) -> tuple[Samples, tuple[str, ...]]:
    if samples.dtype == np.uint8:
        return samples, ()
    if samples.dtype != np.uint16:
        raise SourceError(f"{name} has samples of type {samples.dtype}; accepted: 8 or 16 bits; map it to 8 bits first")
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8), (ROUNDED,)  # 65535 = 257 * 255


def _flatten(
    samples: Samples, header: PictureHeader, background: tuple[int, int, int] | None, name: str
) -> tuple[Samples, tuple[str, ...]]:
    """Without alpha: put on the background, if any of it can be seen through."""
    if samples.ndim == 2 or samples.shape[2] == 3:
        return samples, (ALPHA_IGNORED,) if header.has_alpha else ()
    colors, alpha = samples[:, :, :3], samples[:, :, 3:].astype(np.uint32)
    if alpha.min() == 255:
        return colors, (OPAQUE,)
    if background is None:
        raise SourceError(f"{name} has transparent pixels, which are not coded; put it on a colour with --background white (background=)")
    mixed = colors * alpha + np.array(background[::-1], np.uint32) * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8), (FLATTENED,)


def _upright(rgb: Samples, orientation: int) -> Samples:
    """(H, W, 3) turned and mirrored as EXIF's orientation (CIPA DC-008, section 4.6.4) asks."""
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    return rgb
