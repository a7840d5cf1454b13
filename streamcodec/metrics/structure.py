"""MS-SSIM: how alike the structure of two pictures is, over five scales; differentiable.

Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multiscale structural similarity for image quality assessment", 2003, section 3.
Windows are valid ones: no sample beyond the edge is invented. A side halves to ceil(side / 2): at an odd side's end, the mean
is that of the samples that are there.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from streamcodec.errors import UsageError

__all__ = ["MIN_SIDE", "ms_ssim"]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, the finest first."""
TAPS = 11
SIGMA = 1.5  # of the Gaussian window, in pixels of its scale
K1, K2 = 0.01, 0.03

MIN_SIDE = (TAPS - 1) * 2 ** (len(WEIGHTS) - 1) + 1
"""The smallest width and height that leave one whole window at the coarsest scale: 161 pixels."""

_LEAST = 1e-6  # a mean contrast may be negative, where a power is undefined; the slope of a power at zero is infinite


def ms_ssim(a: Tensor, b: Tensor, data_range: float = 1.0) -> Tensor:
    """MS-SSIM of each picture of two batches (N, C, H, W) of floats: (N,), at most 1, which is for identical pictures.

    Each channel is compared on its own and the mean taken, so RGB and luma (C = 1) both do. `data_range`: the difference of the
    largest and smallest value that a sample can have. Half precisions are widened and autocast is left: variances are small
    differences of squares. Raises UsageError for shapes that differ, no floats, or a side below 161 pixels.
    """
    _check(a, b, data_range)
    dtype = torch.promote_types(torch.promote_types(a.dtype, b.dtype), torch.float32)
    with torch.autocast(a.device.type, enabled=False):
        a, b = a.to(dtype), b.to(dtype)
        product = torch.ones((), dtype=dtype, device=a.device)
        for scale, weight in enumerate(WEIGHTS):
            if scale:
                a, b = (F.avg_pool2d(x, 2, ceil_mode=True) for x in (a, b))
            luminance, contrast = _compare(a, b, data_range)
            term = contrast * luminance if scale == len(WEIGHTS) - 1 else contrast
            product = product * term.mean((-2, -1)).clamp(min=_LEAST) ** weight
        return product.mean(1)


def _check(a: Tensor, b: Tensor, data_range: float) -> None:
    if (
        a.shape != b.shape
        or a.ndim != 4
        or 0 in a.shape[:2]
        or not (a.is_floating_point() and b.is_floating_point())
    ):
        came = f"{a.dtype} {tuple(a.shape)} with {b.dtype} {tuple(b.shape)}"
        raise UsageError(
            f"cannot compare {came}; accepted: two float tensors (N, C, H, W) of one shape, not empty"
        )
    if min(a.shape[-2:]) < MIN_SIDE:
        raise UsageError(
            f"MS-SSIM of {a.shape[-1]}x{a.shape[-2]} pictures; accepted: both sides at least {MIN_SIDE}, for five scales"
        )
    if not data_range > 0:
        raise UsageError(f"data range is {data_range}; accepted: above zero")


def _compare(a: Tensor, b: Tensor, data_range: float) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) twice -> luminance and contrast-structure of every window, (N, C, H - 10, W - 10) each: SSIM is their product."""
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    mean_a, mean_b, square_a, square_b, product = _blur(
        torch.cat((a, b, a * a, b * b, a * b), 1)
    ).chunk(5, 1)
    covariance = product - mean_a * mean_b
    variances = square_a - mean_a**2 + square_b - mean_b**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance, (2 * covariance + c2) / (variances + c2)


def _blur(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, H - 10, W - 10), C > 1. Contiguous and by channel, since CUDA computes that in fp32, not TF32."""
    channels = x.shape[1]
    window = _window(x)
    x = F.conv2d(
        x.contiguous(), window.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels
    )
    return F.conv2d(x, window.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)


def _window(like: Tensor) -> Tensor:
    distance = torch.arange(TAPS, dtype=like.dtype, device=like.device) - TAPS // 2
    window = torch.exp(-0.5 * (distance / SIGMA) ** 2)
    return window / window.sum()
