"""Picture files <-> (3, H, W) uint8 RGB: the samples that are in the file, upright."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePath
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from streamcodec.checks import check_count
from streamcodec.errors import OutputError, SourceError, UsageError
from streamcodec.files import STANDARD_STREAM, ByteSource, input_file
from streamcodec.types import MAX_PIXELS, MAX_SIDE
from streamcodec.video.alpha import laid_on, parse_background
from streamcodec.video.color import Plane
from streamcodec.video.source import STREAM_START, reading, source_name

__all__ = [
    "DEFAULT_JPEG_QUALITY",
    "PICTURE_SUFFIXES",
    "Picture",
    "picture_kind",
    "read_picture",
    "to_jpeg",
    "to_png",
]

DEFAULT_JPEG_QUALITY = 95
PNG_LEVEL = 1  # of 9: twice as fast as the usual 6, for 3 % more bytes
READ_BYTES = 1 << 20  # at a time
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
PICTURE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".bmp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".pnm",
)

PLUGINS = (
    BmpImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
"""What of Pillow is used: each registers itself in Image.OPEN as it is imported."""
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM")
START_BYTES = 16  # by which Pillow knows a kind
KINDS = "PNG, JPEG, WebP, BMP, TIFF or PNM"

PHOTOMETRIC, PLANAR, SAMPLE_FORMAT = 262, 284, 339  # tags of TIFF 6.0
WHITE_IS_ZERO, IN_PLANES, SIGNED = 0, 2, 2

ORIENTATION = 274  # tag of EXIF
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")
ROUNDED = "its 16-bit samples were rounded to 8 bits"
CUT = "its 16-bit samples were cut to 8 bits"
OPAQUE = "its alpha channel, opaque everywhere, is not kept"
FLATTENED = "it was flattened on the background: alpha is not kept"
PROFILE = "its colour profile is not kept: samples are taken as they are"
CMYK = "its CMYK samples were converted to RGB without a profile"
SEVERAL = "it holds several pictures: the first was taken"

LIBTIFF = Lock()  # whoever holds it decides what READ_LIBTIFF is
Samples = NDArray[np.uint8]
"""(H, W, 3) RGB or (H, W, 4) RGBA."""


@dataclass(frozen=True, eq=False)
class Picture:
    """`pixels`: (3, H, W) uint8 RGB, upright. `notes`: what of the file was lost, in words; empty = nothing."""

    pixels: Plane
    notes: tuple[str, ...] = ()


def read_picture(
    source: ByteSource, *, background: str | None = None, max_pixels: int = MAX_PIXELS
) -> Picture:
    """Read a PNG, JPEG, WebP, BMP, TIFF or PNM file: a path, "-" (standard input), its bytes, or a file object.

    Grey and palettes become RGB, 16 bits are reduced to 8, EXIF's orientation is undone; profiles are
    ignored, of several pictures the first is taken. `background`: what transparent pixels lie on, "white",
    "black" or "#rrggbb"; None refuses pictures that have any. `max_pixels`: larger pictures are refused
    before they are decoded.

    Raises UsageError for a bad argument, SourceError if it cannot be opened, is not a picture, damaged, too
    large, transparent or of floats.
    """
    shade = None if background is None else parse_background(background)
    check_count("largest picture", max_pixels, "pixels")
    name = _name(source)
    data = _bytes(source, name)
    with _decoding(name):
        image = _open(data, _kind_of(data, name))
        _check_size(image.size, name, max_pixels)
        _check_samples(image, name)
        notes = _notes(image)
        if isinstance(image, PngImagePlugin.PngImageFile):
            PngImagePlugin.PngImageFile(
                io.BytesIO(data)
            ).verify()  # the checksums, which load skips
        image.load()
        samples, depth_notes = _samples(image, name)
        samples, alpha_notes = _flatten(samples, shade, name)
        pixels = np.ascontiguousarray(_upright(samples, image).transpose(2, 0, 1))
    return Picture(pixels, (*notes, *depth_notes, *alpha_notes))


def to_png(rgb: Plane) -> bytes:
    """(3, H, W) uint8 -> a PNG file, 8-bit RGB, lossless."""
    return _encode(rgb, "PNG", compress_level=PNG_LEVEL)


def to_jpeg(rgb: Plane, quality: int = DEFAULT_JPEG_QUALITY) -> bytes:
    """(3, H, W) uint8 -> a JPEG file with colour at full resolution (4:4:4); `quality` 1..100.

    Raises UsageError for another quality, OutputError for a picture that is too large.
    """
    if check_count("JPEG quality", quality, "of 100") > 100:
        raise UsageError(f"JPEG quality is {quality}; accepted: 1..100")
    return _encode(rgb, "JPEG", quality=quality, subsampling=0)


def picture_kind(name: str) -> str:
    """ "PNG" or "JPEG", by the suffix of a file to write; "-" is PNG. Raises OutputError for another."""
    kind = "PNG" if name == STANDARD_STREAM else SUFFIXES.get(PurePath(name).suffix.lower())
    if kind is None:
        raise OutputError(
            f"cannot write {name}; accepted: a .png (lossless), .jpg or .jpeg file, or - for PNG on standard output"
        )
    return kind


def _encode(rgb: Plane, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    try:
        Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 2, 0))).save(file, kind, **options)
    except (OSError, ValueError) as error:
        size = f"{rgb.shape[2]}x{rgb.shape[1]}"
        raise OutputError(f"cannot make a {kind} picture of {size} pixels: {error}") from error
    return file.getvalue()


def _name(source: ByteSource) -> str:
    return (
        "the picture" if isinstance(source, (bytes, bytearray, memoryview)) else source_name(source)
    )


def _bytes(source: ByteSource, name: str) -> bytes:
    """All of the file; of one that is not a picture, which may be a long video, only the beginning is read."""
    with input_file(source) as file, reading(name):
        data = file.read(READ_BYTES)
        if not data:
            raise SourceError(f"{name} is empty")
        if data.startswith(STREAM_START):
            raise SourceError(
                f"{name} is an .ssf stream already; `streamcodec image decode` makes a picture of it"
            )
        _kind_of(data, name)
        return b"".join([data, *iter(lambda: file.read(READ_BYTES), b"")])


def _kind_of(data: bytes, name: str) -> str:
    """The name of the kind in Pillow's registry."""
    for kind in FORMATS:
        accept = Image.OPEN[kind][1]
        if accept is not None and accept(data[:START_BYTES]) is True:
            return kind
    raise SourceError(
        f"{name} is not a picture that can be read; accepted: {KINDS}; convert other pictures to PNG; for videos "
        "use `streamcodec encode`"
    )


