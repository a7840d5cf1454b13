"""Pictures as the codec has them: 8-bit 4:2:0 planes."""

import av
import numpy as np
from numpy.typing import NDArray

__all__ = ["Plane", "Planes", "flat_crop", "middle", "planes_of", "video_frame", "window"]

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]
"""Y (H, W), U and V (H / 2, W / 2); the sides of Y are multiples of 16."""


def planes_of(frame: av.VideoFrame) -> Planes:
    """The planes of a yuv420p frame, copied."""
    y, u, v = (_rows(frame, number) for number in range(3))
    return y, u, v


def _rows(frame: av.VideoFrame, number: int) -> Plane:
    plane, half = frame.planes[number], 2 if number else 1
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return np.ascontiguousarray(rows[: frame.height // half, : frame.width // half])


def video_frame(planes: Planes) -> av.VideoFrame:
    """A yuv420p frame of them."""
    y, u, v = planes
    h, w = y.shape
    stacked = np.concatenate((y.ravel(), u.ravel(), v.ravel())).reshape(h * 3 // 2, w)
    return av.VideoFrame.from_ndarray(stacked, format="yuv420p")


def window(planes: Planes, top: int, left: int, height: int, width: int) -> Planes:
    """That part of the picture; all numbers are even."""
    y, u, v = planes
    half = np.s_[top // 2 : (top + height) // 2, left // 2 : (left + width) // 2]
    cut = (y[top : top + height, left : left + width], u[half], v[half])
    a, b, c = (np.ascontiguousarray(plane) for plane in cut)
    return a, b, c


def middle(planes: Planes, height: int, width: int) -> Planes:
    """The part of that size, both even, in the middle of the picture."""
    rows, columns = planes[0].shape
    return window(planes, (rows - height) // 4 * 2, (columns - width) // 4 * 2, height, width)


def flat_crop(planes: Planes, top: int, left: int, size: int) -> NDArray[np.uint8]:
    """Y, U and V of a square, one after the other: (size * size * 3 / 2,)."""
    return np.concatenate([plane.ravel() for plane in window(planes, top, left, size, size)])
