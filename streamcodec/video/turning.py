"""Turning and mirroring pictures: as a display matrix asks for it, and for outputs that cannot say "show this turned"."""

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from streamcodec.types import Planes, RawFrame, VideoFormat
from streamcodec.video.color import Plane, subsample_chroma, upsample_chroma

__all__ = ["UPRIGHT", "Orientation", "orientation_of", "oriented", "turned", "turned_format"]

_TOLERANCE = math.cos(math.radians(1))


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is shown: mirrored left to right if `mirrored`, then turned counter-clockwise by `quarter_turns`, 0 to 3.

    `exact`: whether that is all that was asked for; if not, it is the nearest to it.
    """

    mirrored: bool = False
    quarter_turns: int = 0
    exact: bool = True


UPRIGHT = Orientation()


def orientation_of(matrix: NDArray[np.int32]) -> Orientation:
    """The orientation nearest to a display matrix of FFmpeg's, nine integers. A step to the right leads to [0, 1], a step down to [3, 4],
    both as (right, down).
    """
    steps = np.array([matrix[:2], matrix[3:5]], np.float64)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    if not lengths.all():
        return UPRIGHT  # FFmpeg's writes zeros where there is nothing to say
    steps /= lengths[:, None]
    found = max(product((False, True), range(4)), key=lambda shown: _likeness(steps, *shown))
    return Orientation(*found, exact=_likeness(steps, *found) >= 2 * _TOLERANCE)


def _likeness(steps: NDArray[np.float64], mirrored: bool, quarter_turns: int) -> float:
    """2 where the directions are the same."""
    quarters = {0: (1, 0), 1: (0, -1), 2: (-1, 0), 3: (0, 1)}  # of a step to the right
    right = np.array(quarters[quarter_turns])
    down = np.array(quarters[(quarter_turns + 3) % 4])
    return float(steps[0] @ (-right if mirrored else right) + steps[1] @ down)


def oriented(planes: Planes, orientation: Orientation) -> Planes:
    """A frame of either format, as RawFrame has them, as it is shown."""
    if orientation.mirrored and orientation.quarter_turns == 2 and planes[0].shape[-2] % 2 == 0:
        return tuple(np.ascontiguousarray(plane[..., ::-1, :]) for plane in planes)
    if not orientation.mirrored and orientation.quarter_turns == 0:
        return planes
    if len(planes) == 1:
        return (_shown(planes[0], orientation),)
    luma, u, v = planes
    full = upsample_chroma((luma, u, v))  # chroma does not sit in the middle of its pixels
    luma, u, v = (_shown(plane, orientation) for plane in full)
    return subsample_chroma((luma, u, v))


def _shown(plane: Plane, orientation: Orientation) -> Plane:
    mirrored = plane[..., ::-1] if orientation.mirrored else plane
    return np.ascontiguousarray(np.rot90(mirrored, orientation.quarter_turns, axes=(-2, -1)))


def turned(frame: RawFrame, quarter_turns: int) -> RawFrame:
    """The frame turned counter-clockwise by 0 to 3 quarters."""
    return replace(frame, planes=oriented(frame.planes, Orientation(quarter_turns=quarter_turns)))


def turned_format(video: VideoFormat, quarter_turns: int) -> VideoFormat:
    """The format of the turned frames: upright if `quarter_turns` is what `rotation_degrees` asks for."""
    rotation = (video.rotation_degrees - 90 * quarter_turns) % 360
    if quarter_turns % 2 == 0:
        return replace(video, rotation_degrees=rotation)
    return replace(
        video,
        width=video.height,
        height=video.width,
        sample_aspect_ratio=1 / video.sample_aspect_ratio,
        rotation_degrees=rotation,
    )
