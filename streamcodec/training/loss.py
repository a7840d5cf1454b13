"""What a frame costs: distortion of its planes and bits. The two kinds of frames differ in
`code_batch` alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models.dct.gains import lagrangian
from streamcodec.models.dct.inter import DctInter, InterConfig
from streamcodec.models.dct.intra import DctIntra, IntraConfig
from streamcodec.models.dct.scales import SymbolCounts
from streamcodec.models.dct.transforms import Planes
from streamcodec.training.batches import Batch
from streamcodec.training.config import Distortion, Kind, Objective

__all__ = ["Cost", "batch_cost", "make_model"]

LEAST_ERROR = 1e-3
"""Of PSNR: 78 dB."""


@dataclass(frozen=True)
class Cost:
    """All (N,). `loss`: distortion / lagrangian + bits, for each pixel; PSNR of luma and chroma,
    bits per pixel, z's of them."""

    loss: Tensor
    luma_db: Tensor
    chroma_db: Tensor
    bpp: Tensor
    z_bpp: Tensor

    def means(self) -> dict[str, float]:
        return {name: float(value.detach().mean()) for name, value in vars(self).items()}


@dataclass(frozen=True)
class _Coded:
    planes: Planes
    bits: Tensor
    z_bits: Tensor


def make_model(kind: Kind, widths: dict[str, int], hadamard: Sequence[int] = ()) -> nn.Module:
    """The float model of a kind; `hadamard`: of P-frames. Raises UsageError for unknown widths."""
    try:
        if kind == "inter":
            return DctInter(InterConfig(**widths, hadamard=tuple(hadamard)))
        return DctIntra(IntraConfig(**widths))
    except TypeError as error:
        raise UsageError(f"widths are {widths}: {error}") from error


def batch_cost(
    model: nn.Module,
    batch: Batch,
    objective: Objective,
    counts: SymbolCounts | None = None,
    *,
    hadamard: bool | None = None,
) -> Cost:
    """`counts` is told all symbols. `hadamard`: that of DctInter.forward()."""
    coded = _code_batch(model, batch, objective.squared_steps_per_bit, counts, hadamard)
    (luma, chroma), (luma_was, chroma_was) = coded.planes, batch.frame
    pixels = luma[0].numel()
    luma_error = (luma - luma_was).square().sum((1, 2, 3))
    chroma_error = (chroma - chroma_was).square().sum((1, 2, 3))
    distortion = luma_error
    if objective.distortion != "mse":
        distortion = _structure(objective.distortion)(luma, luma_was) * (
            objective.ssim_error * pixels
        )
    total = (distortion + objective.chroma_weight * chroma_error) / lagrangian(batch.q) + coded.bits
    return Cost(
        total / pixels,
        _decibels(luma_error / pixels),
        _decibels(chroma_error / chroma[0].numel()),
        coded.bits / pixels,
        coded.z_bits / pixels,
    )


def _code_batch(
    model: nn.Module,
    batch: Batch,
    squared_steps_per_bit: float,
    counts: SymbolCounts | None,
    hadamard: bool | None,
) -> _Coded:
    if batch.prediction is None:
        intra = model(batch.frame, batch.q, squared_steps_per_bit, counts)
        return _Coded(intra.planes, intra.bits, intra.z_bits)
    inter = model(
        batch.frame,
        batch.prediction,
        batch.before,
        batch.q,
        squared_steps_per_bit,
        counts,
        hadamard,
    )
    return _Coded(inter.planes, inter.bits, torch.zeros_like(inter.bits))


def _structure(distortion: Distortion) -> Callable[[Tensor, Tensor], Tensor]:
    """1 - SSIM or 1 - MS-SSIM of luma (N, 1, H, W) in 0..255, as (N,)."""
    try:
        import kornia
    except ImportError as error:
        raise UsageError(
            f"distortion {distortion} needs kornia (pip install 'streamcodec[train]'): {error}"
        ) from error
    if distortion == "ssim":
        return lambda a, b: 1 - kornia.metrics.ssim(a, b, 11, 255.0).mean((1, 2, 3))
    loss = kornia.losses.MS_SSIMLoss(
        data_range=255.0, alpha=1.0, compensation=1.0, reduction="none"
    )
    return lambda a, b: cast(Tensor, loss.to(a.device)(a, b)).flatten(1).mean(1)


def _decibels(squared_error: Tensor) -> Tensor:
    return 20 * math.log10(255) - 10 * squared_error.clamp_min(LEAST_ERROR).log10()
