"""Deterministic weights and input, by the rule that the golden outputs were made with: no file of weights is needed."""

import math
import zlib

import numpy as np
import torch
from torch import Tensor, nn


def set_weights(model: nn.Module, multipliers: dict[str, float]) -> None:
    """Fill every parameter from the CRC of its key; convolutions are scaled by `multipliers[module name]`, else by their width."""
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(_values(key, tuple(parameter.shape), multipliers)))
    _bisect_quantiles(model)


def frame(height: int, width: int) -> Tensor:
    """(1, 3, height, width) float32 in [0, 1]."""
    y, x, c = np.ogrid[:height, :width, :3]
    pixels = (
        0.5 + 0.25 * np.sin(x / 7 + c) + 0.2 * np.cos(y / 11 + 2 * c) + 0.05 * np.sin(x * y / 97)
    )
    return (
        torch.from_numpy(pixels.clip(0, 1).astype(np.float32)).permute(2, 0, 1)[None].contiguous()
    )


def _values(key: str, shape: tuple[int, ...], multipliers: dict[str, float]) -> np.ndarray:
    module, _, name = key.rpartition(".")
    uniform = (
        np.random.RandomState(zlib.crc32(key.encode()))
        .uniform(-1, 1, math.prod(shape))
        .reshape(shape)
    )
    if ".matrices" in key:
        return np.full(shape, math.log(math.expm1(1 / 10 ** (1 / 5) / shape[1])), np.float32)
    if ".factors" in key:
        return np.zeros(shape, np.float32)
    if ".biases" in key:
        return (0.3 * uniform).astype(np.float32)
    if name == "quantiles":
        return np.tile(np.array([-10, 0, 10], np.float32), (*shape[:2], 1))
    if name == "beta":
        return np.full(shape, math.sqrt(1 + 2**-36), np.float32)
    if name == "gamma":
        return np.sqrt(0.1 * np.eye(*shape) + 2**-36).astype(np.float32)
    if len(shape) == 1:
        return (0.05 * uniform).astype(np.float32)
    return uniform.astype(np.float32) * np.float32(
        multipliers.get(module, shape[1] ** -0.5 / shape[2])
    )


def _bisect_quantiles(model: nn.Module) -> None:
    """Put the quantiles where loss() is zero: the logit rises, so halve an interval around each target."""
    for module in model.modules():
        if not hasattr(module, "quantiles"):
            continue
        low, high = torch.full_like(module.quantiles, -1e4), torch.full_like(module.quantiles, 1e4)
        for _ in range(60):
            with torch.no_grad():
                module.quantiles.copy_((low + high) / 2)
            # d loss / d quantile is positive where the logit is above its target
            with torch.enable_grad():
                (slope,) = torch.autograd.grad(module.loss(), module.quantiles)
            middle = (low + high) / 2
            low, high = torch.where(slope > 0, low, middle), torch.where(slope > 0, middle, high)
