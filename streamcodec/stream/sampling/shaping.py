"""The pixels of a sample: resized, cropped, of another type."""

import random
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from streamcodec.checks import check_count
from streamcodec.errors import UsageError
from streamcodec.runtime import has_torch, require_torch
from streamcodec.stream.reading.frames import Frame, FrameBatch
from streamcodec.video.resizing import resized

__all__ = ["CropPosition", "OutputType", "Shaping", "Size"]

Size = int | tuple[int, int]
CropPosition = Literal["center", "random"]
OutputType = Literal["uint8", "float16", "float32", "bfloat16"]


@dataclass(frozen=True)
class Shaping:
    """`resize`: (height, width), or the length of the shorter side, with the aspect kept. `crop`: (height, width), or the side of a
    square, cut out of the resized picture at `crop_position`, "center" or "random". `output_dtype`: "uint8", 0..255, or
    "float16", "float32", "bfloat16", 0..1; also PyTorch's and NumPy's types of these names."""

    resize: Size | None = None
    crop: Size | None = None
    crop_position: CropPosition = "center"
    output_dtype: OutputType = "uint8"

    def __post_init__(self) -> None:
        for what, value in (("resize", self.resize), ("crop", self.crop)):
            if value is not None:
                object.__setattr__(self, what, _checked(what, value))
        object.__setattr__(self, "output_dtype", _type_name(self.output_dtype))
        if self.crop_position not in get_args(CropPosition):
            raise UsageError(f"crop_position is {self.crop_position!r}; accepted: center, random")
        if self.output_dtype == "bfloat16":
            require_torch("output_dtype bfloat16")

    @property
    def keeps_frames(self) -> bool:
        """Whether frames stay as they were decoded."""
        return self.resize is None and self.crop is None

    def size_of(self, size: tuple[int, int], name: str) -> tuple[int, int]:
        """(height, width) of the samples of a video of this size. UsageError if the crop does not fit; `name` is the video's."""
        height, width = self._scaled(size)
        if self.crop is None:
            return height, width
        crop = _pair(self.crop)
        if crop[0] > height or crop[1] > width:
            resizing = "" if self.resize is None else " after resizing"
            raise UsageError(
                f"crop is {crop[0]}x{crop[1]} (height x width); frames of {name} are {height}x{width}{resizing}: "
                "resize them to at least as much"
            )
        return crop

    def shaped(self, shown: Frame | FrameBatch, name: str, key: str) -> Frame | FrameBatch:
        """The frame, or the batch, resized and cropped; its planes are then RGB. `key` decides where a random crop lies."""
        if self.keeps_frames:
            return shown
        return replace(shown, planes=(self.pixels(shown.array, name, key),))

    def pixels(self, rgb: NDArray[np.uint8], name: str, key: str) -> NDArray[np.uint8]:
        """(..., 3, H, W) uint8 to (..., 3, h, w), the same stretch of each picture."""
        size = (rgb.shape[-2], rgb.shape[-1])
        height, width = self.size_of(size, name)
        scaled = self._scaled(size)
        top, left = self._corner(scaled[0] - height, scaled[1] - width, key)
        if scaled != size:
            pictures = [resized(picture, scaled) for picture in rgb.reshape(-1, 3, *size)]
            rgb = np.stack(pictures).reshape(*rgb.shape[:-2], *scaled)
        return np.ascontiguousarray(rgb[..., top : top + height, left : left + width])

    def sample(self, shown: Frame | FrameBatch) -> Any:
        """(..., 3, H, W) of `output_dtype`: a tensor, or without PyTorch an array."""
        if not has_torch():
            array: NDArray[Any] = shown.array
            if self.output_dtype == "uint8":
                return array
            return (array.astype(np.float32) / np.float32(255)).astype(self.output_dtype)
        if self.output_dtype == "uint8":
            return shown.data
        import torch

        return shown.data.float().div_(255).to(getattr(torch, self.output_dtype))

    def _scaled(self, size: tuple[int, int]) -> tuple[int, int]:
        if self.resize is None or isinstance(self.resize, tuple):
            return self.resize or size
        height, width = (max(1, round(side * self.resize / min(size))) for side in size)
        return height, width

    def _corner(self, height: int, width: int, key: str) -> tuple[int, int]:
        """Top and left of a crop, where this much is left over."""
        if self.crop_position == "center":
            return height // 2, width // 2
        chance = random.Random(key)
        return chance.randint(0, height), chance.randint(0, width)


def _checked(what: str, value: Any) -> Size:
    if not isinstance(value, (tuple, list)):
        return check_count(what, value, "pixels, or (height, width)")
    if len(value) != 2:
        raise UsageError(f"{what} is {value!r}; accepted: an integer, or (height, width)")
    return check_count(f"height of {what}", value[0], "pixels"), check_count(
        f"width of {what}", value[1], "pixels"
    )


def _pair(size: Size) -> tuple[int, int]:
    return size if isinstance(size, tuple) else (size, size)


def _type_name(given: Any) -> OutputType:
    """The name of a type, given by name or as PyTorch's or NumPy's."""
    name = getattr(given, "__name__", str(given)).removeprefix("torch.")
    if name not in get_args(OutputType):
        accepted = ", ".join(get_args(OutputType))
        raise UsageError(f"output_dtype is {given!r}; accepted: {accepted}")
    return cast(OutputType, name)
