"""Picture files to RGB: the very samples, upright; what is not kept is said, what cannot be read is refused."""

import io
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from streamcodec.errors import OutputError, SourceError, UsageError
from streamcodec.video import picture_kind, read_picture, to_jpeg, to_png

Pixels = NDArray[np.uint8]
LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "PPM": {}, "WEBP": {"lossless": True}}


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)


def coded(samples: NDArray[np.generic], kind: str = "PNG", **options: object) -> bytes:
    """(H, W) or (H, W, channels), red first."""
    file = io.BytesIO()
    Image.fromarray(samples).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def png_header(width: int, height: int, depth: int, colors: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colors, 0, 0, 0))


def exif(orientation: int) -> bytes:
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)


def with_exif(data: bytes, orientation: int) -> bytes:
    """A JPEG or a PNG with an orientation."""
    if data.startswith(b"\xff\xd8"):
        body = b"Exif\0\0" + exif(orientation)
        return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
    return data[:33] + chunk(b"eXIf", exif(orientation)) + data[33:]


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (64, 33)])
@pytest.mark.parametrize("kind", LOSSLESS)
def test_samples_are_those_of_the_file(kind: str, size: tuple[int, int]) -> None:
    rgb = noise(3, *size)
    picture = read_picture(coded(rgb.transpose(1, 2, 0), kind, **LOSSLESS[kind]))
    assert np.array_equal(picture.pixels, rgb)
    assert picture.notes == ()


def test_png_and_jpeg_are_written_as_they_are_read(tmp_path: Path) -> None:
    rgb = noise(3, 40, 50)
    (tmp_path / "a.png").write_bytes(to_png(rgb))
    assert np.array_equal(read_picture(tmp_path / "a.png").pixels, rgb)
    flat = np.zeros((3, 16, 16), np.uint8)
    flat[0, :, 8:] = 255  # red beside black: colour at half the resolution would blur it
    flat[2] = 40
    back = read_picture(io.BytesIO(to_jpeg(flat, 100))).pixels
    assert np.abs(back.astype(int) - flat).max() <= 3
    assert len(to_jpeg(rgb, 20)) < len(to_jpeg(rgb)) / 2


def test_grey_and_palette_become_rgb() -> None:
    grey = noise(6, 9)
    assert np.array_equal(read_picture(coded(grey)).pixels, np.stack([grey] * 3))
    rows = zlib.compress(b"\0\x1b\0\xe4")  # 2 bits a pixel: 0 1 2 3 and 3 2 1 0
    colors = noise(4, 3)
    data = png(png_header(4, 2, 2, 3), chunk(b"PLTE", colors.tobytes()), chunk(b"IDAT", rows))
    expected = colors[[[0, 1, 2, 3], [3, 2, 1, 0]]].transpose(2, 0, 1)
    assert np.array_equal(read_picture(data).pixels, expected)


def upright(stored: Pixels, orientation: int) -> Pixels:
    """The oracle: where EXIF says that row 0 and column 0 are to be seen."""
    row_side, column_side = ("tl", "tr", "br", "bl", "lt", "rt", "rb", "lb")[orientation - 1]
    height, width = stored.shape[1:]
    shown = np.zeros((3, height, width) if row_side in "tb" else (3, width, height), np.uint8)
    for row in range(height):
        for column in range(width):
            place = {row_side: row, column_side: column}
            y = place["t"] if "t" in place else shown.shape[1] - 1 - place["b"]
            x = place["l"] if "l" in place else shown.shape[2] - 1 - place["r"]
            shown[:, y, x] = stored[:, row, column]
    return shown


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pictures_stand_upright(kind: str, orientation: int) -> None:
    data = coded(noise(17, 24, 3), kind)
    stored = read_picture(data).pixels
    assert np.array_equal(
        read_picture(with_exif(data, orientation)).pixels, upright(stored, orientation)
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_stands_upright(orientation: int) -> None:
    grey = noise(5, 8)
    tags = {
        256: 8,
        257: 5,
        258: 8,
        259: 1,
        262: 1,
        273: 8,
        274: orientation,
        277: 1,
        278: 5,
        279: grey.size,
    }
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    data = (
        b"II*\0"
        + struct.pack("<I", 8 + grey.size)
        + grey.tobytes()
        + struct.pack("<H", len(tags))
        + directory
        + bytes(4)
    )
    assert np.array_equal(read_picture(data).pixels, upright(np.stack([grey] * 3), orientation))


def test_damaged_exif_leaves_the_picture() -> None:
    data = coded(noise(8, 8, 3), "JPEG")
    for body in (b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0" + exif(9)):
        marked = data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
        assert np.array_equal(read_picture(marked).pixels, read_picture(data).pixels)


def test_cmyk_becomes_rgb_with_a_note() -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 200, np.uint8)).convert("CMYK").save(file, "JPEG")
    picture = read_picture(file.getvalue())
    assert np.abs(picture.pixels.astype(int) - 200).max() <= 3
    assert "CMYK samples were converted" in picture.notes[0]


