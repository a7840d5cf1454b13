"""Pictures of another size, by Pillow: bicubic, widened where it gets smaller. What lies at a place of the picture stays there."""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from streamcodec.types import Planes, VideoFormat

__all__ = ["Scaler", "scaled_format"]


MAX_RATIO = (1 << 31) - 1
"""Of a numerator or denominator in a stream."""

LEFT = 0.25
"""How far left of its cell's middle a sample of chroma lies, in cells: in line with the even columns, as in H.264 and MPEG-2."""


def scaled_format(video: VideoFormat, size: tuple[int, int]) -> VideoFormat:
    """The format of a video scaled to `size`, (width, height); shown, it keeps its shape."""
    width, height = size
    aspect = video.sample_aspect_ratio * Fraction(video.width * height, video.height * width)
    if max(aspect.numerator, aspect.denominator) > MAX_RATIO:
        aspect = aspect.limit_denominator(1 << 14)
    return replace(video, width=width, height=height, sample_aspect_ratio=aspect)


class Scaler:
    """Scales frames to `size`, (width, height)."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size

    def apply(self, planes: Planes) -> Planes:
        """One plane (3, H, W), or Y (H, W), U and V (ceil(H/2), ceil(W/2)); uint8 in, uint8 out."""
        width, height = self._size
        rows, columns = planes[0].shape[-2:]
        whole = (0.0, 0.0, float(columns), float(rows))
        if len(planes) == 1:
            return (np.stack([_cut(plane, self._size, whole) for plane in planes[0]]),)
        luma, *chroma = planes
        half = ceil(width / 2), ceil(height / 2)
        across, down = columns / width, rows / height
        left = LEFT * (1 - across)
        box = (left, 0.0, left + half[0] * across, half[1] * down)
        return (_cut(luma, self._size, whole), *(_cut(plane, half, box) for plane in chroma))


def _cut(
    plane: NDArray[np.uint8], size: tuple[int, int], box: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    """The box (left, top, right, bottom) of a plane at this size, (width, height). Where it sticks out, the edge goes on."""
    rows, columns = plane.shape
    left, top, right, bottom = box
    before, after = max(ceil(-left), 0), max(ceil(right - columns), 0)
    below = max(ceil(bottom - rows), 0)
    if before or after or below:
        plane = np.pad(plane, ((0, below), (before, after)), "edge")
    image = Image.fromarray(np.ascontiguousarray(plane))
    place = (left + before, top, right + before, bottom)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, place)).copy()
