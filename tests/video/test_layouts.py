"""TIFF in every layout and BMP in every age: the samples of the file, or a refusal; never other samples."""

import struct
import zlib
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streamcodec.errors import SourceError
from streamcodec.video import read_picture

Numbers = NDArray[Any]
PLANAR16 = Path(__file__).parents[1] / "data" / "planar16.tif"
HEIGHT, WIDTH = 13, 19
WHITE, BLACK, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6  # photometric interpretation
CHUNKS = ({}, {"strip": 5}, {"tile": 16})


def noise(bits: int, channels: int) -> Numbers:
    numbers = np.random.default_rng(bits + channels).integers(
        0, 1 << bits, (HEIGHT, WIDTH, channels)
    )
    assert isinstance(numbers, np.ndarray)
    return numbers


def packed(samples: Numbers, bits: int, order: str) -> bytes:
    """(rows, numbers) -> bytes, each row from a new byte on."""
    if bits >= 8:
        return samples.astype(f"{order}u{bits // 8}").tobytes()
    digits = (samples[..., None] >> np.arange(bits)[::-1]) & 1
    return np.packbits(digits.reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()


def chunks(plane: Numbers, strip: int, tile: int) -> list[Numbers]:
    if tile:
        spare = [(0, -side % tile) for side in plane.shape[:2]]
        padded = np.pad(plane, [*spare, (0, 0)])
        return [
            padded[top : top + tile, left : left + tile]
            for top in range(0, padded.shape[0], tile)
            for left in range(0, padded.shape[1], tile)
        ]
    return [plane[top : top + strip] for top in range(0, len(plane), strip)]


def tiff(
    samples: Numbers,
    bits: int,
    photometric: int,
    *,
    planar: bool = False,
    order: str = "<",
    strip: int = HEIGHT,
    tile: int = 0,
    compressed: bool = False,
    tags: dict[int, list[int]] | None = None,
) -> bytes:
    """(H, W, channels) -> a TIFF file. `tags`: more of them, of 16 bits."""
    count = samples.shape[2]
    planes = np.split(samples, count, axis=2) if planar else [samples]
    blocks = [block for plane in planes for block in chunks(plane, strip, tile)]
    data = [packed(block.reshape(len(block), -1), bits, order) for block in blocks]
    data = [zlib.compress(each) for each in data] if compressed else data
    offsets = [int(offset) for offset in 8 + np.cumsum([0, *map(len, data)])[:-1]]
    place, size = (324, 325) if tile else (273, 279)
    longs = {256: [WIDTH], 257: [HEIGHT], place: offsets, size: [len(each) for each in data]}
    longs |= {322: [tile], 323: [tile]} if tile else {278: [strip]}
    shorts = {258: [bits] * count, 259: [8 if compressed else 1], 262: [photometric]}
    shorts |= {277: [count], 284: [2 if planar else 1], **(tags or {})}
    fields = {tag: (4, "I", values) for tag, values in longs.items()}
    fields |= {tag: (3, "H", values) for tag, values in shorts.items()}
    body = b"".join(data) + b"\0" * (sum(map(len, data)) % 2)
    behind = 8 + len(body) + 2 + 12 * len(fields) + 4
    entries = extra = b""
    for tag, (kind, letter, values) in sorted(fields.items()):
        value = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(value) > 4:
            where = struct.pack(f"{order}I", behind + len(extra))
            extra += value + b"\0" * (len(value) % 2)
            value = where
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    magic = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, 8 + len(body))
    directory = struct.pack(f"{order}H", len(fields)) + entries + bytes(4)
    return magic + body + directory + extra


LAYOUTS: list[dict[str, Any]] = [
    {"planar": planar, "order": order, "compressed": compressed, **chunk}
    for planar, order, compressed, chunk in product((0, 1), "<>", (0, 1), CHUNKS)
]


def check(data: bytes, expected: Numbers, what: object = "", *, tolerance: float = 1.0) -> None:
    """`expected`: (H, W, 3), 0..255. `what`: what is looked at, said where it fails."""
    pixels = read_picture(data).pixels.transpose(1, 2, 0).astype(float)
    assert np.abs(pixels - expected).max() <= tolerance, what


def test_planar_tiff_of_16_bits_is_read() -> None:
    data = PLANAR16.read_bytes()
    planes = np.frombuffer(data, "<u2", count=3 * 48 * 64, offset=8).reshape(3, 48, 64)
    assert np.abs(read_picture(PLANAR16).pixels - planes / 257).max() <= 1


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_grey_tiff(bits: int) -> None:
    samples = noise(bits, 1)
    share = np.repeat(samples / ((1 << bits) - 1), 3, axis=2)
    for layout in LAYOUTS:
        check(tiff(samples, bits, BLACK, **layout), 255 * share, layout)
        if bits == 16 and layout["order"] == ">":  # not known to Pillow
            with pytest.raises(SourceError):
                read_picture(tiff(samples, bits, WHITE, **layout))
        else:
            check(tiff(samples, bits, WHITE, **layout), 255 - 255 * share, layout)


