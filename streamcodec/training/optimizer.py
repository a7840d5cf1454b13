"""Groups of parameters with rates of their own, their schedule, and the averaged weights."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from streamcodec.training.config import TrainConfig

__all__ = ["Average", "make_optimizers", "schedule"]

DENSITY_RATE = {"entropy": 10, "joint": 3}
ENTROPY = ("hyperprior.", ".h_a.", ".h_s.", ".context_prediction.", ".entropy_parameters.")
BLOCKS = (".body4.", ".body8.", ".context.")
"""Layers that start as corrections to the linear transforms (principal.py) and bear larger steps than those."""


def schedule(step: int, config: TrainConfig, progress: float | None = None) -> float:
    """Factor on the learning rates at `step` (from 0): a straight rise over the warm-up times half a cosine down to `floor`.

    `progress`: how much of the run is done, 0 to 1, where it is not counted in steps.
    """
    rise = min(1.0, (step + 1) / max(config.warmup, 1))
    done = step / config.steps if progress is None else progress
    return rise * (config.floor + (1 - config.floor) * (0.5 + 0.5 * math.cos(math.pi * done)))


def make_optimizers(model: nn.Module, config: TrainConfig) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Adam for what the rate and distortion train, and Adam for the bottlenecks' quantiles. Freezes what the stage does not train.

    Each group's `base_lr` is its rate before the schedule. Densities of z have a multiple of their hyperprior's.
    """
    groups: dict[str, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        kind = _kind(name)
        parameter.requires_grad_(config.stage == "joint" or kind not in ("transform", "block", "gain"))
        if parameter.requires_grad:
            groups.setdefault(kind, []).append(parameter)
    quantiles, faster = groups.pop("quantiles"), DENSITY_RATE[config.stage]
    rates = {"transform": config.lr, "block": config.block_lr, "gain": config.gain_lr}
    for prefix, rate in (("", config.entropy_lr), ("motion ", config.motion_entropy_lr)):
        rates |= {f"{prefix}entropy": rate, f"{prefix}density": faster * rate}
    main = [{"params": parameters, "lr": rates[kind], "base_lr": rates[kind]} for kind, parameters in groups.items()]
    aux = [{"params": quantiles, "lr": config.aux_lr, "base_lr": config.aux_lr}]
    return torch.optim.Adam(main, betas=(0.9, config.beta2)), torch.optim.Adam(aux)


def _kind(name: str) -> str:
    if name.endswith("quantiles"):
        return "quantiles"
    if ".gains." in name:
        return "gain"
    motion = "motion " if "motion_hyperprior." in name else ""
    if "entropy_bottleneck." in name:
        return f"{motion}density"
    if any(part in name for part in ENTROPY):
        return f"{motion}entropy"
    return "block" if any(part in name for part in BLOCKS) else "transform"


class Average:
    """Exponential moving average of the parameters that are trained; it follows faster over the first steps."""

    def __init__(self, named: Iterable[tuple[str, nn.Parameter]], decay: float) -> None:
        self._live = {name: parameter for name, parameter in named if parameter.requires_grad}
        self._decay, self._count = decay, 0
        self._mean = {name: parameter.detach().clone() for name, parameter in self._live.items()}

    @torch.no_grad()
    def update(self) -> None:
        self._count += 1
        decay = min(self._decay, self._count / (self._count + 9))
        torch._foreach_lerp_(list(self._mean.values()), list(self._live.values()), 1 - decay)

    def over(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A state_dict with the averaged values where there are some."""
        return {**state, **self._mean}

    def state_dict(self) -> dict[str, Any]:
        return {"count": self._count, "mean": self._mean}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._count = state["count"]
        for name, value in state["mean"].items():
            self._mean[name].copy_(value)
