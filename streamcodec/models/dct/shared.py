"""What the models of P-frames and of I-frames share: their layers around the DCT, and a coded step."""

import torch
from torch import Tensor, nn

from streamcodec.models.dct.layers import Conv, FloatNetwork, Layer, Taps
from streamcodec.models.dct.scales import SymbolCounts, bits_of, choose_symbols
from streamcodec.models.dct.transforms import CHANNELS

__all__ = ["analysis_network", "code_step", "start_scales", "synthesis_layers"]


def analysis_network(width: int, channels: int, last: Taps) -> FloatNetwork:
    """From cells of `channels` to what is added to the DCT; `last`: taps and stride of its last layer."""
    layers: list[Layer] = [
        Conv("first", ("input",), "a", width, "3x3", relu=True, conditional=True),
        Conv("second", ("a",), "b", width, "3x3", relu=True),
        Conv("last", ("b",), "output", CHANNELS, last, zero=True),
    ]
    return FloatNetwork(layers, {"input": channels})


def synthesis_layers(
    width: int, blocks: int, sources: tuple[str, ...], residual: str
) -> list[Layer]:
    """Improves the packed residual, the first 24 channels of the slot `residual`, by what `sources` hold."""
    layers: list[Layer] = [Conv("first", sources, "x0", width, "3x3", relu=True, conditional=True)]
    for i in range(blocks):
        layers.append(Conv(f"block{i}a", (f"x{i}",), f"h{i}", width, "3x3", relu=True))
        layers.append(
            Conv(f"block{i}b", (f"h{i}",), f"x{i + 1}", width, "3x3", add=f"x{i}", zero=True)
        )
    layers.append(Conv("last", (f"x{blocks}",), "output", 24, "3x3", add=residual, zero=True))
    return layers


def start_scales(last: nn.Conv2d, log_scale: float) -> None:
    """Begin with one scale everywhere."""
    assert last.bias is not None
    nn.init.normal_(last.weight, 0, 0.01)
    nn.init.constant_(last.bias, log_scale)


def code_step(
    y: Tensor,
    log_scale: Tensor,
    squared_steps_per_bit: float,
    counts: SymbolCounts | None,
    training: bool,
) -> tuple[Tensor, Tensor]:
    """y, log_scale (N, 96, h, w) -> the symbols chosen for y, of which `counts` is told, and their bits (N,).

    In training the gradient of the bits goes to the scales; y gets that of y with uniform noise instead.
    """
    symbols = choose_symbols(y.detach(), log_scale.detach(), squared_steps_per_bit)
    if counts is not None:
        counts.add(symbols, log_scale)
    bits = bits_of(symbols, log_scale)
    if training:
        noisy = bits_of(y + torch.rand_like(y) - 0.5, log_scale.detach().clamp_min(-1.3))
        bits = bits + noisy - noisy.detach()
    return symbols, bits.sum((1, 2, 3))
