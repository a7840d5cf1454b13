"""Quality of decoded pictures, PSNR and MS-SSIM, and what two codecs' curves of it say of each other: BD-rate.

MS-SSIM takes PyTorch, and is imported when it is first used.
"""

from typing import TYPE_CHECKING

from streamcodec.metrics.bjontegaard import BdRate, RateCurve, bd_rate
from streamcodec.metrics.psnr import frame_mse, mse, mse_to_psnr_db, psnr_db, psnr_yuv_db
from streamcodec.runtime import require_torch

if TYPE_CHECKING:
    from streamcodec.metrics.structure import MIN_SIDE, ms_ssim

__all__ = [
    "MIN_SIDE",
    "BdRate",
    "RateCurve",
    "bd_rate",
    "frame_mse",
    "ms_ssim",
    "mse",
    "mse_to_psnr_db",
    "psnr_db",
    "psnr_yuv_db",
]


def __getattr__(name: str) -> object:
    if name not in ("MIN_SIDE", "ms_ssim"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_torch("MS-SSIM")
    from streamcodec.metrics import structure

    return getattr(structure, name)
