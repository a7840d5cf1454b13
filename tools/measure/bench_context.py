#!/usr/bin/env python3
"""Measures the context model: seconds and GMAC/s for each instruction set and number of threads, beside floats in PyTorch.

    tools/measure/bench_context.py [--size 768x512] [--threads 1 2] [--repeats 5] [--schedules raster checkerboard]

A random network of the published sizes (M 192 channels, 384 features, 5x5 taps, 640, 512 and 384 outputs). `seconds` are of the fastest
run by the clock, `CPU` of the fastest in time of all threads together, which other work on the machine disturbs less. The reference runs
the same network in floats as published codecs do: position by position, symbols coded at the end, on a small latent, scaled to the size.
"""

import argparse
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from bench_entropy import gaussian_tables, native
from torch import nn

from streamcodec.entropy.coder import (
    ContextModel,
    SymbolDecoder,
    SymbolEncoder,
    Tables,
    instruction_sets,
)
from streamcodec.entropy.context import ContextData, Schedule
from streamcodec.models.exact.context import IntegerContext
from streamcodec.models.layers.masked import MaskedConv2d

M, WIDTHS = 192, (768, 640, 512, 384)
SMALL = (6, 8)  # positions of the reference's latent


def make_network(schedule: Schedule) -> tuple[MaskedConv2d, nn.Sequential]:
    torch.manual_seed(0)
    context = MaskedConv2d(M, 2 * M, schedule=schedule)
    first, second, third = (nn.Conv2d(*pair, 1) for pair in pairwise(WIDTHS))
    return context, nn.Sequential(first, nn.LeakyReLU(), second, nn.LeakyReLU(), third)


@torch.no_grad()
def make_context(context: MaskedConv2d, parameters: nn.Sequential) -> ContextData:
    integer = IntegerContext(context, [parameters], schedule=context.schedule, features_first=True)
    integer.build(context, [parameters], torch.linspace(-0.5, 0.5, 127))
    return integer.data()


def measure(repeats: int, work: Callable[[], object]) -> tuple[float, float]:
    """(seconds, CPU seconds) of the fastest runs."""
    times = []
    for _ in range(repeats):
        start, cpu = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - start, time.process_time() - cpu))
    seconds, cpu_seconds = zip(*times, strict=True)
    return min(seconds), min(cpu_seconds)


def print_native(
    data: ContextData, size: tuple[int, int], threads: list[int], repeats: int
) -> None:
    model, tables = ContextModel(*data.arguments()), native(gaussian_tables())
    rng, streams = np.random.default_rng(0), set()
    values = (rng.normal(size=(*size, M)) * 3 * 4096).astype(np.int32)
    features = (rng.normal(size=(*size, data.features)) * 4096).astype(np.int32)
    macs = data.multiplications(*size)
    for name in instruction_sets():
        for count in threads:

            def encode(name: str = name, count: int = count) -> bytes:
                encoder = SymbolEncoder(tables)
                model.encode(encoder, values, features, threads=count, instruction_set=name)  # type: ignore[arg-type]
                return encoder.finish()

            def decode(stream: bytes, name: str = name, count: int = count) -> None:
                decoder = SymbolDecoder(tables, stream)
                model.decode(decoder, features, threads=count, instruction_set=name)  # type: ignore[arg-type]
                decoder.finish()

            stream = encode()
            streams.add(stream)
            for what, work in (
                ("encode", encode),
                ("decode", lambda stream=stream: decode(stream)),
            ):  # type: ignore[misc]
                seconds, cpu = measure(1 if name == "scalar" else repeats, work)
                print_row(data.schedule, f"{name}, {count} threads", what, seconds, cpu, macs)
    if len(streams) != 1:
        raise SystemExit("instruction sets or numbers of threads write different bytes")


@torch.no_grad()
def print_reference(
    context: MaskedConv2d, parameters: nn.Sequential, size: tuple[int, int], tables: Tables
) -> None:
    """Encoding in raster order; of decoding, the network's part is the same."""
    height, width = SMALL
    features, y = torch.randn(1, 2 * M, height, width), torch.randn(1, M, height, width) * 3
    weight = context.weight * context.mask
    boundaries = torch.linspace(-0.5, 0.5, 127)

    def encode() -> None:
        y_hat, encoder = F.pad(torch.zeros_like(y), (2, 2, 2, 2)), SymbolEncoder(tables)
        for i in range(height):
            for j in range(width):
                given = F.conv2d(y_hat[:, :, i : i + 5, j : j + 5], weight, context.bias)
                scales, means = parameters(
                    torch.cat([features[:, :, i : i + 1, j : j + 1], given], 1)
                ).chunk(2, 1)
                symbols = (y[:, :, i : i + 1, j : j + 1] - means).round()
                indexes = torch.bucketize(scales, boundaries)
                y_hat[:, :, i + 2, j + 2] = (symbols + means)[:, :, 0, 0]
                encoder.put(symbols.int().numpy().ravel(), indexes.to(torch.uint16).numpy().ravel())
        encoder.finish()

    seconds, cpu = measure(2, encode)
    factor = size[0] * size[1] / (height * width)
    layers = [
        len(weight) * int(weight[0].count_nonzero()),
        *(layer.weight.numel() for layer in parameters if isinstance(layer, nn.Conv2d)),
    ]
    print_row(
        context.schedule,
        "float32, one by one",
        "encode",
        factor * seconds,
        factor * cpu,
        sum(layers) * size[0] * size[1],
    )


def print_row(schedule: str, how: str, what: str, seconds: float, cpu: float, macs: int) -> None:
    speeds = f"{macs / seconds / 1e9:6.2f} GMAC/s {macs / cpu / 1e9:6.2f} by CPU"
    print(f"{schedule:<13} {how:<20} {what} {seconds:8.3f} s {cpu:8.3f} s CPU {speeds}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--size",
        default="768x512",
        help="of the picture; the latent is a sixteenth of it in each direction",
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5, help="runs; the fastest counts")
    parser.add_argument(
        "--schedules",
        nargs="+",
        default=["raster", "checkerboard"],
        choices=["raster", "checkerboard"],
    )
    options = parser.parse_args()
    width, height = (-(-int(side) // 16) for side in options.size.split("x"))
    torch.set_num_threads(1)
    for schedule in options.schedules:
        context, parameters = make_network(schedule)
        data = make_context(context, parameters)
        print(
            f"{schedule}: {height}x{width} positions, {data.multiplications(height, width) / 1e9:.2f} GMAC"
        )
        print_native(data, (height, width), options.threads, options.repeats)
        if schedule == "raster":
            print_reference(context, parameters, (height, width), native(gaussian_tables()))


if __name__ == "__main__":
    main()
