"""What a picture file says of itself before its samples are decoded: kind, size, orientation, and what of it is not kept.

Headers are read here, not by OpenCV, so that a size can be refused before it is allocated, a file that is cut off is refused rather than
filled up with grey, and pictures stand upright whatever the version of OpenCV. Sources: PNG (W3C, third edition), JPEG (ITU-T T.81,
annex B), EXIF (CIPA DC-008), WebP (RFC 9649), TIFF 6.0, Netpbm.
"""

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from streamcodec.errors import SourceError

__all__ = ["KINDS", "PICTURE_SUFFIXES", "PictureHeader", "read_header", "reader_of"]

KINDS = "PNG, JPEG, WebP, BMP, TIFF or PNM"
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pnm")

WIDTH, HEIGHT, ORIENTATION, EXTRA_SAMPLES, ICC_PROFILE = 256, 257, 274, 338, 34675  # tags of TIFF and EXIF
INTEGERS = {3: "H", 4: "I"}  # TIFF's types SHORT and LONG
JPEG_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # not stuffing, not filling, not a restart
JPEG_END, JPEG_EXIF, JPEG_ICC, JPEG_TEM = 0xD9, 0xE1, 0xE2, 0x01
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
CMYK_COMPONENTS = 4
PNM_SIZE = re.compile(rb"P[1-6]" + 2 * rb"(?:\s|#[^\n]*\n)+(\d{1,9})(?!\d)")

PROFILE = "its colour profile is not kept: samples are taken as they are"
CMYK = "its CMYK samples were converted to RGB without a profile"
SEVERAL = "it holds several pictures: the first was taken"


