"""The process that trains: it makes a trainer, finds where to go on, and leaves pieces of the state behind as it goes."""

import argparse
import json
import time
from pathlib import Path
from shutil import copyfile
from typing import Any

import torch

from streamcodec.errors import UsageError
from streamcodec.training.config import load_config
from streamcodec.training.data import Shards
from streamcodec.training.pieces import split_file
from streamcodec.training.resident_trainer import Mode, ResidentTrainer, Span
from streamcodec.training.supervisor import READY

__all__ = ["STATE", "add_worker_arguments", "load_state", "work"]

STATE, FULL_STATE, LOG = "state.bin", "state.pt", "log.jsonl"
PROFILED_STEPS = 3


def add_worker_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="folder of the machine's own disk: shards, full state, compiled code")
    parser.add_argument("--out", type=Path, required=True, help="folder that comes back")
    parser.add_argument("--weights", type=Path, help="folder of the weights files to start from")
    parser.add_argument("--resume", type=Path, help="state.bin of an earlier lease to go on from")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--until", type=float, default=1.0, help="where the schedule stands when the time is up: 1 is its end")
    parser.add_argument("--save-seconds", type=float, default=150)


def work(arguments: argparse.Namespace) -> int:
    """Train, or time `bench` steps. Exit status 2, by way of UsageError, is for what no other mode would mend."""
    if arguments.device.startswith("cuda"):
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    trainer = make_trainer(arguments)
    if not arguments.bench and trainer.progress >= arguments.until:
        raise UsageError(f"the schedule stands at {trainer.progress:.3f} and until is {arguments.until}; accepted: more, up to 1")
    begin = time.monotonic()
    trainer.prepare(arguments.mode)
    (arguments.work / READY).write_text(arguments.mode)
    print(json.dumps({"mode": arguments.mode, "prepared_seconds": round(time.monotonic() - begin, 1)}), flush=True)
    if arguments.bench:
        bench(trainer, arguments.mode, arguments.bench, arguments.out)
        return 0
    run(trainer, arguments)
    return 0


def make_trainer(arguments: argparse.Namespace) -> ResidentTrainer:
    """A trainer that stands where the last one on this machine stopped, or else at `--resume`, or else at the config's start."""
    config = load_config(arguments.config)
    trainer = ResidentTrainer(config, Shards(arguments.work / "shards"), arguments.weights, arguments.device)
    if (arguments.work / config_name(arguments.config)).exists():
        trainer.resume(arguments.work / config_name(arguments.config))
    elif arguments.resume:
        trainer.take_up(load_state(arguments.resume))
    return trainer


def load_state(path: Path) -> dict[str, Any]:
    """A compact state (ResidentTrainer.compact). Raises UsageError if the file is not one."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not {"config", "step", "progress", "weights", "squares"} <= set(state):
            raise ValueError("it is another kind of file")
    except Exception as error:  # torch.load raises nearly anything
        raise UsageError(f"cannot read the state {path}: {error}") from error
    return dict(state)


def config_name(path: Path) -> str:
    """Name of the full state of a config's run."""
    return f"{path.stem}.{FULL_STATE}"


def run(trainer: ResidentTrainer, arguments: argparse.Namespace) -> None:
    """Train until the deadline or the schedule's point `until`, saving as it goes."""
    span = Span(time.monotonic() + arguments.deadline - time.time(), arguments.until)
    log = arguments.work / LOG
    checked = False

    def report(row: dict[str, float]) -> None:
        nonlocal checked
        line = json.dumps({name: float(f"{value:.5g}") for name, value in row.items()})
        with log.open("a") as file:
            print(line, file=file)
        print(line, flush=True)
        if not checked and row.get("skipped", 0) > trainer.config.log_every / 2:
            raise UsageError("most of the first steps were not finite; look at the weights and at the learning rates")
        checked = True

    def save() -> None:
        torch.save(trainer.compact(), arguments.work / STATE)
        split_file(arguments.work / STATE, arguments.out)
        if log.exists():
            copyfile(log, arguments.out / LOG)
        trainer.save(arguments.work / config_name(arguments.config))

    trainer.work(span, report, save, arguments.save_seconds)
    save()


def bench(trainer: ResidentTrainer, mode: Mode, steps: int, out: Path) -> None:
    """Print steps per second, memory, and for the eager mode what takes the time."""
    cuda = trainer.device.type == "cuda"

    def settle() -> float:
        if cuda:
            torch.cuda.synchronize()
        return time.monotonic()

    for _ in range(max(2, steps // 10)):
        trainer.advance()
    begin = settle()
    for _ in range(steps):
        trainer.advance()
    seconds = (settle() - begin) / steps
    gib = torch.cuda.max_memory_allocated() / 2**30 if cuda else 0.0
    row = {"mode": mode, "ms_per_step": 1000 * seconds, "steps_per_second": 1 / seconds, "peak_gib": gib, **trainer.read_figures()}
    with (out / "bench.jsonl").open("a") as file:
        print(json.dumps(row), file=file)
    print(json.dumps(row), flush=True)
    if mode == "eager":
        (out / "profile.txt").write_text(profile(trainer))


def profile(trainer: ResidentTrainer) -> str:
    """Table of the costliest operators of a few steps."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    if trainer.device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profiler:
        for _ in range(PROFILED_STEPS):
            trainer.advance()
        trainer.read_figures()
    key = "self_device_time_total" if trainer.device.type == "cuda" else "self_cpu_time_total"
    return str(profiler.key_averages().table(sort_by=key, row_limit=40, max_name_column_width=70))
