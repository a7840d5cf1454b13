"""I-frames: DCT coefficients with a small network on both sides, coded in four steps, with means, beside a small latent z."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from streamcodec.models.dct.gains import Gains, condition_of
from streamcodec.models.dct.layers import Conv, DepthToSpace, FloatNetwork, Layer, Taps, parity_grid
from streamcodec.models.dct.scales import SymbolCounts, bits_of
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

__all__ = ["LINEAR", "STEPS", "DctIntra", "IntraConfig", "IntraOutput"]

STEPS: tuple[tuple[tuple[int, int], Taps], ...] = (
    ((0, 0), "1x1"),
    ((1, 1), "diagonals"),
    ((0, 1), "cross"),
    ((1, 0), "ring"),
)
"""Parity grid (row, column) of each step, and which of its neighbours are decoded by then."""
LINEAR = (0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 24, 25, 32, 40, 48, 64, 65, 68, 69, 80, 81, 84, 85)
"""Channels of low frequency: the context sees their values themselves, not only their logarithms."""
CONTEXT = 2 * CHANNELS + len(LINEAR)
LINEAR_UNIT = 32.0
"""Steps that are 1 in the context's linear part."""


@dataclass(frozen=True)
class IntraConfig:
    """Widths of the networks, in channels; `blocks`: residual blocks of the synthesis."""

    synthesis: int = 48
    analysis: int = 48
    context: int = 96
    hyper: int = 48
    z: int = 24
    blocks: int = 2


@dataclass(frozen=True)
class IntraOutput:
    """`planes`: the decoded picture before rounding. `bits` (N,) of all symbols. `z_bits` (N,): the share of z."""

    planes: Planes
    bits: Tensor
    z_bits: Tensor


def networks(config: IntraConfig) -> dict[str, FloatNetwork]:
    w, c, h = config.synthesis, config.context, config.hyper
    hyper_analysis: list[Layer] = [
        Conv("first", ("input",), "a", h, relu=True, conditional=True),
        Conv("second", ("a",), "b", h, "5x5/2", relu=True),
        Conv("last", ("b",), "output", config.z, "5x5/2"),
    ]
    hyper: list[Layer] = [
        Conv("first", ("input",), "a", 4 * h, relu=True, conditional=True),
        DepthToSpace("a", "b"),
        Conv("second", ("b",), "c", 4 * h, relu=True),
        DepthToSpace("c", "output"),
    ]
    first: list[Layer] = [
        Conv("joint", ("hyper",), "b", c, relu=True, conditional=True, at_parity=True)
    ]
    last: list[Layer] = [
        Conv("hidden", ("b",), "c", c, relu=True),
        Conv("mean_and_scale", ("c",), "output", 2 * CHANNELS),
    ]
    synthesis: list[Layer] = [
        Conv("lift", ("coefficients",), "l", CHANNELS),
        DepthToSpace("l", "lifted"),
    ]
    result = {
        "analysis": analysis_network(config.analysis, 24, "4x4/2"),
        "hyper_analysis": FloatNetwork(hyper_analysis, {"input": CHANNELS}),
        "hyper": FloatNetwork(hyper, {"input": config.z}),
        "indexes_0": FloatNetwork(first + last, {"hyper": h}),
        "synthesis": FloatNetwork(
            synthesis + synthesis_layers(w, config.blocks, ("residual", "lifted"), "residual"),
            {"coefficients": CHANNELS, "residual": 24},
        ),
    }
    for step, (_, taps) in enumerate(STEPS[1:], 1):
        context: list[Layer] = [
            Conv("known", ("hyper",), "a", c, conditional=True, at_parity=True),
            Conv("neighbours", ("context",), "b", c, taps, relu=True, add="a", at_parity=True),
        ]
        result[f"indexes_{step}"] = FloatNetwork(context + last, {"hyper": h, "context": CONTEXT})
    return result