def test_jpeg_is_decoded_as_others_show_it() -> None:
    """FFmpeg's decoder is another one."""
    smooth = Image.fromarray(noise(48, 64, 3)).filter(ImageFilter.GaussianBlur(3))
    file = io.BytesIO()
    smooth.save(file, "JPEG", quality=95, subsampling=0)
    with av.open(io.BytesIO(file.getvalue()), format="mjpeg") as container:
        shown = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert (
        np.abs(read_picture(file.getvalue()).pixels.transpose(1, 2, 0).astype(int) - shown).max()
        <= 4
    )


def test_16_bits_are_rounded() -> None:
    deep = np.array([[0, 128, 129, 385], [386, 32768, 65406, 65535]], np.uint16)
    picture = read_picture(coded(deep))
    assert picture.pixels[1].tolist() == [[0, 0, 1, 1], [2, 128, 254, 255]]
    assert picture.notes == ("its 16-bit samples were rounded to 8 bits",)


def test_16_bits_of_colours_are_cut() -> None:
    deep = np.array([[[0, 255, 256], [0x1234, 0xFFFF, 0x80FF]]], np.uint16)
    body = zlib.compress(b"\0" + deep.astype(">u2").tobytes())
    picture = read_picture(png(png_header(2, 1, 16, 2), chunk(b"IDAT", body)))
    assert picture.pixels[:, 0].T.tolist() == [[0, 0, 1], [0x12, 0xFF, 0x80]]
    assert picture.notes == ("its 16-bit samples were cut to 8 bits",)


def test_transparency_is_refused_or_put_on_a_background() -> None:
    samples = noise(5, 6, 4)
    samples[0, 0], samples[0, 1] = (10, 20, 30, 0), (10, 20, 30, 255)
    data = coded(samples)
    with pytest.raises(SourceError, match=r"transparent pixels.*--background white"):
        read_picture(data)
    picture = read_picture(data, background="#ff8000")
    assert picture.pixels[:, 0, :2].T.tolist() == [[255, 128, 0], [10, 20, 30]]
    share = samples[:, :, 3:] / 255.0
    exact = samples[:, :, :3] * share + np.array([255, 128, 0]) * (1 - share)
    assert np.abs(picture.pixels.transpose(1, 2, 0) - exact).max() <= 0.5 + 1e-9
    assert picture.notes == ("it was flattened on the background: alpha is not kept",)


def test_opaque_alpha_is_dropped() -> None:
    samples = noise(5, 6, 4)
    samples[:, :, 3] = 255
    picture = read_picture(coded(samples))
    assert np.array_equal(picture.pixels, samples[:, :, :3].transpose(2, 0, 1))
    assert "opaque everywhere" in picture.notes[0]


def test_what_is_lost_is_said() -> None:
    data = coded(noise(4, 4, 3))
    profile = read_picture(
        data[:33] + chunk(b"iCCP", b"x\0\0" + zlib.compress(b"profile")) + data[33:]
    )
    assert "colour profile is not kept" in profile.notes[0]
    first, *others = (Image.fromarray(noise(4, 4, 3) + shade) for shade in range(3))
    file = io.BytesIO()
    first.save(file, "TIFF", save_all=True, append_images=others)
    assert read_picture(file.getvalue()).notes == (
        "it holds several pictures: the first was taken",
    )


