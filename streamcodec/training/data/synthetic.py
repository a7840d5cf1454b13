"""Photographs and print set in motion: panned, zoomed, turned, one before the other, with
changing light."""

from dataclasses import dataclass

import av
import kornia
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamcodec.training.data.planes import Planes, planes_of

__all__ = ["moving_clip", "to_planes"]

ALPHA_SIDE = 8
"""Blobs in front are drawn on as many cells as this each way, and smoothed."""


@dataclass(frozen=True)
class _Motion:
    """From one frame to the next: degrees, factor, pixels to the right and down."""

    turn: float
    zoom: float
    right: float
    down: float


def moving_clip(
    back: NDArray[np.uint8],
    front: NDArray[np.uint8] | None,
    count: int,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> list[Planes]:
    """`count` frames of `size` (H, W). `back`: RGB (h, w, 3), at least of that size; `front`: a
    picture; a blob of it moves in the foreground. None: nothing does."""
    frames = _moved(_tensor(back), _draw_motion(rng), count, size)
    if front is not None:
        colours = _tensor(front)
        alpha = _blob(colours.shape[-2:], rng)
        moved = _moved(torch.cat((colours, alpha), 1), _draw_motion(rng), count, size)
        alpha = moved[:, 3:].clamp(0, 1)
        frames = frames * (1 - alpha) + moved[:, :3] * alpha
    frames = _changed_light(frames, rng).clamp(0, 1)
    pixels = (frames * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return [to_planes(picture) for picture in pixels]


def to_planes(rgb: NDArray[np.uint8]) -> Planes:
    """(H, W, 3) -> 4:2:0 of BT.709, limited range."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    return planes_of(
        frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
    )


def _tensor(rgb: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255


def _draw_motion(rng: np.random.Generator) -> _Motion:
    """Half of them still or slow, half fast; one in three pans only."""
    speed = 0.0 if rng.random() < 0.1 else float(np.exp(rng.uniform(np.log(0.1), np.log(9.0))))
    angle = rng.uniform(0, 2 * np.pi)
    right, down = speed * float(np.cos(angle)), 0.6 * speed * float(np.sin(angle))
    if rng.random() < 0.33:
        return _Motion(0.0, 1.0, right, down)
    return _Motion(rng.uniform(-1, 1) ** 3 * 1.2, 1 + rng.uniform(-1, 1) ** 3 * 0.025, right, down)


def _moved(picture: Tensor, motion: _Motion, count: int, size: tuple[int, int]) -> Tensor:
    """(1, C, h, w) -> (count, C, *size), the middle of the path at the middle of the picture."""
    h, w = picture.shape[-2:]
    time = torch.arange(count) - (count - 1) / 2
    centre = torch.tensor([[w / 2, h / 2]]).repeat(count, 1)
    scale = (motion.zoom**time)[:, None].repeat(1, 2)
    matrices = kornia.geometry.get_rotation_matrix2d(centre, motion.turn * time, scale)
    matrices[:, 0, 2] += motion.right * time - (w - size[1]) / 2
    matrices[:, 1, 2] += motion.down * time - (h - size[0]) / 2
    moved: Tensor = kornia.geometry.warp_affine(
        picture.repeat(count, 1, 1, 1), matrices, size, mode="bicubic", padding_mode="reflection"
    )
    return moved


def _blob(size: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    """(1, 1, *size) in 0..1: an island of random outline."""
    cells = torch.from_numpy(rng.random((1, 1, ALPHA_SIDE, ALPHA_SIDE), np.float32))
    rise = kornia.filters.get_gaussian_kernel2d(ALPHA_SIDE + 1, (2.0, 2.0))[
        :, :ALPHA_SIDE, :ALPHA_SIDE
    ]
    cells = cells * 0.7 + rise / rise.max()
    smooth = torch.nn.functional.interpolate(cells, size=size, mode="bicubic", align_corners=True)
    return ((smooth - 0.9) * 30).clamp(0, 1)


def _changed_light(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Sometimes a fade, a lack of sharpness, noise."""
    count = len(frames)
    if rng.random() < 0.2:
        fade = torch.linspace(0, 1, count) * float(rng.uniform(-0.02, 0.02)) * count
        frames = kornia.enhance.adjust_brightness(frames, fade)
    if rng.random() < 0.15:
        sigma = float(rng.uniform(0.4, 1.5))
        frames = kornia.filters.gaussian_blur2d(frames, (7, 7), (sigma, sigma))
    if rng.random() < 0.2:
        noise = rng.standard_normal(frames.shape, np.float32) * rng.uniform(0.002, 0.012)
        frames = frames + torch.from_numpy(noise.astype(np.float32))
    return frames
