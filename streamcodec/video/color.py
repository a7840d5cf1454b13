"""YUV <-> RGB for 8-bit planes: matrix and range from ITU-T H.273, chroma where H.264 and MPEG-2 put it.

The arithmetic is the closed form of H.273 section 8.3 in 14-bit fixed point: within 1 of the exact value, without bias.
It is done here and not in swscale, because PyAV shows no chroma location: through it swscale takes chroma as left-sited when it reads
a decoded frame and as centred when it writes one, which moves the colours by half a pixel in every round trip.

Chroma of 4:2:0 is left-sited (in line with the even columns, half-way between two rows); 4:2:2 is in line with the even columns.
Columns are interpolated by [-1 9 9 -1] / 16 and thinned by its half-band partner, rows by the bicubic kernel with a = -0.75.

A matrix that is unspecified is taken as BT.709 from 720 lines or 1280 columns on and as BT.601 below (`effective_matrix`), in both
directions. Besides the matrices that are given by the weights of red and blue, YCgCo is converted. The others are refused by name: they
are not linear (constant luminance, ICtCp), have more bits than 8 (YCgCo-Re and -Ro), or mean nothing (reserved).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError
from streamcodec.types import UNSPECIFIED, ColorSpec, RawFrame

__all__ = [
    "RGB_MATRIX",
    "Plane",
    "Planes",
    "cropped",
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

RGB_MATRIX, BT709, BT601, YCGCO, BT2020 = 0, 1, 6, 8, 9  # H.273
CHROMATICITY_DERIVED = 12
LUMA_WEIGHTS = {  # matrix code point -> weights of R and B in Y
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
_DERIVED = {1: BT709, 9: BT2020}  # primaries -> the matrix whose weights follow from them
_NOT_CONVERTED = {
    10: "BT.2020 constant luminance",
    11: "SMPTE ST 2085",
    12: "derived from the primaries",
    13: "derived from the primaries, constant luminance",
    14: "ICtCp",
    15: "IPT-C2",
    16: "YCgCo-Re",
    17: "YCgCo-Ro",
}
_BITS = 14
_BAND = 1 << 15  # samples that are converted at a time, so that the temporaries stay in the cache
_GRAY = np.array([[0.299, 0.587, 0.114, 0]])


def effective_matrix(color: ColorSpec, width: int, height: int) -> int:
    """The matrix (YCGCO or a code point of `LUMA_WEIGHTS`, H.273) by which a picture of this size is converted.

    Raises UsageError for a matrix that is not converted.
    """
    if color.matrix in LUMA_WEIGHTS or color.matrix == YCGCO:
        return color.matrix
    if color.matrix in (RGB_MATRIX, UNSPECIFIED):
        return BT709 if height >= 720 or width >= 1280 else BT601
    if color.matrix == CHROMATICITY_DERIVED and color.primaries in _DERIVED:
        return _DERIVED[color.primaries]
    name = _NOT_CONVERTED.get(color.matrix, "reserved")
    raise UsageError(
        f"colour matrix is {color.matrix} ({name}), which is not converted; accepted: "
        f"{', '.join(map(str, sorted((*LUMA_WEIGHTS, YCGCO))))}, or {UNSPECIFIED} (unspecified) of ITU-T H.273; "
        "convert the video to BT.709 first"
    )


def to_rgb(planes: Planes, color: ColorSpec) -> Plane:
    """(3, H, W) uint8 RGB from Y (H, W) with U and V of 4:2:0, 4:2:2 or 4:4:4 (sides rounded up), uint8.

    Raises UsageError for other plane sizes.
    """
    luma, u, v = upsample_chroma(planes)
    height, width = luma.shape
    return _mix(
        (luma, u, v), _to_rgb_matrix(effective_matrix(color, width, height), color.full_range)
    )


def to_yuv420(rgb: Plane, color: ColorSpec) -> Planes:
    """Y (H, W), U and V (ceil(H/2), ceil(W/2)), uint8, from (3, H, W) uint8 RGB."""
    return subsample_chroma(to_yuv444(rgb, color))


def to_yuv444(rgb: Plane, color: ColorSpec) -> Planes:
    """Y, U and V, each (H, W) uint8, from (3, H, W) uint8 RGB."""
    _, height, width = rgb.shape
    matrix = _to_yuv_matrix(effective_matrix(color, width, height), color.full_range)
    luma, u, v = _mix(three(rgb), matrix)
    return luma, u, v


def rgb_of(frame: RawFrame, color: ColorSpec) -> Plane:
    """(3, H, W) uint8 RGB of a frame of either format."""
    return frame.planes[0] if frame.format == "rgb" else to_rgb(three(frame.planes), color)


def yuv420_of(frame: RawFrame, color: ColorSpec) -> Planes:
    """Y, U and V of a frame of either format, as `to_yuv420` has them."""
    return to_yuv420(frame.planes[0], color) if frame.format == "rgb" else three(frame.planes)


def three(planes: Sequence[Plane] | Plane) -> Planes:
    """Three planes as the triple that they are."""
    luma, u, v = planes
    return luma, u, v


def gray_from_rgb(rgb: Plane) -> Plane:
    """(H, W) uint8 BT.601 luma, full range, from (3, H, W) uint8 RGB: what the scene-cut detector looks at."""
    gray: Plane = _mix(three(rgb), _GRAY)[0]
    return gray


def upsample_chroma(planes: Planes) -> Planes:
    """The planes with U and V at luma's size, (H, W) uint8 each. Raises UsageError unless they are 4:2:0, 4:2:2 or 4:4:4."""
    luma, u, v = planes
    return luma, _enlarge(u, luma.shape), _enlarge(v, luma.shape)


