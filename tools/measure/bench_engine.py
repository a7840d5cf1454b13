#!/usr/bin/env python3
"""Measures the loops of the integer engine beside PyTorch's float32 convolutions in the same run.

    tools/measure/bench_engine.py [--kernels avx2 avx512vnni] [--repeats 7] [--threads 1] [--size 1920x1080] [--markdown]

GMAC/s of a 3x3 layer count 9 products for each input and output, also where Winograd's transform makes 4 do. `peak` is what the loops'
multiply-and-add reaches on registers alone. Everything takes turns; medians of CPU time for one thread, else of the clock.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from streamcodec._native import Workspace, network_kernels, network_peak
from streamcodec.engine import Channels, Conv, Network, Slot, Stage, square_taps
from streamcodec.engine.native import native

LIMIT = 8191
PEAK_ROUNDS = 10**7


@dataclass(frozen=True)
class Layer:
    """A convolution, at 1 / `scale` of the picture."""

    side: int
    inputs: int
    outputs: int
    scale: int
    stride: int = 1

    @property
    def name(self) -> str:
        by = f", by {self.stride}" if self.stride > 1 else ""
        return f"{self.side}x{self.side} {self.inputs}->{self.outputs} at 1/{self.scale}{by}"


LAYERS = (
    Layer(3, 48, 32, 4),
    Layer(3, 32, 32, 4),
    Layer(3, 32, 24, 4),
    Layer(3, 48, 48, 4),
    Layer(3, 64, 64, 8),
    Layer(3, 80, 80, 8),
    Layer(3, 96, 96, 8),
    Layer(3, 128, 128, 8),
    Layer(2, 32, 96, 4, 2),
    Layer(1, 192, 64, 8),
    Layer(1, 96, 96, 8),
    Layer(1, 64, 64, 16),
    Layer(1, 80, 192, 16),
)


def conv(
    rng: np.random.Generator, layer: Layer, source: str, output: str, add: str | None = None
) -> Conv:
    taps = square_taps(layer.side, None if layer.stride == 1 else layer.side // 2 - 1)
    weights = rng.integers(-60, 61, (layer.outputs, len(taps), layer.inputs), np.int16)
    bias, shift = (
        rng.integers(-500, 501, layer.outputs, np.int32),
        np.full(layer.outputs, 10, np.int32),
    )
    ends = (Channels(source), Channels(output))
    return Conv(
        *ends,
        taps,
        weights,
        bias,
        shift,
        -LIMIT if add else 0,
        LIMIT,
        layer.stride,
        add=None if add is None else Channels(add),
    )


def single(rng: np.random.Generator, layer: Layer) -> Network:
    slots = (Slot("in", layer.inputs, LIMIT, True), Slot("out", layer.outputs, LIMIT))
    return Network(slots, (Stage("all", (conv(rng, layer, "in", "out"),)),))


def synthesis(rng: np.random.Generator, width: int) -> Network:
    """A decoder's last network: 48 channels, two residual blocks, 24 channels."""
    slots = [Slot("in", 48, LIMIT, True), Slot("x0", width, LIMIT)]
    layers = [conv(rng, Layer(3, 48, width, 4), "in", "x0")]
    for i in range(2):
        slots += [Slot(f"h{i}", width, LIMIT), Slot(f"x{i + 1}", width, LIMIT)]
        layers.append(conv(rng, Layer(3, width, width, 4), f"x{i}", f"h{i}"))
        layers.append(conv(rng, Layer(3, width, width, 4), f"h{i}", f"x{i + 1}", f"x{i}"))
    slots.append(Slot("out", 24, LIMIT))
    layers.append(conv(rng, Layer(3, width, 24, 4), "x2", "out", "in"))
    return Network(tuple(slots), (Stage("all", tuple(layers)),))


