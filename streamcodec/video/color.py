"""YUV <-> RGB for 8-bit planes: matrix and range from ITU-T H.273, chroma where H.264 and MPEG-2 put it.

The arithmetic is the closed form of H.273 section 8.3 in 10-bit fixed point: within 1 of the exact value, without bias.
It is done here and not in swscale, because PyAV shows no chroma location: through it swscale takes chroma as left-sited when it reads
a decoded frame and as centred when it writes one, which moves the colours by half a pixel in every round trip.

Chroma of 4:2:0 is left-sited (in line with the even columns, half-way between two rows); 4:2:2 is in line with the even columns.
Columns are interpolated by [-1 9 9 -1] / 16 and thinned by its half-band partner, rows by OpenCV's bicubic kernel.

A matrix that is unspecified, or one that is none of BT.709, FCC, BT.601, SMPTE 240M and BT.2020, is taken as BT.709 from 720 lines or
1280 columns on and as BT.601 below (`effective_matrix`), in both directions, so that a round trip is right whatever the tag meant.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError
from streamcodec.types import ColorSpec, RawFrame

__all__ = [
    "Plane",
    "Planes",
    "effective_matrix",
    "gray_from_rgb",
    "rgb_of",
    "subsample_chroma",
    "three",
    "to_rgb",
    "to_yuv420",
    "to_yuv444",
    "upsample_chroma",
    "yuv420_of",
]

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]

BT709, BT601 = 1, 6
LUMA_WEIGHTS = {  # matrix code point -> weights of R and B in Y
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
_ODD_TAPS = np.array([[-1, 9, 9, -1]], np.float32)


def effective_matrix(color: ColorSpec, width: int, height: int) -> int:
    """The matrix (an H.273 code point of `LUMA_WEIGHTS`) by which a picture of this size is converted."""
    if color.matrix in LUMA_WEIGHTS:
        return color.matrix
    return BT709 if height >= 720 or width >= 1280 else BT601


def to_rgb(planes: Planes, color: ColorSpec) -> Plane:
    """(3, H, W) uint8 RGB from Y (H, W) with U and V of 4:2:0, 4:2:2 or 4:4:4 (sides rounded up), uint8.

    Raises UsageError for other plane sizes.
    """
    luma, u, v = upsample_chroma(planes)
    height, width = luma.shape
    mixed = cv2.transform(cv2.merge([luma, u, v]), _to_rgb_matrix(effective_matrix(color, width, height), color.full_range))
    return _split(mixed)


def to_yuv420(rgb: Plane, color: ColorSpec) -> Planes:
    """Y (H, W), U and V (ceil(H/2), ceil(W/2)), uint8, from (3, H, W) uint8 RGB."""
    return subsample_chroma(to_yuv444(rgb, color))


def to_yuv444(rgb: Plane, color: ColorSpec) -> Planes:
    """Y, U and V, each (H, W) uint8, from (3, H, W) uint8 RGB."""
    _, height, width = rgb.shape
    matrix = _to_yuv_matrix(effective_matrix(color, width, height), color.full_range)
    luma, u, v = _split(cv2.transform(cv2.merge(list(rgb)), matrix))
    return luma, u, v


def rgb_of(frame: RawFrame, color: ColorSpec) -> Plane:
    """(3, H, W) uint8 RGB of a frame of either format."""
    return frame.planes[0] if frame.format == "rgb" else to_rgb(three(frame.planes), color)


def yuv420_of(frame: RawFrame, color: ColorSpec) -> Planes:
    """Y, U and V of a frame of either format, as `to_yuv420` has them."""
    return to_yuv420(frame.planes[0], color) if frame.format == "rgb" else three(frame.planes)


def three(planes: Sequence[Plane]) -> Planes:
    """Three planes as the triple that they are."""
    luma, u, v = planes
    return luma, u, v


def gray_from_rgb(rgb: Plane) -> Plane:
    """(H, W) uint8 BT.601 luma, full range, from (3, H, W) uint8 RGB: what the flow hint and the scene-cut detector look at."""
    return np.asarray(cv2.cvtColor(cv2.merge(list(rgb)), cv2.COLOR_RGB2GRAY), np.uint8)


def upsample_chroma(planes: Planes) -> Planes:
    """The planes with U and V at luma's size, (H, W) uint8 each. Raises UsageError unless they are 4:2:0, 4:2:2 or 4:4:4."""
    luma, u, v = planes
    return luma, _enlarge(u, luma.shape), _enlarge(v, luma.shape)


