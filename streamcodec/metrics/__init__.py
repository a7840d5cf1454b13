"""Quality of decoded pictures, PSNR and MS-SSIM, and what two codecs' curves of it say of each other: BD-rate."""

from streamcodec.metrics.bjontegaard import BdRate, RateCurve, bd_rate
from streamcodec.metrics.psnr import mse, mse_to_psnr_db, psnr_db, psnr_yuv_db
from streamcodec.metrics.structure import MIN_SIDE, ms_ssim

__all__ = ["MIN_SIDE", "BdRate", "RateCurve", "bd_rate", "ms_ssim", "mse", "mse_to_psnr_db", "psnr_db", "psnr_yuv_db"]