def subsample_chroma(planes: Planes) -> Planes:
    """The planes as 4:2:0: Y (H, W), U and V (ceil(H/2), ceil(W/2)). Raises UsageError unless they are 4:2:0, 4:2:2 or 4:4:4."""
    luma, u, v = planes
    return luma, _reduce(u, luma.shape), _reduce(v, luma.shape)


def cropped(
    planes: Sequence[Plane], left: int, top: int, width: int, height: int
) -> tuple[Plane, ...]:
    """The part of a frame of either format, as RawFrame has them, that begins at (left, top). Copies; the part lies inside."""
    rows, columns = slice(top, top + height), slice(left, left + width)
    if len(planes) == 1:
        return (planes[0][:, rows, columns].copy(),)
    luma, u, v = planes
    if left % 2 == 0 and top % 2 == 0:
        half = (slice(top // 2, (top + height + 1) // 2), slice(left // 2, (left + width + 1) // 2))
        return luma[rows, columns].copy(), u[half].copy(), v[half].copy()
    full = upsample_chroma((luma, u, v))  # it begins within a sample of chroma
    luma, u, v = (np.ascontiguousarray(plane[rows, columns]) for plane in full)
    return subsample_chroma((luma, u, v))


def _enlarge(chroma: Plane, shape: tuple[int, ...]) -> Plane:
    height, width = shape
    if chroma.shape == shape:
        return chroma
    if chroma.shape == ((height + 1) // 2, (width + 1) // 2):
        chroma = _double_rows(chroma)[:height]
    if chroma.shape == (height, (width + 1) // 2):
        return _double_columns(chroma)[:, :width]
    raise UsageError(
        f"chroma plane is {chroma.shape} beside luma {shape}; accepted: 4:2:0, 4:2:2 and 4:4:4"
    )


def _reduce(chroma: Plane, shape: tuple[int, ...]) -> Plane:
    height, width = shape
    half_height, half_width = (height + 1) // 2, (width + 1) // 2
    if chroma.shape == (half_height, half_width):
        return chroma
    if chroma.shape == (height, half_width):
        return _halve_rows(chroma)
    return _halve_rows(_halve_columns(_enlarge(chroma, shape)))


def _double_rows(chroma: Plane) -> Plane:
    """Rows at i - 1/4 and i + 1/4."""
    rows, columns = chroma.shape
    doubled = np.empty((rows, 2, columns), np.uint8)
    a, b, c, d, e = _shifted(chroma, 0, np.int32)
    doubled[:, 0] = _clipped((-9 * a + 67 * b + 225 * c - 27 * d + 128) >> 8)
    doubled[:, 1] = _clipped((-27 * b + 225 * c + 67 * d - 9 * e + 128) >> 8)
    return doubled.reshape(2 * rows, columns)


def _double_columns(chroma: Plane) -> Plane:
    rows, columns = chroma.shape
    doubled = np.empty((rows, columns, 2), np.uint8)
    _, before, here, after, behind = _shifted(chroma, 1, np.int16)
    doubled[..., 0] = chroma
    doubled[..., 1] = _clipped((9 * (here + after) - before - behind + 8) >> 4)
    return doubled.reshape(rows, 2 * columns)


def _halve_columns(full: Plane) -> Plane:
    even, odd = full[:, 0::2], full[:, 1::2]
    if odd.shape[1] < even.shape[1]:
        odd = np.concatenate([odd, even[:, -1:]], axis=1)
    far, before, after, behind, _ = _shifted(odd, 1, np.int16)
    return _clipped((even.astype(np.int16) * 16 + 9 * (before + after) - far - behind + 16) >> 5)


def _halve_rows(full: Plane) -> Plane:
    if full.shape[0] % 2:
        full = np.concatenate([full, full[-1:]])
    padded = np.pad(full.astype(np.int16), ((1, 1), (0, 0)), mode="edge")
    outer, inner = padded[0:-2:2] + padded[3::2], padded[1:-1:2] + padded[2::2]
    return _clipped((19 * inner - 3 * outer + 16) >> 5)


def _shifted(
    chroma: Plane, axis: int, dtype: type[np.signedinteger[Any]]
) -> Iterator[NDArray[Any]]:
    """The plane as it is 2 and 1 places before, here, and 1 and 2 places behind along an axis; its ends are repeated."""
    reach = [(2, 2) if number == axis else (0, 0) for number in range(2)]
    padded = np.pad(chroma.astype(dtype), reach, mode="edge")
    length = chroma.shape[axis]
    for place in range(5):
        yield padded[place : place + length] if axis == 0 else padded[:, place : place + length]


def _clipped(samples: NDArray[Any]) -> Plane:
    clipped: Plane = samples.clip(0, 255).astype(np.uint8)
    return clipped


def _mix(planes: Planes, matrix: NDArray[np.float64]) -> Plane:
    """(K, H, W) uint8: `matrix` (K, 4), whose last column is the offsets, applied to three planes (H, W), rounded and clipped."""
    height, width = planes[0].shape
    weights: list[list[int]] = np.rint(matrix * (1 << _BITS)).astype(int).tolist()
    mixed = np.empty((len(weights), height, width), np.uint8)
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        parts = [plane[top : top + rows].astype(np.int32) for plane in planes]
        for target, (*factors, offset) in zip(mixed, weights, strict=True):
            total = np.full_like(parts[0], offset + (1 << (_BITS - 1)))
            for part, factor in zip(parts, factors, strict=True):
                if factor:
                    total += part * np.int32(factor)
            total >>= _BITS
            np.clip(total, 0, 255, out=total)
            target[top : top + rows] = total
    return mixed


def _to_yuv_matrix(matrix: int, full_range: bool) -> NDArray[np.float64]:
    """(3, 4): the linear part and the offsets that take RGB 0..255 to YUV."""
    luma_scale, chroma_scale, black = (1.0, 1.0, 0) if full_range else (219 / 255, 224 / 255, 16)
    if matrix == YCGCO:
        luma, u, v = np.array([[1, 2, 1], [-1, 2, -1], [2, 0, -2]]) / 4
        chroma_scale = luma_scale  # made from RGB of that range
    else:
        red, blue = LUMA_WEIGHTS[matrix]
        luma = np.array([red, 1 - red - blue, blue])
        u = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
        v = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    linear = np.stack([luma * luma_scale, u * chroma_scale, v * chroma_scale])
    return np.column_stack([linear, [black, 128, 128]])


def _to_rgb_matrix(matrix: int, full_range: bool) -> NDArray[np.float64]:
    """(3, 4): the inverse of `_to_yuv_matrix`."""
    forward = _to_yuv_matrix(matrix, full_range)
    linear = np.linalg.inv(forward[:, :3])
    return np.column_stack([linear, -linear @ forward[:, 3]])