class DctIntra(nn.Module):
    """Float model of I-frames, for training; coding runs its integers (export.py). z_log_scale (z,): of each channel."""

    analysis: FloatNetwork
    hyper_analysis: FloatNetwork
    hyper: FloatNetwork
    synthesis: FloatNetwork

    def __init__(self, config: IntraConfig = IntraConfig()) -> None:
        super().__init__()
        self.config = config
        self.gains = Gains()
        for name, network in networks(config).items():
            self.add_module(name, network)
        for step in range(len(STEPS)):
            start_scales(self.parameters_of(step).conv("mean_and_scale"), 0.0)
        self.z_log_scale = nn.Parameter(torch.zeros(config.z))

    def parameters_of(self, step: int) -> FloatNetwork:
        """The network that gives means and log scales of a step's symbols."""
        network = self.get_submodule(f"indexes_{step}")
        assert isinstance(network, FloatNetwork)
        return network

    def forward(
        self,
        frame: Planes,
        q: Tensor,
        squared_steps_per_bit: float,
        counts: SymbolCounts | None = None,
    ) -> IntraOutput:
        """`frame`: planes of samples 0..255. `counts` is told all symbols."""
        condition, gain = condition_of(q), self.gains(q)
        centred = (frame[0] - 128, frame[1] - 128)
        y = forward_dct(centred) + self.analysis(condition, input=pack(centred) / 64)["output"] * 16
        y = y * gain.forward
        z = self.hyper_analysis(condition, input=signed_log(y) * 0.5)["output"]
        z_hat = z + (z.round() - z).detach()
        if counts is not None:
            counts.add_z(z_hat)
        z_bits = bits_of(
            z + torch.rand_like(z) - 0.5 if self.training else z_hat,
            self.z_log_scale[None, :, None, None],
        )
        hyper = self.hyper(condition, input=z_hat)["output"][..., : y.shape[-2], : y.shape[-1]]

        y_hat, bits = torch.zeros_like(y), y.new_zeros(len(y))
        for step, (parity, taps) in enumerate(STEPS):
            here = {"hyper": parity_grid(hyper, parity)}
            if step:
                here["context"] = parity_grid(context_of(y_hat), parity, taps)
            parameters = self.parameters_of(step)(condition, **here)["output"]
            mean, log_scale = parameters.chunk(2, 1)
            values = parity_grid(y, parity) - mean
            chosen, more = code_step(
                values, log_scale, squared_steps_per_bit, counts, self.training
            )
            bits = bits + more
            decoded = chosen + mean + (values - values.detach()) if self.training else chosen + mean
            y_hat = y_hat + place(decoded, parity)
        coefficients = y_hat * gain.back
        packed = pack(inverse_dct(coefficients)) / 16
        decoded = (
            self.synthesis(condition, coefficients=coefficients / 64, residual=packed)["output"]
            * 16
        )
        luma, chroma = unpack(decoded)
        z_bits = z_bits.sum((1, 2, 3))
        return IntraOutput((luma + 128, chroma + 128), bits + z_bits, z_bits)


def signed_log(x: Tensor) -> Tensor:
    return torch.sign(x) * x.abs().log1p()


def context_of(y_hat: Tensor) -> Tensor:
    """(N, 96, h, w) in steps -> (N, 216, h, w): signed logarithms, logarithms of the magnitude, the linear part."""
    magnitude = y_hat.abs().log1p()
    return torch.cat(
        (torch.sign(y_hat) * magnitude, magnitude, y_hat[:, list(LINEAR)] / LINEAR_UNIT), 1
    )


def place(grid: Tensor, parity: tuple[int, int]) -> Tensor:
    """The inverse of `parity_grid`: (N, C, h, w) -> (N, C, 2 h, 2 w), zeros elsewhere."""
    n, c, h, w = grid.shape
    out = grid.new_zeros(n, c, h, 2, w, 2)
    out[:, :, :, parity[0], :, parity[1]] = grid
    return out.view(n, c, 2 * h, 2 * w)
