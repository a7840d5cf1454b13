"""P-frames: the prediction's error as DCT coefficients, a small network on both sides, tables from what both sides know.

Known to both: the prediction itself, the symbols of the P-frame before, and, for the second half of a checkerboard, the first.
"""

from collections.abc import Mapping
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
    hadamard_transform,
    inverse_dct,
    pack,
    unpack,
)

__all__ = ["STEPS", "DctInter", "InterConfig", "InterOutput", "all_index_names"]

STEPS = (((0, 0), (1, 1)), ((0, 1), (1, 0)))
"""Parity grids (row, column) that are coded at once: a checkerboard."""


@dataclass(frozen=True)
class InterConfig:
    """Widths of the networks, in channels; `blocks`: residual blocks of the synthesis. `hadamard`: channels of the latent
    that a frame may code after a Hadamard transform over the blocks of each macroblock; if there are any, each parity grid
    has an index network of its own for such frames."""

    synthesis: int = 32
    analysis: int = 32
    features: int = 64
    blocks: int = 3
    hadamard: tuple[int, ...] = ()


@dataclass(frozen=True)
class InterOutput:
    """`planes`: the decoded picture before rounding. `bits` (N,). `symbols` (N, 96, H / 8, W / 8)."""

    planes: Planes
    bits: Tensor
    symbols: Tensor


def index_names(*, hadamard: bool = False) -> tuple[tuple[str, ...], ...]:
    """The network that says the scales of each grid of STEPS, in frames with the transform or without."""
    return tuple(
        tuple(f"hadamard_{step}{y}{x}" if hadamard else f"indexes_{step}" for y, x in grids)
        for step, grids in zip("ab", STEPS, strict=True)
    )


def all_index_names(config: InterConfig) -> tuple[list[str], list[str]]:
    """Those of a model: of the first step, of the second."""
    first, second = (list(dict.fromkeys(names)) for names in index_names())
    if config.hadamard:
        for names, more in zip((first, second), index_names(hadamard=True), strict=True):
            names += more
    return first, second


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
    first_names, second_names = all_index_names(config)
    return {
        "analysis": analysis_network(config.analysis, 48, "2x2/2"),
        "features": FloatNetwork(features, {"input": 2 * CHANNELS}),
        **{name: FloatNetwork(first, {"features": f}) for name in first_names},
        **{
            name: FloatNetwork(second, {"features": f, "context": CHANNELS})
            for name in second_names
        },
        "synthesis": FloatNetwork(
            synthesis_layers(config.synthesis, config.blocks, ("input",), "input"), {"input": 48}
        ),
    }