class FloatSynthesis(nn.Module):
    """The same in floats."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(48, width, 3, 1, 1), nn.Conv2d(width, 24, 3, 1, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, 1, 1), nn.ReLU(), nn.Conv2d(width, width, 3, 1, 1)
            )
            for _ in range(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x).relu()
        for block in self.blocks:
            y = y + block(y)
        return self.last(y) + x[:, :24]


def native_run(
    network: Network, size: tuple[int, int], kernels: str, threads: int
) -> Callable[[], object]:
    workspace = Workspace(native(network), {"in": size})
    values = np.random.default_rng(1).integers(
        -500, 501, (*size, network.slots[0].channels), np.int16
    )
    workspace.put("in", values)
    return lambda: workspace.run("all", kernels=kernels, threads=threads)


def torch_run(module: nn.Module, channels: int, size: tuple[int, int]) -> Callable[[], object]:
    last = torch.channels_last
    module = module.to(memory_format=last).eval()
    x = torch.randn(1, channels, *size).to(memory_format=last)

    def run() -> object:
        with torch.inference_mode():
            return module(x)

    return run


def medians(
    works: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Median seconds of each, all taking turns."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for repeat in range(repeats + 1):
        for name, work in works.items():
            start = clock()
            work()
            if repeat > 0:
                times[name].append(clock() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def peak(kernels: str) -> float:
    """Products a second, in G, of one thread; 0 where the loops cannot say."""
    network_peak(kernels, PEAK_ROUNDS // 100)
    start = time.thread_time()
    products = network_peak(kernels, PEAK_ROUNDS)
    return products / (time.thread_time() - start) / 1e9


class Table:
    """Rows of GMAC/s, and in brackets times PyTorch."""

    def __init__(self, kernels: list[str], options: argparse.Namespace) -> None:
        self._columns, self._markdown = ["torch fp32", *kernels], options.markdown
        self._clock = time.thread_time if options.threads == 1 else time.perf_counter
        self._repeats = options.repeats
        self.print_row("layer", self._columns)
        if self._markdown:
            self.print_row("---", ["---"] * len(self._columns))

    def print_row(self, name: str, cells: list[str]) -> None:
        if self._markdown:
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
        else:
            print(f"{name:<30}" + "".join(f"{cell:>16}" for cell in cells), flush=True)

    def measure(self, name: str, macs: int, works: dict[str, Callable[[], object]]) -> None:
        seconds = medians(works, self._repeats, self._clock)
        speeds = {column: macs / seconds[column] / 1e9 for column in self._columns}
        ratios = {column: speed / speeds["torch fp32"] for column, speed in speeds.items()}
        self.print_row(
            name, [f"{speeds[column]:.1f} ({ratios[column]:.2f})" for column in self._columns]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--kernels", nargs="+", default=network_kernels()[1:], choices=network_kernels()
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", default="1920x1088", help="of the picture")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    torch.set_num_threads(options.threads)
    kernels, rng = list(options.kernels), np.random.default_rng(0)
    table = Table(kernels, options)
    for layer in LAYERS:
        size = (height // layer.scale, width // layer.scale)
        network = single(rng, layer)
        works = {name: native_run(network, size, name, options.threads) for name in kernels}
        module = nn.Conv2d(
            layer.inputs, layer.outputs, layer.side, layer.stride, (layer.side - 1) // 2
        )
        works["torch fp32"] = torch_run(module, layer.inputs, size)
        macs = Workspace(native(network), {"in": size}).multiplications("all")
        table.measure(layer.name, macs, works)
    for channels in (32, 48):
        network, size = synthesis(rng, channels), (height // 4, width // 4)
        works = {name: native_run(network, size, name, options.threads) for name in kernels}
        works["torch fp32"] = torch_run(FloatSynthesis(channels), 48, size)
        macs = Workspace(native(network), {"in": size}).multiplications("all")
        table.measure(f"synthesis of {channels} channels", macs, works)
    if options.threads == 1:
        table.print_row("peak, products only", ["", *(f"{peak(name):.1f}" for name in kernels)])


if __name__ == "__main__":
    main()
