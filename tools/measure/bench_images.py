#!/usr/bin/env python3
"""Seconds to encode and to decode a picture with each image model, beside CompressAI where it is installed.

    tools/measure/bench_images.py [--size 768x512] [--threads 1] [--repeats 3] [--models mbt2018 ...] [--compressai PYTHON]

PYTHON is the interpreter of an environment with CompressAI. Both get the same weights: random ones of the published sizes, whose last
layers are scaled so that latents have a deviation of about 2 and are coded with scales of about 1, as those of trained models are.
Each codes in a process of its own, one after the other, in turns, and the best of the repeats counts. Encoding and decoding include the
transforms (our encoder's also the synthesis, for the picture that decoders will show), which are the same layers of PyTorch for both and
take the seconds in the columns "g_a" and "g_s"; "latents" is the rest, where the models differ.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

MODELS: dict[str, dict[str, int]] = {
    "bmshj2018-factorized": {"N": 128, "M": 192},
    "bmshj2018-factorized-relu": {"N": 128, "M": 192},
    "bmshj2018-hyperprior": {"N": 128, "M": 192},
    "mbt2018-mean": {"N": 128, "M": 192},
    "mbt2018": {"N": 192, "M": 192},
    "cheng2020-anchor": {"N": 192},
    "cheng2020-attn": {"N": 192},
}
SECONDS = ("encode_s", "decode_s", "encode_latents_s", "decode_latents_s")


def picture(width: int, height: int) -> torch.Tensor:
    """(3, height, width) uint8: waves, edges and noise."""
    y, x, channel = np.ogrid[:height, :width, :3]
    waves = 110 + 60 * np.sin(x / 17 + channel) + 40 * np.cos(y / 23 - x / 41)
    noise = np.random.default_rng(1).normal(0, 8, (height, width, 3))
    pixels = waves + noise + 30 * ((x // 64 + y // 48) % 2)
    return torch.from_numpy(pixels.clip(0, 255).astype(np.uint8)).permute(2, 0, 1).contiguous()


@torch.no_grad()
def make_weights(name: str, fields: dict[str, int], frame: torch.Tensor, folder: Path) -> None:
    """Write `NAME.safetensors` for ours and `NAME.pth`, a plain state_dict, for CompressAI."""
    from streamcodec.models import create, save_checkpoint

    torch.manual_seed(0)
    model = create(name, **fields)
    y = model.g_a(frame[None].float() / 255)
    rescale(last_convolution(model.g_a), 2 / float(y.std()))
    head = getattr(model, "entropy_parameters", getattr(model, "h_s", None))
    if head is not None:
        last = last_convolution(head)
        assert last.bias is not None
        last.bias[: y.shape[1]] = 1
    torch.save(
        {
            key: value
            for key, value in model.state_dict().items()
            if ".integer" not in key and not key.startswith("integer")
        },
        folder / f"{name}.pth",
    )
    model.update()
    save_checkpoint(folder / f"{name}.safetensors", model, name, **fields)


def last_convolution(layers: nn.Module) -> nn.Conv2d | nn.ConvTranspose2d:
    return [
        layer for layer in layers.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    ][-1]


def rescale(layer: nn.Conv2d | nn.ConvTranspose2d, factor: float) -> None:
    layer.weight.mul_(factor)
    if layer.bias is not None:
        layer.bias.zero_()


def best_of(repeats: int, work: Callable[[], Any]) -> tuple[float, Any]:
    """Least seconds, and what the work gives."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), result


def run_ours(name: str, folder: Path, frame: torch.Tensor, repeats: int) -> dict[str, float]:
    from streamcodec.codec import decode_frame, encode_frame
    from streamcodec.codec.zoo_model import ZooModel
    from streamcodec.weights import load_codec

    codec = load_codec(str(folder / f"{name}.safetensors"), "none", device="cpu")
    size = (frame.shape[1], frame.shape[2])
    encode_seconds, coded = best_of(
        repeats, lambda: encode_frame(codec, (frame.numpy(),), None, 32)
    )
    decode_seconds, back = best_of(repeats, lambda: decode_frame(codec, coded.payload, None, size))
    assert np.array_equal(back.planes()[0], coded.planes[0])
    zoo = codec.intra
    assert isinstance(zoo, ZooModel)
    transforms = time_transforms(zoo.model, frame, repeats)
    g_a, g_s = transforms["g_a_s"], transforms["g_s_s"]
    latents = {
        "encode_latents_s": encode_seconds - g_a - g_s,
        "decode_latents_s": decode_seconds - g_s,
    }
    return {
        "encode_s": encode_seconds,
        "decode_s": decode_seconds,
        "bytes": len(coded.payload),
        **latents,
        **transforms,
    }


