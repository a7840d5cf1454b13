"""Pictures in another size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["resized"]


def resized(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(3, H, W) uint8 RGB to (3, *size): a triangle filter, widened where it gets smaller, so that nothing aliases."""
    if rgb.shape[1:] == size:
        return rgb
    picture = Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 2, 0)))
    scaled = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(scaled).transpose(2, 0, 1))
