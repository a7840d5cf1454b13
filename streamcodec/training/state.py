"""A run's state: all that its next step depends on, begun, saved and read back."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from streamcodec.codec.dct_weights import read_weights_file
from streamcodec.errors import ModelError, UsageError
from streamcodec.files import replace_on_success
from streamcodec.models.dct.inter import DctInter
from streamcodec.models.dct.restore import restore_model
from streamcodec.training.config import Kind, TrainConfig
from streamcodec.training.loss import make_model
from streamcodec.training.replicas import Replicas

__all__ = ["STATE", "Run", "averaged_model", "begin", "resume", "save"]

STATE = "state.pt"
WEIGHTS_SUFFIX = ".safetensors"
FORMAT = 1


@dataclass
class Run:
    """`data`: description of what it learns from. `means`: running means of what the steps cost.
    `bits`: fraction bits of hidden slots, where integers are simulated."""

    config: TrainConfig
    data: list[str]
    model: nn.Module
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    rng: np.random.Generator
    device: torch.device
    step: int = 0
    means: dict[str, float] = field(default_factory=dict)
    bits: dict[str, int] = field(default_factory=dict)


def begin(
    config: TrainConfig,
    data: list[str],
    start: Path | None,
    device: torch.device,
    replicas: Replicas,
) -> Run:
    """A run before its first step, with the weights of `start`, if given. Sets PyTorch's seed."""
    torch.manual_seed(config.seed)
    model = make_model(config.kind, config.widths, config.hadamard)
    if start is not None:
        _take_weights(model, config.kind, start)
    model.to(device)
    replicas.spread(model.parameters())
    if replicas.world > 1:
        torch.manual_seed(config.seed + 1000 * replicas.rank)
    rng = np.random.default_rng([config.seed, replicas.rank])
    optimizer = torch.optim.Adam(model.parameters(), config.lr)
    return Run(config, data, model, _averaged(model, config.ema), optimizer, rng, device)


def _averaged(model: nn.Module, ema: float) -> AveragedModel:
    """Exponential averages of the weights, of fewer steps in the beginning."""

    def average(old: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
        return old.lerp(new, 1 - min(ema, float(count) / (float(count) + 10)))

    return AveragedModel(model, avg_fn=average)


def save(run: Run, path: Path, replicas: Replicas) -> None:
    """Replace the file, at once or not at all. Every process must call it; rank 0 writes."""
    own = {"numpy": run.rng.bit_generator.state, "torch": torch.get_rng_state()}
    if run.device.type == "cuda":
        own["cuda"] = torch.cuda.get_rng_state(run.device)
    ranks = replicas.gather(own)
    if replicas.rank:
        return
    state = {
        "format": FORMAT,
        "config": asdict(run.config),
        "data": run.data,
        "step": run.step,
        "means": run.means,
        "bits": run.bits,
    }
    state |= {
        "model": run.model.state_dict(),
        "average": run.average.state_dict(),
        "optimizer": run.optimizer.state_dict(),
    }
    with replace_on_success(path, overwrite=True) as part:
        torch.save({**state, "ranks": ranks}, part)


def resume(run: Run, path: Path, replicas: Replicas) -> None:
    """Take up what was saved. Raises UsageError if it is another run's or cannot be read."""
    state = _read(path)
    config = asdict(run.config)
    held = asdict(TrainConfig(run.config.kind, run.config.steps)) | state["config"]
    changed = sorted(key for key in config if held[key] != config[key])
    if state["data"] != run.data:
        changed.append("data")
    if changed:
        raise UsageError(
            f"{path} is the state of another run: {', '.join(changed)} differ; "
            "name another folder (--start begins with these weights)"
        )
    if len(state["ranks"]) != replicas.world:
        raise UsageError(
            f"{path} is the state of {len(state['ranks'])} processes; "
            f"accepted: as many, not {replicas.world}"
        )
    run.model.load_state_dict(state["model"])
    run.average.load_state_dict(state["average"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.step, run.means, run.bits = state["step"], state["means"], state.get("bits", {})
    own = state["ranks"][replicas.rank]
    run.rng.bit_generator.state = own["numpy"]
    torch.set_rng_state(own["torch"])
    if run.device.type == "cuda" and "cuda" in own:
        torch.cuda.set_rng_state(own["cuda"], run.device)


def averaged_model(path: Path) -> tuple[TrainConfig, nn.Module]:
    """The config of a state, and its model with averaged weights, ready to be exported. Raises
    UsageError."""
    state = _read(path)
    known = {each.name for each in fields(TrainConfig)}
    config = TrainConfig(
        **{name: value for name, value in state["config"].items() if name in known}
    )
    model = make_model(config.kind, config.widths, config.hadamard)
    model.load_state_dict(_averages(state))
    return config, model.eval()


def _take_weights(model: nn.Module, kind: Kind, path: Path) -> None:
    """The averaged weights of a state, or what the integers of a weights file stand for."""
    if path.suffix == WEIGHTS_SUFFIX:
        held, weights = _restored(path)
    else:
        state = _read(path)
        held, weights = state["config"]["kind"], _averages(state)
    if held != kind:
        raise UsageError(f"{path} holds weights of kind {held}; accepted: {kind}")
    if isinstance(model, DctInter):
        weights = model.with_own_networks(weights)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"{path} holds weights of another shape: {_first(str(error).splitlines())}"
        ) from error


def _restored(path: Path) -> tuple[str, dict[str, Tensor]]:
    """Kind and weights of a weights file. Raises ModelError."""
    config, arrays = read_weights_file(path)
    try:
        model = restore_model(arrays, config)
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(f"cannot read the weights {path}: {error}") from error
    return config["kind"], model.state_dict()


def _averages(state: dict[str, Any]) -> dict[str, Tensor]:
    return {
        name.removeprefix("module."): value
        for name, value in state["average"].items()
        if name != "n_averaged"
    }


def _first(lines: Sequence[str]) -> str:
    return lines[1].strip() if len(lines) > 1 else "".join(lines)


def _read(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"its format is {state['format']}")
    except (
        OSError,
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        UnpicklingError,
    ) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the training state {path}: {reason}") from error
    return state
