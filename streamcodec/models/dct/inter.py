"""P-frames: the prediction's error as DCT coefficients, a small network on both sides, tables from what both sides know.

Known to both: the prediction itself, the symbols of the P-frame before, and, for the second half of a checkerboard, the first.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from streamcodec.models.dct.gains import Gains, condition_of
from streamcodec.models.dct.layers import Conv, FloatNetwork, Layer, parity_grid
from streamcodec.models.dct.scales import SymbolCounts
from streamcodec.models.dct.shared import (
    analysis_network,
    code_step,
    start_scales,
    synthesis_layers,
)
from streamcodec.models.dct.transforms import (
    CHANNELS,
    Planes,
    forward_dct,
    inverse_dct,
    pack,
    unpack,
)

__all__ = ["STEPS", "DctInter", "InterConfig", "InterOutput"]

STEPS = (((0, 0), (1, 1)), ((0, 1), (1, 0)))
"""Parity grids (row, column) that are coded at once: a checkerboard."""


@dataclass(frozen=True)
class InterConfig:
    """Widths of the networks, in channels; `blocks`: residual blocks of the synthesis."""

    synthesis: int = 32
    analysis: int = 32
    features: int = 64
    blocks: int = 3


@dataclass(frozen=True)
class InterOutput:
    """`planes`: the decoded picture before rounding. `bits` (N,). `symbols` (N, 96, H / 8, W / 8)."""

    planes: Planes
    bits: Tensor
    symbols: Tensor


def networks(config: InterConfig) -> dict[str, FloatNetwork]:
    f = config.features
    features: list[Layer] = [
        Conv("mix", ("input",), "a", f, relu=True, conditional=True),
        Conv("spread", ("a",), "output", f, "3x3", relu=True),
    ]
    first: list[Layer] = [
        Conv("hidden", ("features",), "a", f, relu=True, conditional=True, at_parity=True),
        Conv("log_scale", ("a",), "output", CHANNELS),
    ]
    second: list[Layer] = [
        Conv("known", ("features",), "a", f, conditional=True, at_parity=True),
        Conv("neighbours", ("context",), "b", f, "cross", relu=True, add="a", at_parity=True),
        Conv("hidden", ("b",), "c", f, relu=True),
        Conv("log_scale", ("c",), "output", CHANNELS),
    ]
    return {
        "analysis": analysis_network(config.analysis, 48, "2x2/2"),
        "features": FloatNetwork(features, {"input": 2 * CHANNELS}),
        "indexes_a": FloatNetwork(first, {"features": f}),
        "indexes_b": FloatNetwork(second, {"features": f, "context": CHANNELS}),
        "synthesis": FloatNetwork(
            synthesis_layers(config.synthesis, config.blocks, ("input",), "input"), {"input": 48}
        ),
    }


class DctInter(nn.Module):
    """Float model of P-frames, for training; coding runs its integers (export.py)."""

    analysis: FloatNetwork
    features: FloatNetwork
    indexes_a: FloatNetwork
    indexes_b: FloatNetwork
    synthesis: FloatNetwork

    def __init__(self, config: InterConfig = InterConfig()) -> None:
        super().__init__()
        self.config = config
        self.gains = Gains()
        for name, network in networks(config).items():
            self.add_module(name, network)
        for scales in (self.indexes_a, self.indexes_b):
            start_scales(scales.conv("log_scale"), -1.5)
        with torch.no_grad():
            self.features.conv("mix").weight[:, CHANNELS:] = (
                0  # until there are P-frames in a row to learn from
            )

    def forward(
        self,
        frame: Planes,
        prediction: Planes,
        before: Tensor,
        q: Tensor,
        squared_steps_per_bit: float,
        counts: SymbolCounts | None = None,
    ) -> InterOutput:
        """`frame`, `prediction`: planes of samples 0..255. `before`: |symbols| of the P-frame before, (N, 96, H / 8, W / 8).
        `counts` is told all symbols."""
        condition, gain = condition_of(q), self.gains(q)
        difference = (frame[0] - prediction[0], frame[1] - prediction[1])
        seen = pack((prediction[0] - 128, prediction[1] - 128)) / 64
        y = (
            forward_dct(difference)
            + self.analysis(condition, input=torch.cat((pack(difference) / 16, seen), 1))["output"]
            * 16
        )
        y = y * gain.forward
        spectrum = forward_dct((prediction[0] - 128, prediction[1] - 128)) * gain.forward
        features = self.features(
            condition, input=torch.cat((spectrum.abs().log1p(), before.log1p()), 1)
        )["output"]

        symbols, bits = torch.zeros_like(y), y.new_zeros(len(y))
        for step, scales in zip(STEPS, (self.indexes_a, self.indexes_b), strict=True):
            known = torch.log1p(symbols.abs())
            here = {"features": torch.cat([parity_grid(features, parity) for parity in step])}
            if scales is self.indexes_b:
                here["context"] = torch.cat(
                    [parity_grid(known, parity, "cross") for parity in step]
                )
            log_scale = scales(condition.repeat(2), **here)["output"]
            values = torch.cat([parity_grid(y, parity) for parity in step])
            chosen, more = code_step(
                values, log_scale, squared_steps_per_bit, counts, self.training
            )
            bits = bits + more.view(2, -1).sum(0)
            for parity, grid in zip(step, chosen.chunk(2), strict=True):
                symbols[:, :, parity[0] :: 2, parity[1] :: 2] = grid
        y_hat = symbols + (y - y.detach()) if self.training else symbols
        packed = pack(inverse_dct(y_hat * gain.back))
        decoded = self.synthesis(condition, input=torch.cat((packed / 16, seen), 1))["output"] * 16
        luma, chroma = unpack(decoded)
        return InterOutput((prediction[0] + luma, prediction[1] + chroma), bits, symbols)