@pytest.mark.parametrize("bits", [8, 16])
def test_colours_of_tiff(bits: int) -> None:
    most = (1 << bits) - 1
    samples = noise(bits, 4)
    opaque = samples.copy()
    opaque[:, :, 3] = most
    colours, ink = 255 * samples[:, :, :3] / most, 1 - samples / most
    for layout in LAYOUTS:
        check(tiff(samples[:, :, :3], bits, RGB, **layout), colours, layout)
        check(tiff(samples, bits, RGB, tags={338: [0]}, **layout), colours, layout)
        printed = 255 * ink[:, :, :3] * ink[:, :, 3:]
        check(tiff(samples, bits, CMYK, **layout), printed, layout, tolerance=2)
        for alpha in (1, 2):
            check(tiff(opaque, bits, RGB, tags={338: [alpha]}, **layout), colours, layout)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_tiff(bits: int) -> None:
    samples = noise(bits, 1)
    colors = np.random.default_rng(5).integers(0, 1 << 16, (3, 1 << bits))
    tags = {320: colors.ravel().tolist()}
    expected = colors[:, samples[:, :, 0]].transpose(1, 2, 0) / 257
    for layout in LAYOUTS:
        check(tiff(samples, bits, PALETTE, tags=tags, **layout), expected, layout)


def test_ycbcr_of_tiff() -> None:
    samples = noise(8, 3) // 4 + 96  # not out of range
    y, cb, cr = (samples[:, :, channel].astype(float) for channel in range(3))
    red, blue = y + 1.402 * (cr - 128), y + 1.772 * (cb - 128)
    green = y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128)
    expected = np.stack([red, green, blue], axis=2)
    for layout in LAYOUTS:
        data = tiff(samples, 8, YCBCR, tags={530: [1, 1]}, **layout)
        check(data, expected, layout, tolerance=2)


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_signed_samples_are_refused(bits: int, planar: bool) -> None:
    for channels, photometric in ((1, BLACK), (3, RGB)):
        data = tiff(
            noise(bits, channels), bits, photometric, planar=planar, tags={339: [2] * channels}
        )
        with pytest.raises(SourceError):
            read_picture(data)


def test_alpha_in_a_plane_beside_grey_is_refused() -> None:
    with pytest.raises(SourceError, match="in planes of their own"):
        read_picture(tiff(noise(8, 2), 8, BLACK, planar=True, tags={338: [2]}), background="white")


def bmp(rows: bytes, header: bytes, palette: bytes = b"") -> bytes:
    offset = 14 + len(header) + len(palette)
    start = b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset)
    return start + header + palette + rows


def bmp_rows(samples: Numbers, bits: int) -> bytes:
    """(H, W) indexes, the last row first, rows of whole 4 bytes."""
    rows = (packed(row[None], bits, "<") for row in samples[::-1])
    return b"".join(row + bytes(-len(row) % 4) for row in rows)


def info_header(size: int, bits: int, used: int = 0, height: int = HEIGHT) -> bytes:
    header = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, 0, 0, 0, 0, used, 0)
    return header + bytes(size - len(header))


@pytest.mark.parametrize("greys", [False, True])
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_palettes_of_bmp(bits: int, greys: bool) -> None:
    """OS/2's have 3 bytes a colour, Windows' have 4; a palette of greys that run backwards is one too."""
    count = 1 << bits
    samples = noise(bits, 1)[:, :, 0]
    colors = np.random.default_rng(6).integers(0, 256, (count, 3)).astype(np.uint8)
    if greys:
        colors = np.repeat(np.linspace(255, 0, count).astype(np.uint8)[:, None], 3, axis=1)
    three = colors[:, ::-1].tobytes()
    four = np.pad(colors[:, ::-1], ((0, 0), (0, 1))).tobytes()
    rows, expected = bmp_rows(samples, bits), colors[samples]
    os2 = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    check(bmp(rows, os2, three), expected, tolerance=0)
    for size in (40, 52, 56, 64, 108, 124):
        check(bmp(rows, info_header(size, bits), four), expected, tolerance=0)
    turned = info_header(40, bits, height=-HEIGHT)
    check(bmp(bmp_rows(samples[::-1], bits), turned, four), expected, tolerance=0)
    half = samples % max(count // 2, 1)
    short = info_header(40, bits, used=max(count // 2, 1))
    check(bmp(bmp_rows(half, bits), short, four[: len(four) // 2]), colors[half], tolerance=0)


@pytest.mark.parametrize(
    "header", [struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24), info_header(40, 24)]
)
def test_colours_of_bmp(header: bytes) -> None:
    samples = noise(8, 3).astype(np.uint8)
    rows = b"".join(row[:, ::-1].tobytes() + bytes(-3 * WIDTH % 4) for row in samples[::-1])
    check(bmp(rows, header), samples, tolerance=0)
