"""Rate and distortion: loss = lambda * distortion + bits per pixel, lambda by the quality of each sample.

The distortion is 255^2 MSE, or 1 - MS-SSIM, as the config says; each has a range of lambda of its own. The MSE is that of luma plus half
of that of either colour difference (BT.709, all in [0, 1]): near the optimum of PSNR 6:1:1 on 4:2:0 pictures, where an error of colour
counts for an eighth of the decibels but starts from a third of luma's error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from streamcodec.metrics import ms_ssim
from streamcodec.models import ImageOutput, InterOutput
from streamcodec.training.config import TrainConfig

__all__ = ["Cost", "figures_of", "flow_cost", "image_cost", "lambdas", "mean_loss", "rate_bpp", "weighted_yuv"]

CHROMA_WEIGHT = 0.5


@dataclass(frozen=True)
class Cost:
    """Of N samples, each (N,): `loss`, `bpp` (bits per pixel, by name of the latent), weighted `mse` of the reconstruction where
    there is one, and `ms_ssim` of it where that is trained for."""

    loss: Tensor
    bpp: Mapping[str, Tensor]
    mse: Tensor | None = None
    ms_ssim: Tensor | None = None


def lambdas(q: Tensor, config: TrainConfig) -> Tensor:
    """q (N,) in 0 .. gain_rows - 1 -> lambda of the MSE (N,), evenly spaced in the logarithm."""
    return _spaced(q, config.lambda_low, config.lambda_high, config.gain_rows)


def ssim_lambdas(q: Tensor, config: TrainConfig) -> Tensor:
    """The same of 1 - MS-SSIM."""
    return _spaced(q, config.ssim_lambda_low, config.ssim_lambda_high, config.gain_rows)


def _spaced(q: Tensor, low: float, high: float, rows: int) -> Tensor:
    return low * (high / low) ** (q / (rows - 1))


def rate_bpp(likelihoods: Mapping[str, Tensor], pixels: int) -> Tensor:
    """Likelihoods (N, ...) of the parts of a latent -> bits per pixel (N,)."""
    return -torch.stack([part.log2().flatten(1).sum(1) for part in likelihoods.values()]).sum(0) / pixels


def image_cost(output: ImageOutput, frames: Tensor, q: Tensor, config: TrainConfig) -> Cost:
    """Of I-frames: frames (N, 3, H, W), q (N,)."""
    bpp = {"image": rate_bpp(output["likelihoods"], frames[0, 0].numel())}
    return _cost(output["x_hat"], None, frames, bpp, q, config)


def flow_cost(output: InterOutput, frames: Tensor, q: Tensor, config: TrainConfig) -> Cost:
    """Of P-frames: frames (N, 3, H, W), q (N,). The prediction's error counts a little, which keeps the motion from starving."""
    bpp = {name: rate_bpp(parts, frames[0, 0].numel()) for name, parts in output["likelihoods"].items()}
    return _cost(output["x_hat"], output["prediction"], frames, bpp, q, config)


def mean_loss(costs: Sequence[Cost]) -> Tensor:
    """Mean over the samples of all frames of a step, a scalar."""
    return torch.stack([cost.loss.mean() for cost in costs]).mean()


def figures_of(kind: str, costs: Sequence[Cost]) -> dict[str, Tensor]:
    """Scalars for the log: means over the frames of a step, and PSNR in dB of the last frame where there are several."""
    psnr_db = [-10 * cost.mse.log10().mean() for cost in costs if cost.mse is not None]
    figures = {f"{kind}_loss": mean_loss(costs)}
    if psnr_db:
        figures[f"{kind}_psnr_db"] = torch.stack(psnr_db).mean()
    if len(psnr_db) > 1:
        figures[f"{kind}_last_psnr_db"] = psnr_db[-1]
    for name in costs[0].bpp:
        figures[f"{name}_bpp"] = torch.stack([cost.bpp[name].mean() for cost in costs]).mean()
    structure = [cost.ms_ssim.mean() for cost in costs if cost.ms_ssim is not None]
    if structure:
        figures[f"{kind}_ms_ssim"] = torch.stack(structure).mean()
    return figures


def _cost(x_hat: Tensor, prediction: Tensor | None, frames: Tensor, bpp: Mapping[str, Tensor], q: Tensor, config: TrainConfig) -> Cost:
    mse, rate = _mse(x_hat, frames), torch.stack(list(bpp.values())).sum(0)
    structure = None if config.loss == "mse" else ms_ssim(x_hat, frames)
    distortion = mse if structure is None else 1 - structure
    if prediction is not None:
        missed = _mse(prediction, frames) if structure is None else 1 - ms_ssim(prediction, frames)
        distortion = distortion + config.prediction_weight * missed
    weight = lambdas(q, config) * 255**2 if structure is None else ssim_lambdas(q, config)
    return Cost(weight * distortion + rate, bpp, mse, structure)


def _mse(x_hat: Tensor, x: Tensor) -> Tensor:
    difference = torch.einsum("kc,nchw->nkhw", weighted_yuv().to(x.device), x_hat.float() - x)
    return difference.square().sum(1).flatten(1).mean(1)


def weighted_yuv() -> Tensor:
    """(3, 3): RGB to luma and colour differences of BT.709, the latter times the root of CHROMA_WEIGHT."""
    red, green, blue = 0.2126, 0.7152, 0.0722
    root = math.sqrt(CHROMA_WEIGHT)
    to_blue, to_red = root / (2 - 2 * blue), root / (2 - 2 * red)
    rows = [
        [red, green, blue],
        [-red * to_blue, -green * to_blue, (1 - blue) * to_blue],
        [(1 - red) * to_red, -green * to_red, -blue * to_red],
    ]
    return torch.tensor(rows)
