"""A hint for motion to train with: a classical optical flow at a quarter of the resolution. It takes OpenCV.

OpenCV's dense inverse search (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016). The decoder never needs it, so
any flow will do; a better one makes a better encoder. The result does not depend on the number of threads.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import NotInstalledError, UsageError

__all__ = ["flow_hint"]

STRIDE = 16
_HALVE_ABOVE = 1_500_000  # pixels
_SMALLEST_SIDE = 64  # OpenCV's DIS crashes on wide pictures of 16 rows


def flow_hint(current: NDArray[np.uint8], reference: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(2, H/4, W/4) float32: displacement x, y in pixels of the full picture, from `current` to `reference`, both (H, W) uint8 grey.

    The pixel of `current` at (x, y) is found in `reference` at (x + flow[0], y + flow[1]). H and W are multiples of 16.
    Raises UsageError for other sizes or types, NotInstalledError without OpenCV. Safe to call from several threads.
    """
    height, width = _check(current, reference)
    cv2 = _opencv()
    scale = 2 if height * width > _HALVE_ABOVE else 1
    small = [_prepare(cv2, gray, scale) for gray in (current, reference)]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(small[0], small[1], np.zeros((*small[0].shape, 2), np.float32))
    flow = flow[: height // scale, : width // scale]
    quarter = cv2.resize(flow, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(quarter.transpose(2, 0, 1) * scale, dtype=np.float32)


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise NotInstalledError(f"flow hints need OpenCV ({error}): pip install opencv-python-headless") from error
    return cv2


def _prepare(cv2: Any, gray: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    if scale > 1:
        gray = np.asarray(cv2.resize(gray, (gray.shape[1] // scale, gray.shape[0] // scale), interpolation=cv2.INTER_AREA), np.uint8)
    missing = [max(0, _SMALLEST_SIDE - side) for side in gray.shape]
    return np.pad(gray, ((0, missing[0]), (0, missing[1])), mode="edge") if any(missing) else np.ascontiguousarray(gray)


def _check(current: NDArray[np.uint8], reference: NDArray[np.uint8]) -> tuple[int, int]:
    usable = current.ndim == 2 and current.shape == reference.shape and current.dtype == reference.dtype == np.uint8
    if not usable or current.size == 0 or current.shape[0] % STRIDE or current.shape[1] % STRIDE:
        raise UsageError(
            f"pictures are {current.dtype} {current.shape} and {reference.dtype} {reference.shape}; "
            f"accepted: two uint8 (H, W) of one size, multiples of {STRIDE}"
        )
    return current.shape[0], current.shape[1]
