"""av.VideoFrame <-> planes of uint8. swscale changes depth and packing here, never matrix or range; colour is `color`'s business."""

from dataclasses import replace
from typing import Any, Protocol, TypedDict

import av
import numpy as np
from av.video.format import VideoFormat as PixelFormat
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from streamcodec.errors import SourceError
from streamcodec.text import counted
from streamcodec.types import UNSPECIFIED, ColorSpec, FrameFormat, RawFrame
from streamcodec.video.alpha import laid_on
from streamcodec.video.color import (
    RGB_MATRIX,
    Plane,
    Planes,
    effective_matrix,
    rgb_of,
    subsample_chroma,
    three,
    to_rgb,
    to_yuv420,
    to_yuv444,
    upsample_chroma,
    yuv420_of,
)

__all__ = [
    "FULL",
    "LIMITED",
    "NO_RANGE",
    "RGB_MATRIX",
    "SCALER",
    "FrameLoader",
    "FrameMaker",
    "conversion_notes",
    "has_alpha",
    "simplest_layout",
]

# SWS_BICUBIC | FULL_CHR_H_INT | FULL_CHR_H_INP | ACCURATE_RND | BITEXACT: the same bytes on every CPU. PyAV 16 cannot name the last two.
SCALER = 0x4 | 0x2000 | 0x4000 | 0x40000 | 0x80000
NO_RANGE, LIMITED, FULL = 0, 1, 2  # AVColorRange
_NEUTRAL_CHROMA = 128
_WITH_ALPHA = {"yuv420p": "yuva420p", "yuv422p": "yuva422p", "yuv444p": "yuva444p"}


class RgbConverter(Protocol):
    """Makes (3, H, W) uint8 RGB of a frame."""

    def load(self, frame: av.VideoFrame) -> Plane: ...


