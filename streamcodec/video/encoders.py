"""Which FFmpeg encoder writes a video, with which pixel format and options.

Pixel format: 4:2:0 8-bit where the encoder has it. libx264 and libx265 take no odd sizes in 4:2:0, so there pictures with an odd side are
written as 4:4:4, which keeps the size exactly (few hardware players show it). Lossless encoders get RGB frames as RGB.
"""

from dataclasses import dataclass

import av
from av.codec import Codec

from streamcodec.checks import check_text, is_number
from streamcodec.errors import OutputError, UsageError
from streamcodec.types import FrameFormat

__all__ = ["CONTAINERS", "DEFAULT_CRF", "EncoderChoice", "choose_encoder"]

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""File suffix -> FFmpeg muxer."""

DEFAULT_CRF = {"libx264": 18, "libx265": 20, "libsvtav1": 24, "libvpx-vp9": 24, "libvpx": 10}
"""Constant rate factor by encoder, where lower is better; other encoders have none."""

_ALIASES = {
    "h264": "libx264",
    "h265": "libx265",
    "hevc": "libx265",
    "av1": "libsvtav1",
    "vp9": "libvpx-vp9",
    "vp8": "libvpx",
}
_BY_SUFFIX = {".webm": "libvpx-vp9"}
_EVEN_ONLY = ("libx264", "libx265")
_LOSSLESS = ("ffv1", "ffvhuff", "huffyuv", "png", "utvideo")
_PREFERRED = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p")
_PREFERRED_ODD = ("yuv444p",)
_PREFERRED_RGB = ("gbrp", "bgr0", "rgb24", "bgra")
_FIXED_OPTIONS = {
    "libx265": {"x265-params": "log-level=none"},  # it would write to the terminal
    "mjpeg": {"strict": "unofficial"},  # limited range
}


@dataclass(frozen=True)
class EncoderChoice:
    """An FFmpeg encoder by name, the pixel format that it gets, and its options."""

    name: str
    pixel_format: str
    options: dict[str, str]


def choose_encoder(
    codec: str | None,
    *,
    suffix: str,
    size: tuple[int, int],
    frame_format: FrameFormat,
    crf: float | None = None,
    pixel_format: str | None = None,
    options: dict[str, str] | None = None,
) -> EncoderChoice:
    """The encoder for `codec` (a name of FFmpeg's, or h264, hevc, av1, vp9; None = H.264, in .webm VP9) and pictures of (width, height).

    Raises OutputError if FFmpeg has no such video encoder or it lacks the pixel format, UsageError for a crf that it does not know.
    """
    if codec is not None:
        check_text("codec", codec)
    if crf is not None and not is_number(crf):
        raise UsageError(f"crf is {crf!r}; accepted: a number")
    if not isinstance(options, dict | None) or any(
        not isinstance(text, str) for pair in (options or {}).items() for text in pair
    ):
        raise UsageError(f"options of the encoder are {options!r}; accepted: a dict of texts")
    name = _BY_SUFFIX.get(suffix, "libx264") if codec is None else _ALIASES.get(codec, codec)
    formats = _pixel_formats(name, codec)
    if pixel_format is not None and formats and pixel_format not in formats:
        raise OutputError(
            f"{name} does not take pixel format {pixel_format}; accepted: {', '.join(formats)}"
        )
    chosen = pixel_format or _best_format(name, formats, size, frame_format)
    return EncoderChoice(name, chosen, _merge_options(name, crf, options or {}))


def _pixel_formats(name: str, asked: str | None) -> list[str]:
    try:
        encoder = Codec(name, "w")
    except ValueError as error:
        raise OutputError(
            f"FFmpeg has no encoder {asked or name!r}; accepted: {', '.join(_known())}, or another of its video encoders"
        ) from error
    if encoder.type != "video":
        raise OutputError(
            f"{name} is an encoder for {encoder.type}; accepted: {', '.join(_known())}, or another video encoder of FFmpeg"
        )
    return [pixel_format.name for pixel_format in encoder.video_formats or []]


def _known() -> list[str]:
    available = av.codec.codecs_available
    return [alias for alias, name in _ALIASES.items() if name in available] + [
        name for name in _LOSSLESS if name in available
    ]


def _best_format(
    name: str, formats: list[str], size: tuple[int, int], frame_format: FrameFormat
) -> str:
    wanted: tuple[str, ...] = _PREFERRED
    if frame_format == "rgb" and name in _LOSSLESS:
        wanted = _PREFERRED_RGB
    elif name in _EVEN_ONLY and (size[0] % 2 or size[1] % 2):
        wanted = _PREFERRED_ODD
    if not formats:
        return wanted[0]
    return next((candidate for candidate in wanted if candidate in formats), formats[0])


def _merge_options(name: str, crf: float | None, options: dict[str, str]) -> dict[str, str]:
    merged = {**_FIXED_OPTIONS.get(name, {}), **options}
    if name == "libx265" and "x265-params" in options:
        merged["x265-params"] = f"{options['x265-params']}:log-level=none"
    if crf is not None and name not in DEFAULT_CRF:
        raise UsageError(
            f"{name} has no constant rate factor; leave crf out (it is for {', '.join(DEFAULT_CRF)}), or use options"
        )
    if name in DEFAULT_CRF and ("crf" not in options or crf is not None):
        merged["crf"] = f"{DEFAULT_CRF[name] if crf is None else float(crf):g}"
    return merged
