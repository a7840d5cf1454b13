"""The Gaussian scale-space volume of a frame and its lookup (Agustsson et al., CVPR 2020, section 3).

Level 0 is the sharp frame, level 1 the blurred one, and every level after that has half the resolution of the one
before and is brought back to full size. A lookup between levels is a bilinear lookup in each, blended with hat weights
max(0, 1 - |level - l|): the same as a trilinear lookup in the volume, at the price of 2-D sampling only.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["gaussian_volume", "warp"]


def gaussian_volume(x: Tensor, levels: int = 5, sigma: float = 1.5) -> Tensor:
    """Frames (N, C, H, W) -> volume (N, levels + 1, C, H, W): sharp, blurred, then `levels - 1` pyramid levels.

    `sigma` is in pixels of the level. A level is brought back to full size by repeated doubling, which the published
    ssf2020 weights were trained with. Sides that are no multiple of 2 ** (levels - 1) are padded by replication on the
    way down and cropped on the way up.
    """
    volume, sizes = [x], []
    for level in range(levels):
        if level:
            sizes.append(x.shape[-2:])
            x = _halve(x)
        x = _blur(x, sigma)
        volume.append(_double(x, sizes))
    return torch.stack(volume, 1)


def warp(volume: Tensor, flow: Tensor, level: Tensor) -> Tensor:
    """Look up volume (N, L + 1, C, H, W) at every pixel moved by `flow`, at `level` -> (N, C, H, W).

    flow (N, 2, H, W): x, y displacement in pixels. level (N, 1, H, W): clamped to [0, L]. Pixel centres are at
    half-integers and positions outside take the nearest pixel of the border.
    """
    grid = _sampling_grid(flow)
    level = level.clamp(0, volume.shape[1] - 1)
    out = torch.zeros_like(volume[:, 0])
    for index, plane in enumerate(volume.unbind(1)):
        weight = (1 - (level - index).abs()).clamp(min=0)
        out = out + weight * F.grid_sample(
            plane, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
    return out


def _sampling_grid(flow: Tensor) -> Tensor:
    """Flow (N, 2, H, W) in pixels -> positions (N, H, W, 2) in [-1, 1], float32: half precision cannot tell neighbouring pixels apart."""
    height, width = flow.shape[-2:]
    columns = torch.arange(width, device=flow.device, dtype=torch.float32) + 0.5
    rows = torch.arange(height, device=flow.device, dtype=torch.float32) + 0.5
    x = (flow[:, 0].float() + columns) * (2 / width) - 1
    y = (flow[:, 1].float() + rows[:, None]) * (2 / height) - 1
    return torch.stack((x, y), -1)


def _blur(x: Tensor, sigma: float) -> Tensor:
    """Separable Gaussian of 2 ceil(3 sigma) + 1 taps with replicated borders."""
    radius, channels = math.ceil(3 * sigma), x.shape[1]
    taps = torch.exp(
        -0.5 * (torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype) / sigma) ** 2
    )
    kernel = (taps / taps.sum()).expand(channels, 1, 1, -1)
    x = F.pad(x, (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(x, kernel, groups=channels), kernel.transpose(2, 3), groups=channels)


def _halve(x: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), mode="replicate"), 2)


def _double(x: Tensor, sizes: list[torch.Size]) -> Tensor:
    """Undo the halvings one by one."""
    for height, width in reversed(sizes):
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)[
            ..., :height, :width
        ]
    return x
