"""Rate and distortion: loss = lambda 255^2 MSE + bits per pixel, lambda by the quality of each sample."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from streamcodec.models import ImageOutput, InterOutput
from streamcodec.training.config import TrainConfig

__all__ = ["Cost", "flow_cost", "image_cost", "lambdas", "rate_bpp"]


@dataclass(frozen=True)
class Cost:
    """Of N samples, each (N,): `loss`, `bpp` (bits per pixel, by name of the latent), `mse` of the reconstruction in [0, 1]."""

    loss: Tensor
    bpp: Mapping[str, Tensor]
    mse: Tensor


def lambdas(q: Tensor, config: TrainConfig) -> Tensor:
    """q (N,) in 0 .. gain_rows - 1 -> lambda (N,), evenly spaced in the logarithm."""
    return config.lambda_low * (config.lambda_high / config.lambda_low) ** (q / (config.gain_rows - 1))


def rate_bpp(likelihoods: Mapping[str, Tensor], pixels: int) -> Tensor:
    """Likelihoods (N, ...) of the parts of a latent -> bits per pixel (N,)."""
    return -torch.stack([part.log2().flatten(1).sum(1) for part in likelihoods.values()]).sum(0) / pixels


def image_cost(output: ImageOutput, frames: Tensor, q: Tensor, config: TrainConfig) -> Cost:
    """Of I-frames: frames (N, 3, H, W), q (N,)."""
    mse = _mse(output["x_hat"], frames)
    bpp = {"image": rate_bpp(output["likelihoods"], frames[0, 0].numel())}
    return Cost(_loss(mse, bpp, q, config), bpp, mse)


def flow_cost(output: InterOutput, frames: Tensor, q: Tensor, config: TrainConfig) -> Cost:
    """Of P-frames: frames (N, 3, H, W), q (N,). The prediction's error counts a little, which keeps the motion from starving."""
    mse = _mse(output["x_hat"], frames)
    bpp = {name: rate_bpp(parts, frames[0, 0].numel()) for name, parts in output["likelihoods"].items()}
    distortion = mse + config.prediction_weight * _mse(output["prediction"], frames)
    return Cost(_loss(distortion, bpp, q, config), bpp, mse)


def _mse(x_hat: Tensor, x: Tensor) -> Tensor:
    return (x_hat.float() - x).square().flatten(1).mean(1)


def _loss(distortion: Tensor, bpp: Mapping[str, Tensor], q: Tensor, config: TrainConfig) -> Tensor:
    rate = torch.stack(list(bpp.values())).sum(0)
    return rate if config.stage == "entropy" else lambdas(q, config) * 255**2 * distortion + rate
