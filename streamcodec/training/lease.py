"""Training on a GPU that is borrowed for minutes: `python -m streamcodec.training.lease pack | run | bench | join`.

pack    shards -> pieces of clips that travel
run     on the GPU: unpack pieces, train until a deadline, leave pieces of the state in the output folder, every few minutes and at the end
bench   on the GPU: steps per second of every mode, and what takes the time
join    pieces of the state -> state, and the weights files of the product

A bare machine with Python, PyTorch, NumPy and safetensors is enough. docs/training.md goes through it step by step.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from streamcodec.errors import StreamCodecError, UsageError
from streamcodec.training.config import TrainConfig, load_config
from streamcodec.training.data import Shards
from streamcodec.training.export import export_weights
from streamcodec.training.lease_worker import STATE, add_worker_arguments, load_state, work
from streamcodec.training.packing import DEFAULT_STEP, pack, unpack
from streamcodec.training.pieces import join_pieces
from streamcodec.training.resident_trainer import MODES
from streamcodec.training.supervisor import supervise

__all__ = ["main"]

MIB = 2**20


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except StreamCodecError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m streamcodec.training.lease", description="Train on a GPU that is lent for minutes.")
    commands = parser.add_subparsers(required=True)
    packing = commands.add_parser("pack", help="shards -> pieces of clips that travel")
    packing.set_defaults(command=_pack)
    packing.add_argument("shards", type=Path)
    packing.add_argument("out", type=Path)
    packing.add_argument("--mib", type=float, default=40, help="largest size of a piece")
    packing.add_argument("--pieces", type=int, help="how many; all clips by default")
    packing.add_argument("--step", type=float, default=DEFAULT_STEP, help="of the quantiser: larger is smaller and worse")
    packing.add_argument("--jobs", type=int, default=1)
    for name, command in (("run", _run), ("bench", _bench)):
        running = commands.add_parser(name)
        running.set_defaults(command=command)
        running.add_argument("--clips", type=Path, nargs="+", default=[], help="pieces of clips; what was unpacked before stays in use")
        running.add_argument("--jobs", type=int, default=8)
        running.add_argument("--mode", choices=MODES, nargs="+", default=list(MODES), help="tried in this order")
        running.add_argument("--seconds", type=float, default=540, help="for the whole command")
        add_worker_arguments(running)
    worker = commands.add_parser("worker", help="what run and bench start")
    worker.set_defaults(command=work)
    worker.add_argument("--mode", choices=MODES, required=True)
    worker.add_argument("--deadline", type=float, required=True, help="seconds since 1970")
    worker.add_argument("--bench", type=int, default=0, help="steps to time, instead of a run")
    add_worker_arguments(worker)
    joining = commands.add_parser("join", help="pieces of the state -> state and weights files")
    joining.set_defaults(command=_join)
    joining.add_argument("pieces", type=Path, help="folder that came back")
    joining.add_argument("out", type=Path)
    return parser


def _pack(arguments: argparse.Namespace) -> int:
    shards = Shards(arguments.shards)
    written = pack(shards, arguments.out, int(arguments.mib * MIB), step=arguments.step, pieces=arguments.pieces, jobs=arguments.jobs)
    for path in written:
        print(f"{path} {path.stat().st_size / MIB:.1f} MiB")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    _prepare_folder(arguments)
    return supervise(arguments.mode, _forwarded(arguments), arguments.seconds, arguments.work)


def _bench(arguments: argparse.Namespace) -> int:
    _prepare_folder(arguments)
    share = arguments.seconds / len(arguments.mode)
    results = [supervise([mode], [*_forwarded(arguments), "--bench", "100"], share, arguments.work) for mode in arguments.mode]
    return 0 if 0 in results else 1


def _join(arguments: argparse.Namespace) -> int:
    join_pieces(arguments.pieces, STATE, arguments.out / STATE)
    state = load_state(arguments.out / STATE)
    export_weights({name: value.float() for name, value in state["weights"].items()}, TrainConfig(**state["config"]), arguments.out)
    print(f"step {state['step']}, {state['progress']:.1%} of the schedule; weights are in {arguments.out}")
    return 0


def _prepare_folder(arguments: argparse.Namespace) -> None:
    """Refuse early what would fail late, and unpack."""
    load_config(arguments.config)
    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("no CUDA device is available here; pass --device cpu to try the way on a CPU")
    for folder in (arguments.work, arguments.out):
        folder.mkdir(parents=True, exist_ok=True)
    if arguments.clips:
        count = unpack(arguments.clips, arguments.work / "shards", arguments.jobs)
        print(json.dumps({"clips": count}), flush=True)


def _forwarded(arguments: argparse.Namespace) -> list[str]:
    values = {name: getattr(arguments, name) for name in ("work", "out", "weights", "resume", "device", "until", "save_seconds")}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in values.items() if value is not None]
    return [str(arguments.config), *options]


if __name__ == "__main__":
    sys.exit(main())
