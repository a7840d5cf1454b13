#!/usr/bin/env python3
"""What the integers of a context model cost in bits, against the same model in floats.

    tools/measure/measure_context.py [WEIGHTS IMAGE...] [--size 768x512]

Codes each picture (cut to a size) twice, as y with its context: with the integers that streams are made with, and in floats, position
after position, each with the y_hat that it decodes itself. Both choose among the same tables. For each picture:

    rows        bits of y by the tables with the integers' rows, against the rows that floats choose given the same y_hat
    integers    bits of y with integers against the whole way in floats, which soon has other y_hat: what exactness costs
    symbols     share of the elements whose y_hat differs by more than a half between both
    error       mean square of y_hat - y, integers against floats: what is paid, or gained, there instead of bits
    tables      bits of y by the tables in floats, against Gaussians of exactly the float scales: what the grid and 14 bits cost

WEIGHTS: a file of a model with context (mbt2018, cheng2020-...). Without, a random network whose layers are scaled so that scales and
means vary as those of trained models do, and a latent drawn from the Gaussians that it tells.
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from bench_images import last_convolution, picture, rescale
from torch import Tensor

from streamcodec.codec.counting import CountingChannel
from streamcodec.models import ImageModel, create, load_checkpoint
from streamcodec.models.latents.context import ContextLatent
from streamcodec.models.latents.hyperprior import settle
from streamcodec.models.layers.masked import anchors
from streamcodec.video.pictures import read_picture

RANDOM: dict[str, dict[str, int]] = {"mbt2018": {"N": 64, "M": 96}, "cheng2020-anchor": {"N": 96}}


@dataclass(frozen=True)
class Coded:
    """values, y_hat, scales float and symbols, rows int32, all (1, M, h, w)."""

    values: Tensor
    symbols: Tensor
    rows: Tensor
    y_hat: Tensor
    scales: Tensor


class Probe(CountingChannel):
    """Codes y by integers and by floats, and keeps what it takes to compare them."""

    def __init__(self, model: ImageModel, latent: ContextLatent, draw: bool) -> None:
        super().__init__(model.tables(), model.contexts())
        self.tables, self.draw = model.tables(), draw
        self.latent, self.z_bits, self.y_bits = latent, 0.0, 0.0
        self.z_symbols = torch.zeros(0)

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        self.z_symbols = super().code(symbols, indexes)
        self.z_bits = self.bits
        return self.z_symbols

    def code_in_context(self, values: Tensor | None, features: Tensor, context: int = 0) -> Tensor:
        assert values is not None
        float_features = self.latent.features(
            self.z_symbols + self.latent.entropy_bottleneck.medians(), values
        )
        if self.draw:
            values = code_in_floats(
                self.latent, float_features, values, torch.randn_like(values)
            ).values
        y_hat = super().code_in_context(values, features, context)
        self.y_bits, self.y_hat = self.bits - self.z_bits, y_hat
        self.floats = code_in_floats(self.latent, float_features, values)
        self.same = given(self.latent, float_features, values, y_hat)
        return y_hat

    def line(self, pixels: int) -> str:
        floats, y_hat = self.floats, self.y_hat
        exact = -float(
            self.latent.gaussian_conditional.likelihood(floats.symbols, floats.scales)
            .double()
            .log2()
            .sum()
        )
        costs = {
            "rows": self.y_bits / self.cost(self.same),
            "integers": self.y_bits / self.cost(floats),
            "error": float(
                (floats.values - y_hat).square().mean()
                / (floats.values - floats.y_hat).square().mean()
            ),
            "tables": self.cost(floats) / exact,
        }
        differ = float(((y_hat - floats.y_hat).abs() > 0.5).double().mean())
        shown = "  ".join(f"{name} {ratio - 1:+9.4%}" for name, ratio in costs.items())
        return f"y {self.y_bits / pixels:7.4f} bit/pixel  symbols {differ:8.4%}  {shown}"

    def cost(self, coded: Coded) -> float:
        """Bits by the tables."""
        counting = CountingChannel(self.tables)
        counting.code(coded.symbols, coded.rows)
        return counting.bits


def rows_of(latent: ContextLatent, scales: Tensor) -> Tensor:
    table = latent.gaussian_conditional.scale_table.double()
    boundaries = (table[1:] * table[:-1]).sqrt()
    return torch.bucketize(scales.double(), boundaries, right=True).to(torch.int32)


def given(latent: ContextLatent, features: Tensor, values: Tensor, y_hat: Tensor) -> Coded:
    """What floats make of values where y_hat is known already."""
    context = latent.context_prediction(y_hat)
    if latent.schedule == "checkerboard":
        context = context * ~anchors((values.shape[2], values.shape[3]), values.device)
    scales, means = latent.gaussians_given(features, context)
    rows = rows_of(latent, scales)
    symbols = settle((values - means).round().to(torch.int32), rows, latent.gaussian_conditional)
    return Coded(values, symbols, rows, symbols + means, scales)


def code_in_floats(
    latent: ContextLatent, features: Tensor, values: Tensor, noise: Tensor | None = None
) -> Coded:
    """What a decoder in floats would do with the same tables. With noise (1, M, h, w), values are drawn from the Gaussians."""
    values = values.clone()
    scales, means, y_hat = (torch.zeros_like(values) for _ in range(3))
    rows, symbols = (torch.zeros_like(values, dtype=torch.int32) for _ in range(2))
    convolution, model = latent.context_prediction, latent.gaussian_conditional
    weight, radius = convolution.weight * convolution.mask, convolution.kernel_size[0] // 2
    positions = [(i, j) for i in range(values.shape[2]) for j in range(values.shape[3])]
    if latent.schedule == "checkerboard":
        positions.sort(key=lambda position: sum(position) % 2)
    for i, j in positions:
        window = F.pad(
            y_hat[:, :, max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1],
            _missing(i, j, radius, values),
        )
        context = F.conv2d(window, weight, convolution.bias)
        if latent.schedule == "checkerboard" and (i + j) % 2 == 0:
            context = torch.zeros_like(context)
        here = (slice(None), slice(None), slice(i, i + 1), slice(j, j + 1))
        scales[here], means[here] = latent.gaussians_given(features[here], context)
        rows[here] = rows_of(latent, scales[here])
        if noise is not None:
            values[here] = means[here] + scales[here].clamp(min=0.01) * noise[here]
        symbols[here] = settle(
            (values[here] - means[here]).round().to(torch.int32), rows[here], model
        )
        y_hat[here] = symbols[here] + means[here]
    return Coded(values, symbols, rows, y_hat, scales)


def _missing(i: int, j: int, radius: int, values: Tensor) -> tuple[int, int, int, int]:
    """Left, right, above, below: what a window around (i, j) lacks of the frame."""
    height, width = values.shape[2:]
    return (
        max(radius - j, 0),
        max(j + radius + 1 - width, 0),
        max(radius - i, 0),
        max(i + radius + 1 - height, 0),
    )


def random_model(name: str, frame: Tensor) -> ImageModel:
    torch.manual_seed(0)
    model = create(name, **RANDOM[name])
    assert isinstance(model, ImageModel)
    latent = context_latent(model)
    rescale(last_convolution(model.g_a), 2 / float(model.g_a(frame).std()))
    y = model.g_a(frame)
    z = latent.h_a(y)
    rescale(last_convolution(latent.h_a), 2 / float(z.std()))
    z_hat = latent.h_a(y).round()
    rescale(last_convolution(latent.h_s), 1 / float(latent.h_s(z_hat).std()))
    latent.context_prediction.weight.mul_(0.5 / float(latent.context_prediction(y).std()))
    head = last_convolution(latent.entropy_parameters)
    scales, means = latent.gaussians_given(latent.features(z_hat, y), latent.context_prediction(y))
    head.weight.mul_(0.7 / float(torch.cat([scales, means]).std()))
    assert head.bias is not None
    head.bias.zero_()
    head.bias[: y.shape[1]] = torch.linspace(math.log(0.15), math.log(6), y.shape[1]).exp()
    return model


def context_latent(model: ImageModel) -> ContextLatent:
    latent = getattr(model, "latent", None)
    if not isinstance(latent, ContextLatent):
        raise SystemExit(f"{type(model).__name__} has no context model")
    return latent


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("weights", nargs="?", type=Path)
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("--size", default="768x512", help="pictures are cut to it; multiples of 16")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    if options.weights is None:
        frame = picture(width, height)[None].float() / 255
        for name in RANDOM:
            report(random_model(name, frame), f"random {name}", frame, draw=True)
        return
    model = load_checkpoint(options.weights).model
    for path in options.images:
        pixels = torch.from_numpy(read_picture(path).pixels)[:, :height, :width]
        sides = [side // 16 * 16 for side in pixels.shape[1:]]
        report(model, path.name, pixels[None, :, : sides[0], : sides[1]].float() / 255)


def report(model: ImageModel, name: str, frame: Tensor, draw: bool = False) -> None:
    model.eval().update()
    probe = Probe(model, context_latent(model), draw)
    model.code(frame, (frame.shape[2], frame.shape[3]), probe)
    print(f"{name:28s} {probe.line(frame.shape[2] * frame.shape[3])}")


if __name__ == "__main__":
    main()
