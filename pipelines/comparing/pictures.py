"""The pictures of chosen frames, lossless, cut down to what a page can hold."""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from streamcodec.types import ColorSpec, Planes
from streamcodec.video.color import three, to_rgb

__all__ = ["Chosen", "Window", "data_uri", "embedded", "window_of"]

BLOCK = 16  # pixels: windows begin and end at multiples of it
LEAST_SIDE = 64
BYTES_PER_PIXEL = 2.0  # of a lossless picture as base64, as a first guess
TAKES_MORE = 0.9  # what a second guess leaves room for


@dataclass(frozen=True)
class Window:
    """A part of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Chosen:
    """A frame to show: of the source and of each coding, None where it has none. `reasons`: why it
    was chosen."""

    frame: int
    reasons: tuple[str, ...]
    planes: tuple[Planes | None, ...]


def embedded(
    chosen: Sequence[Chosen], color: ColorSpec, quarter_turns: int, max_bytes: int
) -> list[tuple[Window, list[str | None]]]:
    """For each frame its window and its pictures as data: URIs, turned counter-clockwise, which
    together take no more than `max_bytes` characters. A window is the whole picture, or a part of it around the
    largest error."""
    pictures = sum(planes is not None for each in chosen for planes in each.planes)
    pixels = max_bytes / max(pictures, 1) / BYTES_PER_PIXEL
    while True:
        found = [_embed(each, color, quarter_turns, pixels) for each in chosen]
        total = sum(len(uri) for _, uris in found for uri in uris if uri is not None)
        smallest = all(max(window.width, window.height) <= LEAST_SIDE for window, _ in found)
        if total <= max_bytes or smallest:
            return found
        largest = max(window.width * window.height for window, _ in found)
        pixels = min(pixels, largest) * max_bytes / total * TAKES_MORE


def _embed(
    chosen: Chosen, color: ColorSpec, quarter_turns: int, pixels: float
) -> tuple[Window, list[str | None]]:
    source, *codings = chosen.planes
    assert source is not None
    height, width = source[0].shape
    share = sqrt(min(1.0, pixels / (width * height)))
    sides = [
        min(side, max(LEAST_SIDE, int(side * share) // BLOCK * BLOCK)) for side in (width, height)
    ]
    window = window_of(source, codings, *sides) if share < 1 else Window(0, 0, width, height)
    uris = [
        None if planes is None else _part(planes, color, window, quarter_turns)
        for planes in chosen.planes
    ]
    return window, uris


def window_of(source: Planes, codings: Sequence[Planes | None], width: int, height: int) -> Window:
    """Where a window of this size holds most squared error of luma, summed over the codings; in the
    middle where there is none."""
    luma = source[0].astype(np.int32)
    error = np.zeros(luma.shape, np.float64)
    for planes in codings:
        if planes is not None:
            error += (luma - planes[0]) ** 2
    sums = np.pad(error, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    tops, lefts = (
        _places(side, size) for side, size in zip(luma.shape, (height, width), strict=True)
    )
    inside = (
        sums[np.ix_(tops + height, lefts + width)]
        - sums[np.ix_(tops, lefts + width)]
        - sums[np.ix_(tops + height, lefts)]
        + sums[np.ix_(tops, lefts)]
    )
    if not error.any():
        return Window(int(lefts[len(lefts) // 2]), int(tops[len(tops) // 2]), width, height)
    row, column = np.unravel_index(int(np.argmax(inside)), inside.shape)
    return Window(int(lefts[column]), int(tops[row]), width, height)


def _places(side: int, size: int) -> NDArray[np.int64]:
    """Where a window may begin."""
    return np.unique(np.append(np.arange(0, side - size + 1, BLOCK), side - size))


def _part(planes: Planes, color: ColorSpec, window: Window, quarter_turns: int) -> str:
    rgb = to_rgb(three(planes), color)
    part = rgb[:, window.top : window.top + window.height, window.left : window.left + window.width]
    return data_uri(np.rot90(part, quarter_turns, axes=(-2, -1)))


def data_uri(rgb: NDArray[np.uint8]) -> str:
    """(3, H, W) uint8 -> lossless WebP as a data: URI; PNG where Pillow lacks WebP."""
    kind = "webp" if features.check("webp") else "png"
    options = {"lossless": True, "quality": 40, "method": 3} if kind == "webp" else {}
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 2, 0))).save(file, kind, **options)
    return f"data:image/{kind};base64,{b64encode(file.getvalue()).decode()}"
