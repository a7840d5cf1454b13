"""One picture as a stream of one I-frame, and back: image models as a user of pictures wants them, and as they are measured."""

import os
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import BinaryIO, TypedDict, Unpack, cast

import numpy as np
from numpy.typing import NDArray

from streamcodec.codec import Codec
from streamcodec.container import Header, Writer
from streamcodec.errors import SourceError, UsageError
from streamcodec.files import (
    ByteSource,
    check_output,
    check_stream_output,
    open_output,
    writing,
)
from streamcodec.metrics import mse_to_psnr_db
from streamcodec.rates import bits_per_pixel
from streamcodec.runtime import require_torch
from streamcodec.stream.coding import Step, coded
from streamcodec.stream.encoder import Encoder, chosen_codec
from streamcodec.stream.options import DecodeSettings, EncodeOptions, EncodeSettings, options_of
from streamcodec.stream.reading.frames import Frame
from streamcodec.stream.search.sample import Sample
from streamcodec.stream.search.search import SearchReport, quality_on_sample
from streamcodec.stream.source import Pixels, as_format, is_tensor, raw_frame
from streamcodec.stream.video import Video, open
from streamcodec.types import (
    MAX_PIXELS,
    ColorSpec,
    FrameFormat,
    Precision,
    Preset,
    RawFrame,
    VideoFormat,
)
from streamcodec.video import (
    DEFAULT_JPEG_QUALITY,
    Picture,
    picture_kind,
    read_picture,
    to_jpeg,
    to_png,
    turned,
)

__all__ = ["ImageReport", "ImageSettings", "decode_image", "encode_image"]

COLOR = ColorSpec(primaries=1, transfer=13, matrix=5, full_range=True)
"""sRGB, converted to YUV as JPEG does it: BT.601, full range."""
CONVERTED = "its RGB samples were converted to 4:2:0"
TIME_BASE = Fraction(1, 25)  # seconds; a picture has no duration, and players show it for one tick


class ImageSettings(TypedDict, total=False):
    """The fields of EncodeOptions that a picture has a use for, as keywords."""

    quality: int
    intra: str
    device: str | None
    precision: Precision
    preset: Preset
    hash: bool
    target_psnr_db: float | None
    target_bpp: float | None


@dataclass(frozen=True, eq=False)
class ImageReport:
    """What was written. `size_bytes`: of the whole stream. `psnr_db`: of what is coded (`frame_format`): "yuv420", of Y, U and V, weighted
    6:1:1; "rgb", of RGB, one error for the three channels; inf if nothing was lost.

    `ms_ssim`: of RGB, mean of the channels; None unless asked for, and for a side below 161 pixels.
    `quality`: 0..63; None = the model has one rate only, and the quality no effect. `model`: its name. `seconds`: wall time of coding,
    without loading and searching. `search`: how the quality for a target was found, None without a target.
    `notes`: what of the source was lost before coding, in words. `reconstruction`: (3, H, W) uint8 RGB, NumPy, what decoding gives.
    """

    width: int
    height: int
    size_bytes: int
    psnr_db: float
    ms_ssim: float | None
    quality: int | None
    model: str
    seconds: float
    search: SearchReport | None
    notes: tuple[str, ...]
    reconstruction: NDArray[np.uint8] = field(repr=False)
    frame_format: FrameFormat = "rgb"

    @property
    def bpp(self) -> float:
        """Bits per pixel."""
        return bits_per_pixel(self.size_bytes, 1, self.width, self.height)

    @property
    def shortfall(self) -> str | None:
        """What to tell the user if no quality reaches the target; None otherwise."""
        return None if self.search is None else self.search.shortfall


def encode_image(
    image: ByteSource | Pixels,
    out: str | os.PathLike[str] | BinaryIO,
    *,
    options: EncodeOptions | None = None,
    codec: Codec | None = None,
    background: str | None = None,
    max_pixels: int = MAX_PIXELS,
    measure_ms_ssim: bool = False,
    overwrite: bool = False,
    **settings: Unpack[ImageSettings],
) -> ImageReport:
    """Encode one picture into an .ssf stream of one I-frame.

    `image`: (3, H, W) uint8 RGB, a tensor or an array, or a PNG, JPEG, WebP, BMP, TIFF or PNM file (`streamcodec.video.read_picture` says
    how it becomes RGB, and what `background` and `max_pixels` are): a path, "-", its bytes or a binary file object. `out`: a path, "-"
    (standard output) or a binary file object. `options`, or fields of it as keywords (`quality=48, intra="..."`), say how; no P-frame
    model is needed. `codec` overrides the models that they name. With `target_psnr_db` or `target_bpp` the quality is searched for by
    coding the picture a few times, so that the figures are exact. A path appears only when everything is written.

    With a model of 4:2:0 the picture is converted once, which the report notes. `measure_ms_ssim` takes PyTorch.

    Raises UsageError, also for a target with a model of one rate, SourceError, OutputError, ModelError or NotInstalledError.
    """
    if measure_ms_ssim:
        require_torch("MS-SSIM")
    options = replace(options_of(options, cast(EncodeSettings, settings)), gop=1)
    _check_of_picture(options)
    check_stream_output(out, overwrite=overwrite)
    picture = _picture(image, background or options.background, max_pixels)
    codec = _image_codec(chosen_codec(codec, options), options)
    rgb = RawFrame((picture.pixels,), pts=0)
    video = VideoFormat(
        *rgb.size,
        time_base=TIME_BASE,
        color=COLOR if codec.frame_format == "yuv420" else ColorSpec(),
    )
    raw = as_format(rgb, codec.frame_format, video)
    chosen, found = quality_on_sample(Sample(video, {}, ((raw,),), 1, True), options, codec, None)
    encoder = Encoder(video, chosen, codec=codec)
    steps = list(coded(encoder, [raw], measure=True))
    error = steps[0].error
    assert error is not None  # measured
    size_bytes = _write(encoder.header, steps, out, overwrite=overwrite)
    shown = encoder.reconstruction
    return ImageReport(
        width=video.width,
        height=video.height,
        size_bytes=size_bytes,
        psnr_db=mse_to_psnr_db(error),
        ms_ssim=_ms_ssim(picture.pixels, shown.array) if measure_ms_ssim else None,
        quality=None if codec.intra.has_one_rate else chosen.quality,
        model=codec.intra.name,
        seconds=steps[0].seconds,
        search=found,
        notes=(*picture.notes, *(() if raw is rgb else (CONVERTED,)), *codec.notes),
        reconstruction=shown.array,
        frame_format=codec.frame_format,
    )