def _open(data: bytes, kind: str) -> ImageFile:
    """The picture, its header read. Image.open would refuse a size before we are asked whether it is allowed.

    Of TIFF's uncompressed samples in planes Pillow's own decoder takes 16 bits for 8; libtiff, its other one, does not.
    """
    with LIBTIFF:
        before = TiffImagePlugin.READ_LIBTIFF
        TiffImagePlugin.READ_LIBTIFF = True
        try:
            image = Image.OPEN[kind][0](io.BytesIO(data), "")
        finally:
            TiffImagePlugin.READ_LIBTIFF = before
    assert isinstance(image, ImageFile)
    return image


def _check_samples(image: ImageFile, name: str) -> None:
    """Refuse what Pillow reads wrong."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    formats = image.tag_v2.get(SAMPLE_FORMAT, ())
    if SIGNED in (formats if isinstance(formats, tuple) else (formats,)):
        raise SourceError(f"{name} has samples with a sign; accepted: from 0 on; map it first")
    if image.mode == "LA" and image.tag_v2.get(PLANAR) == IN_PLANES:
        raise SourceError(
            f"{name} has grey and alpha in planes of their own; accepted: side by side; convert it to PNG"
        )


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Pillow warns of what is odd in a file, and fails in any way where it is damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (SourceError, UsageError):
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise SourceError(
            f"cannot decode {name}: it is cut off, damaged, or of a rare kind ({reason})"
        ) from error


def _check_size(size: tuple[int, int], name: str, max_pixels: int) -> None:
    width, height = size
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise SourceError(
            f"{name} is {width}x{height}; accepted: 1..{MAX_SIDE} on each side; scale it first"
        )
    if width * height > max_pixels:
        raise SourceError(
            f"{name} is {width}x{height}, {width * height} pixels; accepted: up to {max_pixels} pixels; "
            "scale it, or allow more with --max-pixels (max_pixels=) if memory suffices"
        )


def _notes(image: ImageFile) -> tuple[str, ...]:
    found = {
        PROFILE: "icc_profile" in image.info,
        CMYK: image.mode == "CMYK",
        CUT: _is_cut(image),
        SEVERAL: getattr(image, "n_frames", 1) > 1,
    }
    return tuple(note for note, applies in found.items() if applies)


def _samples(image: ImageFile, name: str) -> tuple[Samples, tuple[str, ...]]:
    if image.mode == "F":
        raise SourceError(
            f"{name} has samples of floats; accepted: 8 or 16 bits; map it to 8 bits first"
        )
    if image.mode in DEEP_MODES:
        deep = np.asarray(image).astype(np.int64)
        if deep.min() < 0 or deep.max() > 0xFFFF:
            raise SourceError(f"{name} has samples of 32 bits; accepted: 8 or 16 bits")
        if _white_is_zero(image):
            deep = 0xFFFF - deep
        grey = ((deep + 128) // 257).astype(np.uint8)  # 65535 = 257 * 255
        return np.repeat(grey[:, :, None], 3, axis=2), (ROUNDED,)
    has_alpha = image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info
    return np.asarray(image.convert("RGBA" if has_alpha else "RGB")), ()


def _white_is_zero(image: ImageFile) -> bool:
    """Whether a TIFF counts from white: Pillow turns 8 bits over, not 16."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    return bool(image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO)


def _is_cut(image: ImageFile) -> bool:
    """Whether Pillow will take the upper halves of 16-bit samples, as it does of colours."""
    if image.mode in DEEP_MODES:
        return False
    if isinstance(image, PpmImagePlugin.PpmImageFile):
        return any(isinstance(tile.args, tuple) and tile.args[-1] > 255 for tile in image.tile)
    return ";16" in str([tile.args for tile in image.tile])


def _flatten(
    samples: Samples, background: tuple[int, int, int] | None, name: str
) -> tuple[Samples, tuple[str, ...]]:
    """Without alpha: put on the background, if any of it can be seen through."""
    if samples.shape[2] == 3:
        return samples, ()
    colors, alpha = samples[:, :, :3], samples[:, :, 3]
    if alpha.min() == 255:
        return colors, (OPAQUE,)
    if background is None:
        raise SourceError(
            f"{name} has transparent pixels, which are not coded; put it on a colour with --background white (background=)"
        )
    mixed = laid_on(background, colors.transpose(2, 0, 1), alpha)
    return mixed.transpose(1, 2, 0), (FLATTENED,)


def _upright(samples: Samples, image: ImageFile) -> Samples:
    """Turned and mirrored as EXIF's orientation (CIPA DC-008, section 4.6.4) asks; Pillow has turned TIFF."""
    orientation = 1
    with suppress(Exception):  # damaged EXIF data ask for nothing
        orientation = image.getexif().get(ORIENTATION, 1)
    if orientation in (5, 6, 7, 8):
        samples = samples.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return samples
