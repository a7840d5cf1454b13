"""Small pictures of outputs for the page: the first frame that decodes."""

import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import streamcodec
from streamcodec.errors import StreamCodecError
from streamcodec.files import input_file
from streamcodec.types import VideoFormat
from streamcodec.video import VideoReader
from streamcodec.video.pictures import to_jpeg

from ...files.locations import local_path

__all__ = ["ReadPicture", "picture_reader", "thumbnails"]

MOST_PICTURES = 50
MOST_SECONDS = 30.0
"""In which pictures are made: a model that takes seconds for a frame has fewer of them."""
SIDES = (128, 96)  # width, height that a picture fits into
JPEG_QUALITY = 70

ReadPicture = Callable[[str], str]
"""The picture of the output at a location, as a data: URI. Raises StreamCodecError."""


def thumbnails(outputs: Iterable[str], read: ReadPicture) -> dict[str, str]:
    """Of the first outputs, by location; one that cannot be read has none."""
    found: dict[str, str] = {}
    started = time.monotonic()
    for output in outputs:
        if len(found) >= MOST_PICTURES or time.monotonic() - started > MOST_SECONDS:
            break
        try:
            found[output] = read(output)
        except (StreamCodecError, OSError):
            continue
    return found


def picture_reader(opening: Mapping[str, Any] | None) -> ReadPicture:
    """`opening`: the arguments of `streamcodec.open` for outputs that are streams; None reads
    videos."""

    def read(location: str) -> str:
        source = local_path(location) or location
        rgb, shown = _of_video(source) if opening is None else _of_stream(source, opening)
        jpeg = to_jpeg(_reduced(rgb, shown), JPEG_QUALITY)
        return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"

    return read


def _of_stream(source: str, opening: Mapping[str, Any]) -> tuple[NDArray[np.uint8], VideoFormat]:
    with streamcodec.open(source, device="cpu", on_damage="skip", **opening) as video:
        for frame in video:
            return frame.array, video.header.video
    raise StreamCodecError(f"{source} has no frame that decodes")


def _of_video(source: str) -> tuple[NDArray[np.uint8], VideoFormat]:
    with input_file(source) as file, VideoReader(file) as reader:
        return next(iter(reader)).planes[0], reader.format


def _reduced(rgb: NDArray[np.uint8], video_format: VideoFormat) -> NDArray[np.uint8]:
    """(3, H, W) as it is shown, upright and with square pixels, small."""
    height, width = rgb.shape[1:]
    shown = (width * float(video_format.sample_aspect_ratio), float(height))
    turns = video_format.rotation_degrees // 90
    box = SIDES[::-1] if turns % 2 else SIDES
    by = min(1.0, *(most / side for most, side in zip(box, shown, strict=True)))
    size = tuple(max(1, round(side * by)) for side in shown)
    small = Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 2, 0))).resize(size)
    return np.rot90(np.asarray(small), turns).transpose(2, 0, 1)