def subsample_chroma(planes: Planes) -> Planes:
    """The planes as 4:2:0: Y (H, W), U and V (ceil(H/2), ceil(W/2)). Raises UsageError unless they are 4:2:0, 4:2:2 or 4:4:4."""
    luma, u, v = planes
    return luma, _reduce(u, luma.shape), _reduce(v, luma.shape)


def _enlarge(chroma: Plane, shape: tuple[int, ...]) -> Plane:
    height, width = shape
    if chroma.shape == shape:
        return chroma
    if chroma.shape == ((height + 1) // 2, (width + 1) // 2):
        chroma = _double_rows(chroma)[:height]
    if chroma.shape == (height, (width + 1) // 2):
        return _double_columns(chroma)[:, :width]
    raise UsageError(f"chroma plane is {chroma.shape} beside luma {shape}; accepted: 4:2:0, 4:2:2 and 4:4:4")


def _reduce(chroma: Plane, shape: tuple[int, ...]) -> Plane:
    height, width = shape
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    if chroma.shape == (half_height, half_width):
        return chroma
    if chroma.shape == (height, half_width):
        return _halve_rows(chroma)
    return _halve_rows(_halve_columns(_enlarge(chroma, shape)))


def _double_rows(chroma: Plane) -> Plane:
    rows, columns = chroma.shape
    return np.asarray(cv2.resize(chroma, (columns, 2 * rows), interpolation=cv2.INTER_CUBIC), np.uint8)


def _double_columns(chroma: Plane) -> Plane:
    between = cv2.filter2D(chroma, -1, _ODD_TAPS / 16, anchor=(1, 0), borderType=cv2.BORDER_REPLICATE)
    rows, columns = chroma.shape
    return np.asarray(cv2.merge([chroma, between]), np.uint8).reshape(rows, 2 * columns)


def _halve_columns(full: Plane) -> Plane:
    even, odd = full[:, 0::2], full[:, 1::2]
    if odd.shape[1] < even.shape[1]:
        odd = np.concatenate([odd, even[:, -1:]], axis=1)
    around = cv2.filter2D(np.ascontiguousarray(odd), cv2.CV_16S, _ODD_TAPS, anchor=(2, 0), borderType=cv2.BORDER_REPLICATE)
    thinned: NDArray[np.int16] = (even.astype(np.int16) * 16 + np.asarray(around, np.int16) + 16) >> 5
    return thinned.clip(0, 255).astype(np.uint8)


def _halve_rows(full: Plane) -> Plane:
    if full.shape[0] % 2:
        full = np.concatenate([full, full[-1:]])
    return np.asarray(cv2.resize(full, (full.shape[1], full.shape[0] // 2), interpolation=cv2.INTER_CUBIC), np.uint8)


def _split(mixed: cv2.typing.MatLike) -> Plane:
    planes = np.empty((3, *mixed.shape[:2]), np.uint8)
    cv2.split(mixed, list(planes))
    return planes


def _to_yuv_matrix(matrix: int, full_range: bool) -> NDArray[np.float64]:
    """(3, 4): the linear part and the offsets that take RGB 0..255 to YUV."""
    red, blue = LUMA_WEIGHTS[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    u = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    v = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    luma_scale, chroma_scale, black = (1.0, 1.0, 0) if full_range else (219 / 255, 224 / 255, 16)
    linear = np.stack([luma * luma_scale, u * chroma_scale, v * chroma_scale])
    return np.column_stack([linear, [black, 128, 128]])


def _to_rgb_matrix(matrix: int, full_range: bool) -> NDArray[np.float64]:
    """(3, 4): the inverse of `_to_yuv_matrix`."""
    forward = _to_yuv_matrix(matrix, full_range)
    linear = np.linalg.inv(forward[:, :3])
    return np.column_stack([linear, -linear @ forward[:, 3]])
