"""PSNR in decibels, for 8-bit samples.

Identical pictures give `math.inf`, so a mean over frames should be taken of the squared errors, or of the frames that differ.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError

__all__ = ["frame_mse", "mse", "mse_to_psnr_db", "psnr_db", "psnr_yuv_db"]

PEAK = 255
FRAME_WEIGHTS = {1: (1,), 3: (6, 1, 1)}
"""Number of planes -> what the error of each counts."""
_ROWS = 64  # at a time, so that the temporaries stay in the cache


def mse(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Mean squared error of two uint8 arrays of one shape, exact. Raises UsageError if type or shape differ or are empty."""
    if a.dtype != np.uint8 or b.dtype != np.uint8 or a.shape != b.shape or a.size == 0:
        raise UsageError(
            f"cannot compare {a.dtype} {a.shape} with {b.dtype} {b.shape}; accepted: two uint8 arrays of one shape, not empty"
        )
    first, second = (
        array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
        for array in (a, b)
    )
    total = sum(
        _squared_error(first[row : row + _ROWS], second[row : row + _ROWS])
        for row in range(0, len(first), _ROWS)
    )
    return total / a.size


def _squared_error(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int:
    difference = a.astype(np.int32) - b
    return int(np.sum(difference * difference, dtype=np.int64))


def frame_mse(a: Sequence[NDArray[np.uint8]], b: Sequence[NDArray[np.uint8]]) -> float:
    """Mean squared error of two frames of one format: of one plane (3, H, W) RGB, all samples alike; of Y, U, V: (6 Y + U + V) / 8.

    Unlike PSNRs, these may be averaged over frames, and a grey picture's perfect chroma does not hide what luma lacks. Raises UsageError
    unless both have the same planes.
    """
    if len(a) != len(b) or len(a) not in FRAME_WEIGHTS:
        raise UsageError(
            f"frames have {len(a)} and {len(b)} planes; accepted: one of RGB, or Y, U, V"
        )
    weights = FRAME_WEIGHTS[len(a)]
    return sum(
        weight * mse(first, second) for weight, first, second in zip(weights, a, b, strict=True)
    ) / sum(weights)


def mse_to_psnr_db(error: float) -> float:
    """10 log10(255^2 / error); inf for an error of zero."""
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """PSNR over all samples of two uint8 arrays of one shape: a plane (H, W), or RGB (3, H, W) with one error for the three channels."""
    return mse_to_psnr_db(mse(a, b))


def psnr_yuv_db(a: Sequence[NDArray[np.uint8]], b: Sequence[NDArray[np.uint8]]) -> float:
    """PSNR 6:1:1 of two frames given as planes (Y, U, V), the usual figure for 4:2:0: (6 PSNR_Y + PSNR_U + PSNR_V) / 8.

    inf if any plane is identical. Raises UsageError unless both have three planes of the same shapes.
    """
    if len(a) != 3 or len(b) != 3:
        raise UsageError(f"frames have {len(a)} and {len(b)} planes; accepted: Y, U, V")
    luma, u, v = (psnr_db(first, second) for first, second in zip(a, b, strict=True))
    return (6 * luma + u + v) / 8
