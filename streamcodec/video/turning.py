"""Turning pictures, for outputs that cannot say "show this turned"."""

from dataclasses import replace

import numpy as np

from streamcodec.types import RawFrame, VideoFormat
from streamcodec.video.color import Plane, subsample_chroma, upsample_chroma

__all__ = ["turned", "turned_format"]


def turned(frame: RawFrame, quarter_turns: int) -> RawFrame:
    """The frame turned counter-clockwise by 0 to 3 quarters."""
    if quarter_turns == 0:
        return frame
    if frame.format == "rgb":
        return replace(frame, planes=(_turn(frame.planes[0], quarter_turns),))
    luma, u, v = frame.planes
    full = upsample_chroma((luma, u, v))  # chroma does not sit in the middle of its pixels
    luma, u, v = (_turn(plane, quarter_turns) for plane in full)
    return replace(frame, planes=subsample_chroma((luma, u, v)))


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


def _turn(plane: Plane, quarter_turns: int) -> Plane:
    return np.ascontiguousarray(np.rot90(plane, quarter_turns, axes=(-2, -1)))
