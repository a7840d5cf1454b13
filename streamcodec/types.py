"""Values that the layers hand to each other: what a video is, and one frame of it.

numpy is named in annotations but not imported: it takes a quarter of a second, and `streamcodec info` needs none of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from numbers import Integral, Rational
from typing import TYPE_CHECKING, Literal

from streamcodec.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Planes = tuple[NDArray[np.uint8], ...]
    """A frame of either format, uint8: one array (3, H, W) RGB; or Y (H, W), U and V (ceil(H/2), ceil(W/2))."""
else:
    Planes = tuple

__all__ = [
    "MAX_PIXELS",
    "MAX_RUN",
    "MAX_SIDE",
    "QUALITIES",
    "UNSPECIFIED",
    "ColorSpec",
    "FrameFormat",
    "FrameType",
    "Hdr",
    "OnDamage",
    "OnError",
    "Planes",
    "Precision",
    "Preset",
    "RawFrame",
    "VideoFormat",
]

FrameFormat = Literal["rgb", "yuv420"]
"""What a model codes: `rgb`, one plane (3, H, W); or `yuv420`, planes Y (H, W), U and V (ceil(H/2), ceil(W/2))."""

FrameType = Literal["I", "P", "B"]
"""I: coded on its own. P: from a frame before it. B: from one before and one behind it."""

OnDamage = Literal["raise", "skip", "conceal"]
"""At a defect in a stream: raise a CorruptStreamError, or skip what is lost."""

OnError = Literal["raise", "stop", "skip"]
"""At damage in a source: raise a SourceError, stop with what came before it, or skip what is damaged."""

Precision = Literal["fp32", "bf16"]
"""Arithmetic of the networks' float parts. Symbols decode alike in both (the scale path is exact integers)."""

Preset = Literal["fast", "medium", "slow"]
"""How much the encoder tries: slower gives fewer bytes at the same quality. Decoders do not care."""

Hdr = Literal["tonemap", "clip", "refuse"]
"""What becomes of PQ and HLG, since streams have 8 bits: brought into SDR by a tone curve, cut off above SDR white, or not accepted."""

QUALITIES = 64
"""`quality` is an integer in 0..63; higher is better."""

MAX_RUN = 7
"""Most B-frames in a row."""

MAX_SIDE = 16384
"""Largest accepted width and height, in pixels."""

MAX_PIXELS = 8192 * 4352
"""Largest picture that is decoded unless the caller allows more, in pixels: 8K, padded, the limit of level 6.2 of H.264 and of AV1.

A stream of a few bytes may announce a picture of MAX_SIDE x MAX_SIDE, which takes tens of gigabytes to decode.
"""

UNSPECIFIED = 2  # of every code point in ITU-T H.273


@dataclass(frozen=True)
class ColorSpec:
    """Colour of the YUV samples, as code points of ITU-T H.273 (2 = unspecified), as FFmpeg and MP4 use them.

    matrix 1 is BT.709, 5 and 6 are BT.601, 9 is BT.2020; full_range False is limited ("tv", 16..235).
    """

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    full_range: bool = False

    def __post_init__(self) -> None:
        for name in ("primaries", "transfer", "matrix"):
            if not 0 <= getattr(self, name) <= 255:
                raise UsageError(
                    f"colour {name} is {getattr(self, name)}; accepted: 0..255 (ITU-T H.273)"
                )


@dataclass(frozen=True)
class VideoFormat:
    """What a video's header says of its pictures. `width` and `height` are of the stored picture, before rotation.

    A player turns the picture by `rotation_degrees` counter-clockwise (0, 90, 180 or 270; FFmpeg's display matrix).
    `frame_rate` is nominal, frames per second; timestamps are integers in units of `time_base` seconds.
    `bit_depth` is the source's, kept for information.
    """

    width: int
    height: int
    time_base: Fraction
    frame_rate: Fraction | None = None
    sample_aspect_ratio: Fraction = Fraction(1)
    rotation_degrees: int = 0
    color: ColorSpec = field(default_factory=ColorSpec)
    bit_depth: int = 8

    def __post_init__(self) -> None:
        sides = (self.width, self.height)
        if not all(
            isinstance(side, Integral) and not isinstance(side, bool) and 1 <= side <= MAX_SIDE
            for side in sides
        ):
            raise UsageError(
                f"size is {self.width}x{self.height}; accepted: 1..{MAX_SIDE} on each side"
            )
        for name in ("time_base", "sample_aspect_ratio", "frame_rate"):
            ratio = getattr(self, name)
            if (ratio is not None or name != "frame_rate") and not (
                isinstance(ratio, Rational) and int(ratio.numerator) > 0
            ):
                raise UsageError(f"{name} is {ratio!r}; accepted: a Fraction above 0")
        if self.rotation_degrees not in (0, 90, 180, 270):
            raise UsageError(f"rotation is {self.rotation_degrees}; accepted: 0, 90, 180, 270")


@dataclass(frozen=True, repr=False)
class RawFrame:
    """One uncompressed frame. rgb: `planes` is one array (3, H, W); yuv420: Y (H, W), U and V (ceil(H/2), ceil(W/2)); uint8.

    `pts` (when it is shown) and `duration` are integers in units of the video's time base; duration 0 = unknown.
    """

    planes: Planes
    pts: int
    duration: int = 0

    def __post_init__(self) -> None:
        shapes = tuple(plane.shape for plane in self.planes)
        if any(plane.dtype != "uint8" for plane in self.planes) or not (
            _is_rgb(shapes) or _is_yuv420(shapes)
        ):
            found = ", ".join(f"{plane.shape} {plane.dtype}" for plane in self.planes)
            raise UsageError(
                f"frame is {found or 'empty'}; accepted: uint8, one array (3, H, W) of RGB, or Y (H, W) with U, V at half size"
            )

    def __repr__(self) -> str:
        width, height = self.size
        return (
            f"<RawFrame {width}x{height}, {self.format}, pts {self.pts}, duration {self.duration}>"
        )

    @property
    def format(self) -> FrameFormat:
        return "rgb" if len(self.planes) == 1 else "yuv420"

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.planes[0].shape[-2:]
        return width, height


def _is_rgb(shapes: tuple[tuple[int, ...], ...]) -> bool:
    return len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][0] == 3 and min(shapes[0]) > 0


def _is_yuv420(shapes: tuple[tuple[int, ...], ...]) -> bool:
    if len(shapes) != 3 or len(shapes[0]) != 2 or min(shapes[0]) < 1:
        return False
    half = tuple((side + 1) // 2 for side in shapes[0])
    return shapes[1] == half and shapes[2] == half
