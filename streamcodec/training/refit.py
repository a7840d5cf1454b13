"""Hyperpriors alone, on latents that are kept: the transforms stand still, so their latents are computed once and read many times.

A step costs a fiftieth of one of joint training. The symbols are those that the encoder would choose, so scales become as sharp as
the symbols are: a Gaussian that was trained on noise expects a spread of 0.3 even where every symbol is 0.

    kept = collect(image, flow, chains, batches)
    refit(flow.residual_hyperprior, kept["residual"], steps, lr, rng)
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from streamcodec.models import QuarterFlow, QuarterImage
from streamcodec.models.latent import HyperpriorLatent
from streamcodec.training.chains import Chains

__all__ = ["Kept", "collect", "hyperpriors", "refit"]

BATCH = 16
CLIP = 5.0


@dataclass(frozen=True)
class Kept:
    """Latents before their gains, y (N, M, h, w) float16, of samples with qualities q (N,)."""

    y: Tensor
    q: Tensor


def hyperpriors(image: QuarterImage, flow: QuarterFlow) -> dict[str, HyperpriorLatent]:
    return {"image": image.hyperprior, "motion": flow.motion_hyperprior, "residual": flow.residual_hyperprior}


@torch.no_grad()
def collect(image: QuarterImage, flow: QuarterFlow, chains: Chains, batches: int) -> dict[str, Kept]:
    """What the transforms give for `batches` steps of the chains, coded on as the codec does; and for their I-frames."""
    found: dict[str, list[Tensor]] = {"image": [], "motion": [], "residual": []}
    qualities: dict[str, list[Tensor]] = {"image": [], "motion": [], "residual": []}

    def watch(name: str, model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found[name].append(inputs[0].half().contiguous())
        qualities[name].append(inputs[1])

    originals = {name: latent.estimate for name, latent in hyperpriors(image, flow).items()}
    try:
        for name, latent in hyperpriors(image, flow).items():
            latent.estimate = _watched(originals[name], found[name], qualities[name])  # type: ignore[method-assign]
        for _ in range(batches):
            batch = chains.next(lambda frames, q: image(frames, q)["x_hat"])
            chains.keep(flow(batch.frames, batch.references, batch.q, batch.hints)["x_hat"])
    finally:
        for latent in hyperpriors(image, flow).values():
            del latent.estimate
    return {name: Kept(torch.cat(found[name]), torch.cat(qualities[name])) for name in found}


def _watched(estimate, found, qualities):
    def watched(y, q=None):
        found.append(y.half().contiguous())
        qualities.append(q)
        return estimate(y, q)

    return watched


def refit(latent: HyperpriorLatent, kept: Kept, steps: int, lr: float, rng: np.random.Generator, report=print) -> float:
    """Train everything of the hyperprior but gains and quantiles for `steps`; returns the mean cost of the last tenth, bits per block of y."""
    density = [p for name, p in latent.named_parameters() if "entropy_bottleneck" in name and "quantiles" not in name]
    networks = [p for name, p in latent.named_parameters() if "gain" not in name and "entropy_bottleneck" not in name]
    quantiles = [p for name, p in latent.named_parameters() if "quantiles" in name]
    trained = density + networks
    optimizer = torch.optim.Adam([{"params": networks, "base": lr}, {"params": density, "base": 10 * lr}], betas=(0.9, 0.99))
    aux = torch.optim.Adam(quantiles, 1e-2)
    costs: list[float] = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * min(1, (step + 1) / 30) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        chosen = torch.from_numpy(rng.integers(0, len(kept.q), BATCH))
        y = kept.y[chosen].float()
        if rng.random() < 0.5:
            y = y.flip(-1)
        cost = _cost(latent, y, kept.q[chosen])
        optimizer.zero_grad()
        cost.backward()
        nn.utils.clip_grad_norm_(trained, CLIP)
        optimizer.step()
        aux.zero_grad()
        latent.entropy_bottleneck.loss().backward()
        aux.step()
        costs.append(float(cost.detach()))
        if (step + 1) % max(steps // 10, 1) == 0:
            report(f"step {step + 1}: {np.mean(costs[-steps // 10 :]):.3f} bits a block")
    return float(np.mean(costs[-max(steps // 10, 1) :]))


def _cost(latent: HyperpriorLatent, y: Tensor, q: Tensor) -> Tensor:
    """Bits, and squared steps in units of what a bit is worth, per block of 16x16 pixels."""
    estimate = latent.estimate(y, q)
    assert latent.gains is not None
    gain, inverse = latent.gains(q)
    bits = -torch.stack([part.log2().sum() for part in estimate.likelihoods.values()]).sum()
    y = y * gain.detach()
    error = (estimate.y_hat / inverse.detach() - y.detach()).square().sum()
    return (bits + error / latent.bit_worth) / y[:, 0].numel()