class FrameLoader:
    """Turns decoded frames of any pixel format into planes: deeper samples become 8-bit, grey gets neutral chroma.

    `color`: of the first frame, and of what is given; frames that say another matrix or range are converted to it, which `notes`
    tells. Alpha is dropped, or the frames are laid on `background` (red, green, blue), if that is given. `hdr`: what makes RGB of them all.
    """

    def __init__(
        self,
        frame_format: FrameFormat,
        color: ColorSpec,
        background: tuple[int, int, int] | None = None,
        hdr: "RgbConverter | None" = None,
    ) -> None:
        self._frame_format = frame_format
        self._hdr = hdr
        self._color = color
        self._background = background
        self._scaler = VideoReformatter()
        self._loaded = 0
        self._changed_at: int | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What happened that the first frame did not tell."""
        if self._changed_at is None:
            return ()
        return (
            f"its colour matrix or range changes after {counted(self._changed_at, 'frame')}: those are converted to that of the first",
        )

    def load(self, frame: av.VideoFrame) -> tuple[Plane, ...]:
        """(3, H, W), or Y, U, V as in RawFrame; uint8, owned by the caller."""
        if self._hdr is not None:
            return self._from_rgb(self._hdr.load(frame))
        color, layout = self._color_of(frame), simplest_layout(frame.format)
        self._loaded += 1
        if frame.planes[0].line_size < 0:
            layout = "gbrp"  # stored bottom-up: swscale turns it over
        if self._background is not None and has_alpha(frame.format):
            return self._from_rgb(self._laid_on(self._background, frame, layout, color))
        if layout != frame.format.name.replace("yuvj", "yuv"):
            frame = self._scaler.reformat(frame, **_same_colors(layout, frame.format, color, frame))
        planes = [_read_plane(frame, index) for index in range(len(frame.planes))]
        if layout == "gbrp":
            return self._from_rgb(np.stack([planes[2], planes[0], planes[1]]))
        return self._from_yuv(_with_chroma(planes), color)

    def _color_of(self, frame: av.VideoFrame) -> ColorSpec:
        """What the frame says, where that bears on its pixels; else as of the first."""
        if simplest_layout(frame.format) in ("gbrp", "gray"):
            return self._color
        full, matrix = self._color.full_range, self._color.matrix
        if frame.color_range != NO_RANGE and not frame.format.name.startswith("yuvj"):
            full = frame.color_range == FULL
        if frame.colorspace not in (UNSPECIFIED, RGB_MATRIX):
            matrix = frame.colorspace
        own = replace(self._color, matrix=matrix, full_range=full)
        size = (frame.width, frame.height)
        if full == self._color.full_range and effective_matrix(own, *size) == effective_matrix(
            self._color, *size
        ):
            return self._color
        if self._changed_at is None:
            self._changed_at = self._loaded
        return own

    def _laid_on(
        self, background: tuple[int, int, int], frame: av.VideoFrame, layout: str, color: ColorSpec
    ) -> Plane:
        """(3, H, W) RGB."""
        with_alpha = _WITH_ALPHA.get(layout, "gbrap")
        if frame.format.name != with_alpha:
            wanted = _same_colors(with_alpha, frame.format, color, frame)
            frame = self._scaler.reformat(frame, **wanted)
        *planes, alpha = (_read_plane(frame, index) for index in range(len(frame.planes)))
        if with_alpha == "gbrap":
            return laid_on(background, np.stack([planes[2], planes[0], planes[1]]), alpha)
        return laid_on(background, to_rgb(three(planes), color), alpha)

    def _from_rgb(self, rgb: Plane) -> tuple[Plane, ...]:
        return (rgb,) if self._frame_format == "rgb" else to_yuv420(rgb, self._color)

    def _from_yuv(self, planes: Planes, color: ColorSpec) -> tuple[Plane, ...]:
        if self._frame_format == "rgb":
            return (to_rgb(planes, color),)
        return (
            subsample_chroma(planes)
            if color is self._color
            else to_yuv420(to_rgb(planes, color), self._color)
        )


class FrameMaker:
    """Turns RawFrame into av.VideoFrame of one pixel format, with colour tags and timestamp left to the caller."""

    def __init__(self, pixel_format: str, color: ColorSpec) -> None:
        self._pixel_format = pixel_format
        self._color = color
        self._scaler = VideoReformatter()

    def make(self, frame: RawFrame) -> av.VideoFrame:
        layout = simplest_layout(PixelFormat(self._pixel_format))
        if layout == "gbrp":
            made = _fill("gbrp", rgb_of(frame, self._color)[[1, 2, 0]])
        elif layout == "yuv420p":
            made = _fill("yuv420p", yuv420_of(frame, self._color))
        elif layout == "gray":
            made = _fill("gray", yuv420_of(frame, self._color)[:1])
        else:
            made = _fill("yuv444p", self._yuv444(frame))
        if made.format.name == self._pixel_format:
            return made
        return self._scaler.reformat(
            made, **_same_colors(self._pixel_format, made.format, self._color, made)
        )

    def _yuv444(self, frame: RawFrame) -> Planes:
        return (
            to_yuv444(frame.planes[0], self._color)
            if frame.format == "rgb"
            else upsample_chroma(three(frame.planes))
        )


class _Conversion(TypedDict, total=False):
    format: str
    interpolation: int
    src_colorspace: int
    src_color_range: int
    dst_colorspace: int
    dst_color_range: int


def simplest_layout(pixel_format: PixelFormat) -> str:
    """The 8-bit planar layout that loses least: gbrp, gray, yuv420p, yuv422p or yuv444p."""
    colors = [component for component in pixel_format.components if not component.is_alpha]
    if (
        pixel_format.is_rgb
        or pixel_format.has_palette
        or pixel_format.name.startswith(("xyz", "bayer"))
    ):
        return "gbrp"
    if len(colors) < 3:
        return "gray"
    subsampling = (pixel_format.chroma_width(16), pixel_format.chroma_height(16))
    return {(8, 8): "yuv420p", (8, 16): "yuv422p"}.get(subsampling, "yuv444p")


def has_alpha(pixel_format: PixelFormat) -> bool:
    """Whether such frames can be transparent; a palette may be."""
    return pixel_format.has_palette or any(
        component.is_alpha for component in pixel_format.components
    )


def conversion_notes(
    pixel_format: PixelFormat, frame_format: FrameFormat, *, has_background: bool = False
) -> tuple[str, ...]:
    """What `FrameLoader` changes of such frames, in words. That YUV becomes RGB where RGB is wanted goes without saying."""
    layout = simplest_layout(pixel_format)
    chroma = {
        "gbrp": "its RGB samples were",
        "yuv444p": "its 4:4:4 chroma was",
        "yuv422p": "its 4:2:2 chroma was",
    }.get(layout)
    bits = max(component.bits for component in pixel_format.components)
    return tuple(
        note
        for note, applies in (
            (f"{chroma} converted to 4:2:0", frame_format == "yuv420" and chroma is not None),
            (f"its {bits}-bit samples were rounded to 8 bits", bits > 8),
            (
                "it was laid on the background: its alpha channel is not kept"
                if has_background
                else "its alpha channel is not kept (--background COLOUR lays it on a colour)",
                any(component.is_alpha for component in pixel_format.components),
            ),
        )
        if applies
    )


def _same_colors(
    layout: str, source: PixelFormat, color: ColorSpec, frame: av.VideoFrame
) -> _Conversion:
    """Arguments of VideoReformatter.reformat that keep matrix and range as they are."""
    wanted: _Conversion = {"format": layout, "interpolation": SCALER}
    matrix = effective_matrix(color, frame.width, frame.height)
    color_range = FULL if color.full_range else LIMITED
    if not source.is_rgb and not source.has_palette:
        wanted |= {"src_colorspace": matrix, "src_color_range": color_range}
        if source.name.startswith("yuvj") and layout not in ("gbrp", "gbrap"):
            wanted["format"] = layout.replace("yuv", "yuvj")
    if layout not in ("gbrp", "gbrap"):
        wanted |= {"dst_colorspace": matrix, "dst_color_range": color_range}
    return wanted


def _read_plane(frame: av.VideoFrame, index: int) -> Plane:
    plane = frame.planes[index]
    if plane.line_size < plane.width:
        raise SourceError(
            f"pixel format {frame.format.name} is stored bottom-up; convert the source to yuv420p first"
        )
    return _view(plane)[: plane.height, : plane.width].copy()


def _fill(pixel_format: str, planes: Planes | Plane | tuple[Plane, ...]) -> av.VideoFrame:
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for target, plane in zip(frame.planes, planes, strict=True):
        _view(target)[: plane.shape[0], : plane.shape[1]] = plane
    return frame


def _view(plane: av.video.plane.VideoPlane) -> NDArray[np.uint8]:
    buffer: Any = plane  # offers the buffer protocol, which its stub does not say
    samples: NDArray[np.uint8] = np.frombuffer(buffer, np.uint8)
    return samples.reshape(-1, plane.line_size)


def _with_chroma(planes: list[Plane]) -> Planes:
    if len(planes) >= 3:
        return three(planes)
    height, width = planes[0].shape
    neutral = np.full(((height + 1) // 2, (width + 1) // 2), _NEUTRAL_CHROMA, np.uint8)
    return planes[0], neutral, neutral.copy()
