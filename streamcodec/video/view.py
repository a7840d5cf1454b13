"""What of a decoded picture is shown, and which way up: what the container crops, mirroring, and fields."""

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideData

from streamcodec.types import Planes
from streamcodec.video.color import cropped
from streamcodec.video.source import Crop
from streamcodec.video.turning import UPRIGHT, Orientation, orientation_of, oriented

__all__ = ["View", "view_of"]


@dataclass(frozen=True)
class View:
    """The crop is applied, and so is an orientation that mirrors, all of it, since no header can say it. A turn alone is left to the
    player: `rotation_degrees`, counter-clockwise. `notes`: what was done to the pictures, in words.
    """

    crop: Crop | None
    orientation: Orientation
    notes: tuple[str, ...] = ()

    @property
    def rotation_degrees(self) -> int:
        return 0 if self.orientation.mirrored else 90 * self.orientation.quarter_turns

    @property
    def swaps_sides(self) -> bool:
        return self.orientation.mirrored and self.orientation.quarter_turns % 2 == 1

    def size(self, stored: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of what `apply` gives of pictures of this size."""
        width, height = stored
        if self.crop is not None:
            width -= self.crop.left + self.crop.right
            height -= self.crop.top + self.crop.bottom
        return (height, width) if self.swaps_sides else (width, height)

    def apply(self, planes: Planes) -> Planes:
        """A frame of either format, as RawFrame has them, as it is shown but for `rotation_degrees`."""
        if self.crop is not None:
            height, width = planes[0].shape[-2:]
            left, top = self.crop.left, self.crop.top
            planes = cropped(
                planes,
                left,
                top,
                width - left - self.crop.right,
                height - top - self.crop.bottom,
            )
        return oriented(planes, self.orientation) if self.orientation.mirrored else planes


def view_of(frame: av.VideoFrame, crop: Crop | None) -> View:
    """The view of a video whose first frame this is. A crop that leaves nothing is none."""
    orientation = _orientation(frame)
    notes = []
    if crop is not None and (
        crop.left + crop.right >= frame.width or crop.top + crop.bottom >= frame.height
    ):
        notes.append("the crop that its container asks for leaves nothing and was not applied")
        crop = None
    if crop is not None:
        notes.append(
            f"its container crops the pictures, by {crop.left} on the left, {crop.right} on the right, {crop.top} at the top and "
            f"{crop.bottom} at the bottom; they are coded as they are shown"
        )
    if orientation.mirrored:
        notes.append("its pictures are stored mirrored; they are coded as they are shown")
    if frame.interlaced_frame:
        notes.append("it is interlaced: two fields are coded as one picture, and played as one")
    if not orientation.exact:
        notes.append("its display matrix turns by no quarter turns; the nearest were taken")
    return View(crop, orientation, tuple(notes))


def _orientation(frame: av.VideoFrame) -> Orientation:
    sides: Any = frame.side_data  # a mapping, whose values its stub does not say
    matrix = sides.get(SideData.DISPLAYMATRIX)
    return UPRIGHT if matrix is None else orientation_of(np.frombuffer(bytes(matrix), np.int32, 9))
