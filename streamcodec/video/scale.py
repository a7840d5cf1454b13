"""Pictures of another size, by swscale: bicubic, each plane by itself."""

from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation

from streamcodec.types import Planes, VideoFormat

__all__ = ["Scaler", "scaled_format"]


MAX_RATIO = (1 << 31) - 1
"""Of a numerator or denominator in a stream."""


def scaled_format(video: VideoFormat, size: tuple[int, int]) -> VideoFormat:
    """The format of a video scaled to `size`, (width, height); shown, it keeps its shape."""
    width, height = size
    aspect = video.sample_aspect_ratio * Fraction(video.width * height, video.height * width)
    if max(aspect.numerator, aspect.denominator) > MAX_RATIO:
        aspect = aspect.limit_denominator(1 << 14)
    return replace(video, width=width, height=height, sample_aspect_ratio=aspect)


class Scaler:
    """Scales frames to `size`, (width, height). Planes are scaled about their centres."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size

    def apply(self, planes: Planes) -> Planes:
        """One plane (3, H, W), or Y (H, W), U and V (ceil(H/2), ceil(W/2)); uint8 in, uint8 out."""
        width, height = self._size
        if len(planes) == 1:
            return (np.stack([_scaled(plane, width, height) for plane in planes[0]]),)
        luma, *chroma = planes
        half = ceil(width / 2), ceil(height / 2)
        return (_scaled(luma, width, height), *(_scaled(plane, *half) for plane in chroma))


def _scaled(plane: Any, width: int, height: int) -> Any:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(plane), format="gray")
    return frame.reformat(width, height, interpolation=Interpolation.BICUBIC).to_ndarray()