@torch.inference_mode()
def time_transforms(model: nn.Module, frame: torch.Tensor, repeats: int) -> dict[str, float]:
    g_a, g_s = model.get_submodule("g_a"), model.get_submodule("g_s")
    analysis_seconds, y = best_of(repeats, lambda: g_a(frame[None].float() / 255))
    synthesis_seconds, _ = best_of(repeats, lambda: g_s(y))
    return {"g_a_s": analysis_seconds, "g_s_s": synthesis_seconds}


def run_compressai(name: str, folder: Path, frame: torch.Tensor, repeats: int) -> dict[str, float]:
    from compressai.zoo.image import model_architectures  # type: ignore[import-not-found]

    model = model_architectures[name](**MODELS[name])
    model.load_state_dict(torch.load(folder / f"{name}.pth", weights_only=True))
    model.eval().update()
    x = frame[None].float() / 255
    with torch.no_grad():
        encode_seconds, coded = best_of(repeats, lambda: model.compress(x))
        decode_seconds, _ = best_of(
            repeats, lambda: model.decompress(coded["strings"], coded["shape"])
        )
    transforms = time_transforms(model, frame, repeats)
    latents = {
        "encode_latents_s": encode_seconds - transforms["g_a_s"],
        "decode_latents_s": decode_seconds - transforms["g_s_s"],
    }
    size = sum(
        len(string[0]) if isinstance(string[0], bytes) else sum(map(len, string[0]))
        for string in coded["strings"]
    )
    return {
        "encode_s": encode_seconds,
        "decode_s": decode_seconds,
        "bytes": size,
        **latents,
        **transforms,
    }


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="768x512", help="width x height")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--compressai", type=Path, help="Python interpreter of an environment with CompressAI"
    )
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)  # who, model, folder
    return parser.parse_args()


def run_worker(arguments: argparse.Namespace, frame: torch.Tensor) -> None:
    who, name, folder = arguments.worker
    torch.set_num_threads(arguments.threads)
    run = run_ours if who == "ours" else run_compressai
    print(json.dumps(run(name, Path(folder), frame, arguments.repeats)))


def call_worker(
    python: Path | str, who: str, name: str, folder: Path, arguments: argparse.Namespace
) -> dict[str, float]:
    options = [
        "--size",
        arguments.size,
        "--threads",
        str(arguments.threads),
        "--repeats",
        str(arguments.repeats),
    ]
    command = [str(python), __file__, "--worker", who, name, str(folder), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    arguments = parse()
    width, height = map(int, arguments.size.split("x"))
    frame = picture(width, height)
    if arguments.worker:
        return run_worker(arguments, frame)
    who = ["ours", *(["CompressAI"] if arguments.compressai else [])]
    columns = ["encode s", "decode s", "latents: encode s", "decode s", "bytes"]
    head = ["model", "g_a s", "g_s s", *(f"{name}: {column}" for name in who for column in columns)]
    if arguments.compressai:
        head += [
            f"times faster: {what}" for what in ("encode", "decode", "latents: encode", "decode")
        ]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    with tempfile.TemporaryDirectory() as work:
        for name in arguments.models:
            make_weights(name, MODELS[name], frame, Path(work))
            ours = call_worker(sys.executable, "ours", name, Path(work), arguments)
            cells = [name, f"{ours['g_a_s']:.2f}", f"{ours['g_s_s']:.2f}", *figures_of(ours)]
            if arguments.compressai:
                theirs = call_worker(
                    arguments.compressai, "compressai", name, Path(work), arguments
                )
                cells += [
                    *figures_of(theirs),
                    *(f"{theirs[key] / ours[key]:.1f}" for key in SECONDS),
                ]
            print("| " + " | ".join(cells) + " |", flush=True)


def figures_of(row: dict[str, float]) -> list[str]:
    return [*(f"{row[key]:.2f}" for key in SECONDS), f"{row['bytes']:,}"]


if __name__ == "__main__":
    main()