@dataclass(frozen=True)
class PictureHeader:
    """`width`, `height`: in pixels, as stored. `orientation`: EXIF's 1..8, to be undone after decoding with OpenCV's IMREAD_UNCHANGED.

    `has_alpha`: whether the file says that something is transparent (PNG, TIFF). `notes`: what of the file is lost, in words.
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    has_alpha: bool = False
    notes: tuple[str, ...] = ()


class _DamageError(Exception):
    """What is wrong with the file."""


def read_header(data: bytes, name: str) -> PictureHeader:
    """Of a whole file; `name` is for messages. Raises SourceError if it is no picture, or one that is cut off or damaged."""
    read = reader_of(data, name)
    try:
        return read(data)
    except (struct.error, IndexError, KeyError) as error:
        raise SourceError(f"{name} is cut off or damaged: what it should hold is not all there") from error
    except _DamageError as damage:
        raise SourceError(f"{name} is damaged: {damage}") from damage


def reader_of(data: bytes, name: str) -> "Reader":
    """What reads the header of a file that begins like this. Raises SourceError if it is no picture of a known kind."""
    for magic, read in READERS.items():
        if re.match(magic, data, re.DOTALL):
            return read
    raise SourceError(
        f"{name} is no picture that can be read; accepted: {KINDS}; convert other pictures to PNG, and take `streamcodec encode` for videos"
    )


def _png(data: bytes) -> PictureHeader:
    chunks: dict[bytes, bytes] = {}
    at = 8
    while b"IEND" not in chunks:
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + size)
        if kind[:1].isupper() and zlib.crc32(kind + body) != checksum:
            raise _DamageError(f"the checksum of a chunk {kind.decode('latin-1')!r} is wrong")
        chunks.setdefault(kind, body)
        at += 12 + size
    width, height, _, colors = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    return PictureHeader(
        "PNG",
        width,
        height,
        _exif_orientation(chunks.get(b"eXIf", b"")),
        has_alpha=colors in (4, 6) or b"tRNS" in chunks,
        notes=_notes(profile=b"iCCP" in chunks, several=b"acTL" in chunks),
    )


def _jpeg(data: bytes) -> PictureHeader:
    size, exif, components, profile = (0, 0), b"", 0, False
    at = 2
    while True:
        found = JPEG_MARKER.search(data, at)
        if found is None:
            raise _DamageError("it is cut off: its end marker is missing")
        marker, at = found[1][0], found.end()
        if marker == JPEG_END:
            break
        if marker == JPEG_TEM:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        segment = data[at + 2 : at + length]
        if marker in JPEG_FRAMES and not components:
            _, height, width, components = struct.unpack_from(">BHHB", segment)
            size = (width, height)
        elif marker == JPEG_EXIF and segment.startswith(b"Exif\0\0"):
            exif = exif or segment
        profile |= marker == JPEG_ICC and segment.startswith(b"ICC_PROFILE\0")
        at += length
    return PictureHeader("JPEG", *size, _exif_orientation(exif), notes=_notes(profile=profile, cmyk=components == CMYK_COMPONENTS))


def _webp(data: bytes) -> PictureHeader:
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data):
        raise _DamageError("it is cut off")
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= size + 8:
        kind, length = struct.unpack_from("<4sI", data, at)
        chunks.setdefault(kind, data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    notes = _notes(profile=b"ICCP" in chunks, several=b"ANIM" in chunks)
    return PictureHeader("WebP", *_webp_size(chunks), _exif_orientation(chunks.get(b"EXIF", b"")), notes=notes)


def _webp_size(chunks: Mapping[bytes, bytes]) -> tuple[int, int]:
    """By the first chunk, which is that of the picture or, of an extended file, of the canvas."""
    kind, body = next(iter(chunks.items()), (b"", b""))
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind != b"VP8 ":
        raise _DamageError(f"its first chunk is {kind.decode('latin-1')!r}")
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def _bmp(data: bytes) -> PictureHeader:
    (header_size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header_size == 12 else "<ii", data, 18)
    return PictureHeader("BMP", width, abs(height))  # below zero: stored from the top


def _tiff(data: bytes) -> PictureHeader:
    tags, several = _tiff_tags(data)
    notes = _notes(profile=ICC_PROFILE in tags, several=several)
    return PictureHeader("TIFF", tags[WIDTH], tags[HEIGHT], has_alpha=EXTRA_SAMPLES in tags, notes=notes)  # OpenCV turns these itself


def _pnm(data: bytes) -> PictureHeader:
    found = PNM_SIZE.match(data)
    if found is None:
        raise _DamageError("its size is missing")
    return PictureHeader("PNM", int(found[1]), int(found[2]))


Reader = Callable[[bytes], PictureHeader]

READERS: dict[bytes, Reader] = {
    rb"\x89PNG\r\n\x1a\n": _png,
    rb"\xff\xd8\xff": _jpeg,
    rb"RIFF....WEBP": _webp,
    rb"BM": _bmp,
    rb"II\*\x00|MM\x00\*": _tiff,
    rb"P[1-6]\s": _pnm,
}
"""How a file begins -> what reads its header."""


def _exif_orientation(exif: bytes) -> int:
    """1..8; 1, upright, if there is none or the EXIF data are damaged."""
    with suppress(struct.error):
        orientation = _tiff_tags(exif.removeprefix(b"Exif\0\0"))[0].get(ORIENTATION, 1)
        return orientation if 1 <= orientation <= 8 else 1
    return 1


def _tiff_tags(data: bytes) -> tuple[dict[int, int], bool]:
    """The tags of the first directory with the first value of those that are integers (0 of others), and whether another follows."""
    order = ">" if data.startswith(b"MM") else "<"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    tags: dict[int, int] = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        value = struct.unpack_from(order + INTEGERS[kind], data, entry + 8)[0] if kind in INTEGERS else 0
        tags.setdefault(tag, value)  # decoders take the first too: what is checked here must be what they allocate
    (following,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    return tags, following != 0


def _notes(*, profile: bool = False, cmyk: bool = False, several: bool = False) -> tuple[str, ...]:
    return tuple(text for text, applies in ((PROFILE, profile), (CMYK, cmyk), (SEVERAL, several)) if applies)
