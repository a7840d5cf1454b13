"""`python -m streamcodec.training CONFIG --shards DIR --out DIR [--weights DIR]`; started again with the same folders, it goes on."""

import argparse
import sys
from pathlib import Path

import torch

from streamcodec.errors import StreamCodecError
from streamcodec.training.config import load_config
from streamcodec.training.loop import train


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m streamcodec.training", description="Train the default model as a config file says.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--shards", type=Path, required=True, help="folder of shards, see tools/make_shards.py")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: state, log and exported weights")
    parser.add_argument("--weights", type=Path, help="folder of the weights files to start from")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="of the CPU")
    parser.add_argument("--seconds", type=float, help="stop after this time; the same command goes on from there")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    try:
        config = load_config(arguments.config)
        train(config, arguments.shards, arguments.out, arguments.weights, device=arguments.device, seconds=arguments.seconds)
    except StreamCodecError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