class DctInter(nn.Module):
    """Float model of P-frames, for training; coding runs its integers (export.py)."""

    analysis: FloatNetwork
    features: FloatNetwork
    synthesis: FloatNetwork

    def __init__(self, config: InterConfig = InterConfig()) -> None:
        super().__init__()
        self.config = config
        self.gains = Gains()
        for name, network in networks(config).items():
            self.add_module(name, network)
        for names in all_index_names(config):
            for name in names:
                start_scales(self._network(name).conv("log_scale"), -1.5)
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
        hadamard: bool | None = None,
    ) -> InterOutput:
        """`frame`, `prediction`: planes of samples 0..255. `before`: |symbols| of the P-frame before, (N, 96, H / 8, W / 8).
        `counts` is told all symbols. `hadamard`: whether its channels are transformed; None: in training by chance, else what
        takes less by the encoder's estimate, of the whole batch."""
        condition, gain = condition_of(q), self.gains(q)
        difference = (frame[0] - prediction[0], frame[1] - prediction[1])
        seen = pack((prediction[0] - 128, prediction[1] - 128)) / 64
        y = (
            forward_dct(difference)
            + self.analysis(condition, input=torch.cat((pack(difference) / 16, seen), 1))["output"]
            * 16
        )
        y = y * gain.forward
        if hadamard is None:
            hadamard = self._is_transformed(y, squared_steps_per_bit)
        channels = self.config.hadamard if hadamard else ()
        y = hadamard_transform(y, channels)
        spectrum = forward_dct((prediction[0] - 128, prediction[1] - 128)) * gain.forward
        features = self.features(
            condition, input=torch.cat((spectrum.abs().log1p(), before.log1p()), 1)
        )["output"]

        symbols, bits = torch.zeros_like(y), y.new_zeros(len(y))
        for number, step in enumerate(STEPS):
            here = {"features": [parity_grid(features, parity) for parity in step]}
            if number:
                known = torch.log1p(symbols.abs())
                here["context"] = [parity_grid(known, parity, "cross") for parity in step]
            names = index_names(hadamard=bool(channels))[number]
            log_scale = self._log_scale(names, condition, here)
            values = torch.cat([parity_grid(y, parity) for parity in step])
            chosen, more = code_step(
                values, log_scale, squared_steps_per_bit, counts, self.training
            )
            bits = bits + more.view(2, -1).sum(0)
            for parity, grid in zip(step, chosen.chunk(2), strict=True):
                symbols[:, :, parity[0] :: 2, parity[1] :: 2] = grid
        y_hat = symbols + (y - y.detach()) if self.training else symbols
        y_hat = hadamard_transform(y_hat, channels)
        packed = pack(inverse_dct(y_hat * gain.back))
        decoded = self.synthesis(condition, input=torch.cat((packed / 16, seen), 1))["output"] * 16
        luma, chroma = unpack(decoded)
        return InterOutput((prediction[0] + luma, prediction[1] + chroma), bits, symbols)

    def with_own_networks(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`weights` of this model, or of one without `hadamard`: then its networks begin as those of other frames."""
        found = dict(weights)
        if not self.config.hadamard or any(key.startswith("hadamard_") for key in found):
            return found
        pairs = zip(index_names(), index_names(hadamard=True), strict=True)
        for shared, own in ((shared[0], own) for shared, own in pairs):
            for key, value in weights.items():
                if key.startswith(f"{shared}."):
                    found |= {key.replace(shared, name, 1): value for name in own}
        return found

    def _is_transformed(self, y: Tensor, squared_steps_per_bit: float) -> bool:
        if not self.config.hadamard:
            return False
        if self.training:
            return bool(torch.rand(()) < 0.5)
        mixed = hadamard_transform(y, self.config.hadamard)
        plain, transformed = (
            estimated_cost(each[:, list(self.config.hadamard)], squared_steps_per_bit)
            for each in (y, mixed)
        )
        return transformed < plain

    def _log_scale(
        self, names: tuple[str, ...], condition: Tensor, slots: dict[str, list[Tensor]]
    ) -> Tensor:
        """`names`: the network of each grid. `slots`: inputs of each. (2 N, 96, H / 16, W / 16), grid by grid."""
        if len(set(names)) == 1:
            inputs = {slot: torch.cat(parts) for slot, parts in slots.items()}
            found = [self._network(names[0])(condition.repeat(len(names)), **inputs)]
        else:
            found = [
                self._network(name)(condition, **{slot: parts[at] for slot, parts in slots.items()})
                for at, name in enumerate(names)
            ]
        return torch.cat([each["output"] for each in found])

    def _network(self, name: str) -> FloatNetwork:
        network = self.get_submodule(name)
        assert isinstance(network, FloatNetwork)
        return network


@torch.no_grad()
def estimated_cost(y: Tensor, squared_steps_per_bit: float) -> float:
    """In squared steps: of each y the smaller of what it leaves if it is not coded, and what its bits are taken for
    (native/src/frame/hadamard.cpp)."""
    bits = 8 + 2 * torch.frexp(y.abs().round()).exponent
    return float(torch.minimum(y.square(), squared_steps_per_bit * bits).sum(dtype=torch.float64))