def test_a_transparent_colour_is_transparent() -> None:
    grey = coded(np.array([[3, 7]], np.uint8))
    marked = grey[:33] + chunk(b"tRNS", b"\0\7") + grey[33:]
    with pytest.raises(SourceError, match="transparent pixels"):
        read_picture(marked)
    assert read_picture(marked, background="white").pixels[0].tolist() == [[3, 255]]


@pytest.mark.parametrize("kind", [*LOSSLESS, "JPEG"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_cut_off_picture_fails(kind: str, share: float) -> None:
    data = coded(noise(40, 40, 3), kind, **LOSSLESS.get(kind, {}))
    with pytest.raises(SourceError, match=r"cut off|damaged"):
        read_picture(data[: int(share * len(data))])


def test_flipped_bit_in_a_png_fails() -> None:
    data = bytearray(coded(noise(40, 40, 3)))
    data[len(data) // 2] ^= 1
    with pytest.raises(SourceError, match=r"cut off, damaged|not a picture"):
        read_picture(bytes(data))


def test_any_bytes_are_read_or_refused() -> None:
    random = np.random.default_rng(5)
    for kind in (*LOSSLESS, "JPEG"):
        data = coded(noise(9, 9, 3), kind, **LOSSLESS.get(kind, {}))
        for _ in range(60):
            broken = bytearray(data)
            for place in random.integers(0, min(len(data), 80), 3):
                broken[place] = random.integers(256)
            try:
                assert (
                    read_picture(
                        bytes(broken), background="white", max_pixels=1 << 16
                    ).pixels.shape[0]
                    == 3
                )
            except SourceError:
                continue


def test_what_is_no_picture_fails(tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("This is no picture.")
    huge = png(png_header(16384, 16384, 8, 2), chunk(b"IDAT", b""))
    floats = coded(np.zeros((4, 4), np.float32), "TIFF")
    for source, words in (
        (text, r"text.png is not a picture that can be read; accepted: PNG, JPEG"),
        (b"", "is empty"),
        (b"\x89SSF\r\n\x1a\n", "image decode"),
        (tmp_path / "none.png", "cannot open"),
        (tmp_path, "cannot open"),
        (huge, "16384x16384, 268435456 pixels; accepted: up to"),
        (png(png_header(20000, 1, 8, 2)), "1..16384 on each side"),
        (png(png_header(0, 1, 8, 2)), "cannot decode"),
        (floats, "samples of floats"),
    ):
        with pytest.raises(SourceError, match=words):
            read_picture(source)
    with pytest.raises(SourceError, match="up to 15 pixels"):
        read_picture(coded(noise(4, 4, 3)), max_pixels=15)


def test_headers_that_never_end_fail_soon() -> None:
    """256 KiB each: what looks again at all of it from every byte takes minutes."""
    size = 1 << 18
    for data in (
        b"\xff\xd8" + b"\xff" * size,
        b"\xff\xd8" + b"\xff\x00" * size,
        b"P5 " + b"9" * size + b" 1 255 ",
        b"P5 " + b"# \n" * size,
        b"RIFF" + struct.pack("<I", size) + b"WEBP" + b"ALPH" + bytes(size),
    ):
        with pytest.raises(SourceError, match=r"cut off, damaged|not a picture"):
            read_picture(data)


def test_bad_arguments_fail() -> None:
    data = coded(noise(4, 4, 3))
    for background in ("sky", "#12345", 255):
        with pytest.raises(UsageError, match="background is"):
            read_picture(data, background=background)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="largest picture"):
        read_picture(data, max_pixels=0)
    for quality in (0, 101):
        with pytest.raises(UsageError, match="JPEG quality"):
            to_jpeg(noise(3, 4, 4), quality)
    assert [picture_kind(name) for name in ("a.png", "B.JPG", "-")] == ["PNG", "JPEG", "PNG"]
    with pytest.raises(OutputError, match=r"cannot write a.webp; accepted: a .png"):
        picture_kind("a.webp")
