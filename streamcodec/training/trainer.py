"""The loop: `train` begins a run in a folder or goes on with the one that it holds.

The folder has `config.json`, `log.jsonl` (log.py), `tensorboard/` and `state.pt` (state.py), which
is replaced every `save_every` steps and at the end.
"""

import copy
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from streamcodec.interrupts import Interrupts
from streamcodec.training.batches import Batch, DataSet, draw_batch, held_batches, open_data
from streamcodec.training.config import Objective, Qualities, TrainConfig
from streamcodec.training.export import export_model
from streamcodec.training.integers import round_as_integers
from streamcodec.training.log import TrainingLog
from streamcodec.training.loss import batch_cost
from streamcodec.training.replicas import ALONE, Replicas
from streamcodec.training.state import STATE, Run, begin, resume, save

__all__ = ["Ending", "learning_rate", "train", "train_step"]

BITS_BATCHES = 40
MEMORY = 0.98
"""Decay of the running means in the log."""


@dataclass(frozen=True)
class Ending:
    """Where a run stands when it stops: after `step` steps. `signal`: the number of the signal
    that stopped it, or None."""

    step: int
    signal: int | None


def train(
    config: TrainConfig,
    data: Sequence[Path],
    folder: Path,
    start: Path | None = None,
    *,
    device: str = "cpu",
    seconds: float | None = None,
    tensorboard: bool = False,
    replicas: Replicas = ALONE,
    report: Callable[[str], None] = print,
) -> Ending:
    """Run `config` on folders of pairs; `start`: a state or weights file to begin with, where
    `folder` has no state yet.

    Stops after `seconds`, or at SIGINT or SIGTERM when the step is done (a second one is obeyed at
    once). The same call resumes it, on a CPU bit for bit. `report` gets lines for people.
    Raises UsageError if something does not fit.
    """
    rows = open_data(data, config.kind, config.crop, config.held)
    folder.mkdir(parents=True, exist_ok=True)
    run = begin(config, rows.describe(), start, torch.device(device), replicas)
    if (folder / STATE).exists():
        resume(run, folder / STATE, replicas)
    if config.integers:
        run.bits = run.bits or _fraction_bits(run, rows)
        round_as_integers(run.model, run.bits)
        round_as_integers(run.average.module, run.bits)
    with Interrupts(lambda: None) as interrupts:
        if replicas.rank == 0:
            (folder / "config.json").write_text(
                json.dumps(asdict(config), indent=1), encoding="utf-8"
            )
            report(_introduce(run, rows, replicas))
            with TrainingLog(
                folder, run.step, config.steps, report, tensorboard=tensorboard
            ) as log:
                _work(run, rows, folder, log, interrupts, seconds, replicas)
        else:
            _work(run, rows, folder, None, interrupts, seconds, replicas)
        save(run, folder / STATE, replicas)
    if replicas.rank == 0:
        verb = "stopped" if run.step < config.steps else "done"
        report(
            f"{verb} after step {run.step}; {folder / STATE} has the weights, "
            "and the same command resumes it"
        )
    return Ending(run.step, interrupts.number)


def train_step(
    run: Run, batch: Batch, objective: Objective, lr: float, clip: float, replicas: Replicas = ALONE
) -> dict[str, float]:
    """One step of any kind of model; returns what it cost in the mean over the processes.

    A gradient that is not finite changes nothing.
    """
    run.model.train()
    for group in run.optimizer.param_groups:
        group["lr"] = lr
    run.optimizer.zero_grad(set_to_none=True)
    cost = batch_cost(run.model, batch, objective)
    cost.loss.mean().backward()  # type: ignore[no-untyped-call]
    figures = cost.means()
    values = torch.tensor(list(figures.values()))
    parameters = [p for p in run.model.parameters() if p.grad is not None]
    replicas.average([values, *(p.grad for p in parameters if p.grad is not None)])
    norm = float(nn.utils.clip_grad_norm_(parameters, clip))
    if math.isfinite(norm):
        run.optimizer.step()
        run.average.update_parameters(run.model)
    run.step += 1
    return dict(zip(figures, values.tolist(), strict=True)) | {"gradient": norm}


def learning_rate(step: int, config: TrainConfig) -> float:
    """Of the step after `step` steps: a rise, then half a cosine."""
    rise = min(1.0, (step + 1) / config.warmup)
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, step / config.steps)))
    return config.lr * rise * (config.last_lr + (1 - config.last_lr) * fall)


@torch.no_grad()
def check(
    model: nn.Module,
    data: DataSet,
    qualities: Qualities,
    objective: Objective,
    device: torch.device,
) -> dict[str, float]:
    """Mean cost of the rows that are held back, by name; empty if there are none. Nothing is
    drawn by chance."""
    model.eval()
    costs = [
        batch_cost(model, _on(batch, device), objective) for batch in held_batches(data, qualities)
    ]
    values = {
        name: torch.cat([vars(cost)[name] for cost in costs])
        for name in (vars(costs[0]) if costs else ())
    }
    return {f"held_{name}": float(value.mean()) for name, value in values.items()}


def _work(
    run: Run,
    data: DataSet,
    folder: Path,
    log: TrainingLog | None,
    interrupts: Interrupts,
    seconds: float | None,
    replicas: Replicas,
) -> None:
    config, begun = run.config, time.monotonic()
    objective, qualities = config.objective, config.qualities
    while run.step < config.steps:
        late = seconds is not None and time.monotonic() - begun > seconds
        if replicas.any(interrupts.number is not None or late):
            return
        lr = learning_rate(run.step, config)
        batch = draw_batch(data, config.batch, config.crop, qualities, run.rng)
        figures = train_step(run, _on(batch, run.device), objective, lr, config.clip, replicas)
        for name, value in figures.items():
            if math.isfinite(value):
                run.means[name] = MEMORY * run.means.get(name, value) + (1 - MEMORY) * value
        is_check = run.step % config.check_every == 0
        if log is not None and (is_check or run.step % config.log_every == 0):
            held = (
                check(run.average.module, data, qualities, objective, run.device)
                if is_check
                else {}
            )
            log.write(run.step, {"lr": lr, **run.means, **held})
        if run.step % config.save_every == 0:
            save(run, folder / STATE, replicas)


def _on(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    frame = (batch.frame[0].to(device), batch.frame[1].to(device))
    if batch.prediction is None or batch.before is None:
        return Batch(frame, batch.q.to(device))
    prediction = (batch.prediction[0].to(device), batch.prediction[1].to(device))
    return Batch(frame, batch.q.to(device), prediction, batch.before.to(device))


def _fraction_bits(run: Run, rows: DataSet) -> dict[str, int]:
    """Those that an export of the weights would have now."""
    _, metadata = export_model(
        copy.deepcopy(run.average.module).cpu(), run.config, rows, BITS_BATCHES
    )
    bits: dict[str, int] = metadata["fraction_bits"]
    return bits


def _introduce(run: Run, data: DataSet, replicas: Replicas) -> str:
    config, parameters = run.config, sum(p.numel() for p in run.model.parameters())
    processes = (
        f", {replicas.world} processes, each with batches of its own" if replicas.world > 1 else ""
    )
    return (
        f"{config.kind} training of {parameters} weights on {data.drawn} crops "
        f"({', '.join(data.describe())}), {sum(data.held)} held\n"
        f"  batches of {config.batch} crops of {config.crop}x{config.crop}; {config.distortion}, "
        f"learning rate {config.lr:g}\n"
        f"  on {run.device}, {torch.get_num_threads()} threads{processes}\n"
        f"  from step {run.step} to {config.steps}"
    )
