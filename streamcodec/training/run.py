"""A run in a folder: it begins or goes on, logs, saves as it goes, and stops when asked to.

Files: `config.json`, `log.jsonl` (journal.py), `tensorboard/`, `state.pt` (everything that the next step depends on, replaced at once
every `save_every` steps and at the end), and the averaged weights as weights files of the product.
"""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

import torch

from streamcodec.training.config import TrainConfig
from streamcodec.training.image import ImageTrainer
from streamcodec.training.journal import Journal
from streamcodec.training.loop import Trainer
from streamcodec.training.refit import EntropyTrainer
from streamcodec.training.replicas import ALONE, Replicas
from streamcodec.training.sources import Data

__all__ = ["Ending", "train"]

STATE = "state.pt"


@dataclass(frozen=True)
class Ending:
    """Where a run stands when it stops: after `step` steps. `signal`: the number of the signal that stopped it, or None."""

    step: int
    signal: int | None


def train(
    config: TrainConfig,
    data: Data,
    folder: Path,
    weights: Path | None = None,
    *,
    device: str = "cpu",
    seconds: float | None = None,
    tensorboard: bool = False,
    replicas: Replicas = ALONE,
    report: Callable[[str], None] = print,
) -> Ending:
    """Run `config` in `folder`, going on from the state that it holds, if any; `weights`: folder of weights files to start from.

    Stops after `seconds`, or at SIGINT or SIGTERM, when the step is done, or the batch that is collected before the first (a second
    one is obeyed at once); the same call goes on from there bit for bit. `report` gets lines for people. Raises UsageError if
    something does not fit.
    """
    leader = replicas.rank == 0
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        source = stack.enter_context(closing(data.open(config, replicas)))
        trainer = _trainer_of(config)(config, source, weights, device, replicas)
        if (folder / STATE).exists():
            trainer.resume(folder / STATE)
        stopping = stack.enter_context(_stop_signals())
        journal = None
        if leader:
            (folder / "config.json").write_text(json.dumps(asdict(config), indent=1))
            report(introduce(trainer))
            journal = stack.enter_context(Journal(folder, trainer, report, tensorboard=tensorboard))
        _work(trainer, folder, journal, stopping, seconds)
        trainer.save(folder / STATE)
        if leader:
            trainer.export(folder)
            report(f"{'stopped' if trainer.step_count < config.steps else 'done'} after step {trainer.step_count}; {folder} has the state, "
                   "from which the same command goes on, and the averaged weights")  # fmt: skip
        return Ending(trainer.step_count, stopping[0] if stopping else None)


def _trainer_of(config: TrainConfig) -> type[Trainer]:
    if config.model:
        return ImageTrainer
    return EntropyTrainer if config.stage == "entropy" else Trainer


def introduce(trainer: Trainer) -> str:
    """What a run does, in a few lines."""
    config, world = trainer.config, trainer.replicas.world
    lines = [f"{config.stage} training of {config.model or 'the default models'} on {trainer.source}"]
    if config.image_batch:
        every = "" if config.image_every == 1 else f" in every {config.image_every}th step"
        lines.append(f"  I-frames: {config.image_batch}{every}")
    if config.flow_batch:
        walk = f"{config.unroll} in a row with gradients between them" if config.unroll > 1 else "one at a time"
        lines.append(f"  P-frames: of {config.flow_batch} out of {config.chains} chains, {walk}")
    learning = f"{config.loss} and bits per pixel; learning rate {config.lr:g}"
    if config.stage == "entropy":
        latents = "" if config.model else f", on latents of {config.kept} batches"
        learning = f"entropy models alone{latents}; learning rate {config.entropy_lr:g}"
    lines.append(f"  crops of {config.crop}x{config.crop}; {learning}")
    where = f"{trainer.device}, {torch.get_num_threads()} threads, {config.precision}{', compiled' if config.compile else ''}"
    lines.append(f"  on {where}{f', {world} processes, each with batches of its own' if world > 1 else ''}")
    lines.append(f"  from step {trainer.step_count} to {config.steps}")
    return "\n".join(lines)


def _work(trainer: Trainer, folder: Path, journal: Journal | None, stopping: list[int], seconds: float | None) -> None:
    begin = time.monotonic()
    while trainer.step_count < trainer.config.steps:
        late = seconds is not None and time.monotonic() - begin > seconds
        if trainer.replicas.any(bool(stopping) or late):
            break
        if trainer.get_ready():
            continue
        trainer.step()
        if journal:
            journal.note()
        if trainer.step_count % trainer.config.save_every == 0:
            trainer.save(folder / STATE)


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """The first SIGINT or SIGTERM puts its number into the list; later ones do what they did before."""
    numbers: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # only that one may set handlers
        yield numbers
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _: FrameType | None) -> None:
        numbers.append(number)
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield numbers
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