def decode_image(
    source: ByteSource,
    out: str | os.PathLike[str] | BinaryIO | None = None,
    *,
    frame: int | None = None,
    jpeg_quality: int | None = None,
    overwrite: bool = False,
    **settings: Unpack[DecodeSettings],
) -> NDArray[np.uint8]:
    """Decode the picture of an .ssf stream -> (3, H, W) uint8 RGB, NumPy; and write it to `out`, unless that is None.

    `source` and `settings`: as for `streamcodec.open`, without `on_damage`. `out`: a .png file (lossless), a .jpg file of
    `jpeg_quality` 1..100 (default 95), or "-" or a binary file object for PNG. `frame`: which one to take of a stream of several, from
    either end; None refuses such a stream. A rotation that the stream asks for is carried out, as by `decode` to PNG.

    Raises UsageError, FrameIndexError, SourceError, OutputError, CorruptStreamError or UnsupportedStreamError; then nothing is at `out`.
    """
    kind = (
        None
        if out is None
        else picture_kind(os.fspath(out))
        if isinstance(out, (str, os.PathLike))
        else "PNG"
    )
    if jpeg_quality is not None and kind != "JPEG":
        raise UsageError(
            f"JPEG quality is {jpeg_quality!r}, but the output is {kind or 'an array'}; accepted: for .jpg and .jpeg only"
        )
    check_output(out, overwrite=overwrite)
    with open(source, **settings) as video:
        shown = (_only_frame(video) if frame is None else video[frame]).array
        raw = turned(RawFrame((shown,), pts=0), video.header.video.rotation_degrees // 90)
    pixels = raw.planes[0]
    if out is not None:
        data = (
            to_png(pixels)
            if kind == "PNG"
            else to_jpeg(pixels, DEFAULT_JPEG_QUALITY if jpeg_quality is None else jpeg_quality)
        )
        with open_output(out, overwrite=overwrite) as file, writing(out):
            file.write(data)
    return pixels


def _check_of_picture(options: EncodeOptions) -> None:
    """Raise UsageError for an option that a picture does not have."""
    for name, value in (
        ("scale", options.scale),
        ("fps", options.fps),
        ("video_track", options.video_track),
    ):
        if value is not None:
            raise UsageError(
                f"{name} is {value!r}, which is for videos; leave it out for a picture"
            )


def _picture(image: ByteSource | Pixels, background: str | None, max_pixels: int) -> Picture:
    if not (isinstance(image, np.ndarray) or is_tensor(image)):
        return read_picture(cast(ByteSource, image), background=background, max_pixels=max_pixels)
    if background is not None:
        raise UsageError(
            "a background is for picture files; an array is (3, H, W) RGB, without alpha"
        )
    return Picture(raw_frame(image, 0, 0).planes[0])


def _image_codec(codec: Codec, options: EncodeOptions) -> Codec:
    """The codec without its model of P-frames. Raises UsageError for a target that a picture does not have, or one rate cannot aim at."""
    if options.target_kbit_per_second is not None:
        raise UsageError(
            f"the target is {options.target}, but a picture lasts no time; accepted: target_psnr_db or target_bpp"
        )
    if options.target is not None and codec.intra.has_one_rate:
        raise UsageError(
            f"the target is {options.target}, but the model {codec.intra.name} has one rate only; leave the target out"
        )
    return replace(codec, inter=None)


def _write(
    header: Header,
    steps: list[Step],
    out: str | os.PathLike[str] | BinaryIO,
    *,
    overwrite: bool,
) -> int:
    """The stream's size in bytes."""
    with open_output(out, overwrite=overwrite) as file:
        writer = Writer(file, header)
        for step in steps:
            for packet in step.packets:
                writer.write(packet)
        writer.finish()
    return writer.size_bytes


def _ms_ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float | None:
    """Of two pictures (3, H, W); None if they are too small for its five scales."""
    import torch

    from streamcodec.metrics import MIN_SIDE, ms_ssim

    if min(a.shape[1:]) < MIN_SIDE:
        return None
    first, second = (torch.from_numpy(pixels)[None].float() for pixels in (a, b))
    return float(ms_ssim(first, second, data_range=255.0))


def _only_frame(video: Video) -> Frame:
    """Reads the stream to its end, so that damage behind the frame is found too."""
    frames = len(video)
    if frames > 1:
        raise UsageError(
            f"the stream has {frames} frames; accepted: one; take one of them with --frame N (frame=N), or all with `streamcodec decode`"
        )
    found = list(video)
    if not found:
        raise SourceError("the stream has no frames")
    return found[0]
