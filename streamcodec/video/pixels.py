"""av.VideoFrame <-> planes of uint8. swscale changes depth and packing here, never matrix or range; colour is `color`'s business."""

from typing import Any, TypedDict

import av
import numpy as np
from av.video.format import VideoFormat as PixelFormat
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from streamcodec.errors import SourceError
from streamcodec.types import ColorSpec, FrameFormat, RawFrame
from streamcodec.video.color import (
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
    "FrameLoader",
    "FrameMaker",
    "conversion_notes",
    "simplest_layout",
]

# SWS_BICUBIC | FULL_CHR_H_INT | FULL_CHR_H_INP | ACCURATE_RND | BITEXACT: the same bytes on every CPU. PyAV 16 cannot name the last two.
_SCALER = 0x4 | 0x2000 | 0x4000 | 0x40000 | 0x80000
NO_RANGE, LIMITED, FULL = 0, 1, 2  # AVColorRange
RGB_MATRIX = 0  # H.273
_NEUTRAL_CHROMA = 128


class FrameLoader:
    """Turns decoded frames of any pixel format into planes: alpha is dropped, deeper samples become 8-bit, grey gets neutral chroma."""

    def __init__(self, frame_format: FrameFormat, color: ColorSpec) -> None:
        self._frame_format = frame_format
        self._color = color
        self._scaler = VideoReformatter()

    def load(self, frame: av.VideoFrame) -> tuple[Plane, ...]:
        """(3, H, W), or Y, U, V as in RawFrame; uint8, owned by the caller."""
        layout = simplest_layout(frame.format)
        if frame.planes[0].line_size < 0:
            layout = "gbrp"  # stored bottom-up: swscale turns it over
        if layout != frame.format.name.replace("yuvj", "yuv"):
            frame = self._scaler.reformat(
                frame, **_same_colors(layout, frame.format, self._color, frame)
            )
        planes = [_read_plane(frame, index) for index in range(len(frame.planes))]
        if layout == "gbrp":
            return self._from_rgb(np.stack([planes[2], planes[0], planes[1]]))
        return self._from_yuv(_with_chroma(planes))

    def _from_rgb(self, rgb: Plane) -> tuple[Plane, ...]:
        return (rgb,) if self._frame_format == "rgb" else to_yuv420(rgb, self._color)

    def _from_yuv(self, planes: Planes) -> tuple[Plane, ...]:
        if self._frame_format == "rgb":
            return (to_rgb(planes, self._color),)
        return subsample_chroma(planes)


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


def conversion_notes(pixel_format: PixelFormat, frame_format: FrameFormat) -> tuple[str, ...]:
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
                "its alpha channel is not kept",
                any(component.is_alpha for component in pixel_format.components),
            ),
        )
        if applies
    )


def _same_colors(
    layout: str, source: PixelFormat, color: ColorSpec, frame: av.VideoFrame
) -> _Conversion:
    """Arguments of VideoReformatter.reformat that keep matrix and range as they are."""
    wanted: _Conversion = {"format": layout, "interpolation": _SCALER}
    matrix = effective_matrix(color, frame.width, frame.height)
    color_range = FULL if color.full_range else LIMITED
    if not source.is_rgb and not source.has_palette:
        wanted |= {"src_colorspace": matrix, "src_color_range": color_range}
        if source.name.startswith("yuvj") and layout != "gbrp":
            wanted["format"] = layout.replace("yuv", "yuvj")
    if layout != "gbrp":
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
