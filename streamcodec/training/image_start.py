"""Published image models at the start of a run: from principal components, or from the weights of another model.

Transforms as in Balle et al. 2018, four 5x5 convolutions of stride 2 with GDN between them, can begin as principal components of
16x16 blocks (principal.py). GDN is centred and next to linear for small signals, so signed values need no bias to travel on.
"""

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models import ImageModel
from streamcodec.models.entropy_models import EntropyBottleneck
from streamcodec.models.layers import GDN
from streamcodec.models.vae import TransformModel
from streamcodec.training.principal import OFFSETS, SPARE, Cascade, he
from streamcodec.training.start import read_parameters

__all__ = ["load_what_fits", "start_entropy", "start_transforms", "widths_of"]

CALM = 0.01
"""GDN's gamma at the start: next to linear."""
BLOCK = 48
"""Values of a 4x4 block of three colours, all of which travel on."""
DEVIATION = 0.5
"""Of the signals between two layers at the start."""


def load_what_fits(model: ImageModel, path: Path) -> None:
    """Take the parameters of a weights file that the model has in the same shape. UsageError if there is none."""
    own = model.state_dict()
    fitting = {key: value for key, value in read_parameters(path).items() if key in own and own[key].shape == value.shape}
    if not fitting:
        raise UsageError(f"nothing in {path} fits the model {type(model).__name__}; accepted: weights that share parameters with it")
    model.load_state_dict(fitting, strict=False)


@torch.no_grad()
def start_transforms(g_a: nn.Sequential, g_s: nn.Sequential, cascade: Cascade, step: float) -> None:
    """Write principal components into four 5x5 convolutions of stride 2 and their mirror image, with GDN next to linear between.

    Frames are in [0, 1], latents in units of `step`; the cascade is of frames - 0.5, pixel-unshuffled by 4. Each convolution sees a
    2x2 block under its third and fourth row and column, so nothing depends on padding.
    """
    at4, at8, at16 = cascade.at4, cascade.at8, cascade.at16
    sizes = [torch.full((12,), DEVIATION / 0.25), *(DEVIATION / level.sigma.clamp(min=level.sigma[0] / 30) for level in (at4, at8))]
    sizes.append(torch.full_like(at16.sigma, 1 / step))
    fine = _unshuffle_order(at4.components), _unshuffle_order(at4.inverse.T)
    pixels = torch.eye(12).view(12, 3, 4).transpose(1, 2).reshape(12, 12)  # channel: colour by position; columns: position by colour
    mixes = [(pixels, pixels), fine, (at8.components, at8.components), (at16.components, at16.components)]
    before = torch.ones(3)
    for index, ((analysis, synthesis), size) in enumerate(zip(mixes, sizes, strict=True)):
        _write(g_a[2 * index], analysis / before.repeat(4) * size[:, None], transposed=False)
        _write(g_s[2 * (3 - index)], synthesis * before.repeat(4) / size[:, None], transposed=True)
        before = size
    first, last = _conv(g_a[0]), _conv(g_s[6])
    _bias(first)[:12] = -0.5 * first.weight[:12].sum((1, 2, 3))
    _bias(last).fill_(0.5)
    for layer in (*g_a, *g_s):
        if isinstance(layer, GDN):
            layer.gamma.copy_(layer.gamma_reparam.stored(CALM * torch.eye(len(layer.gamma))))


@torch.no_grad()
def start_entropy(model: TransformModel, sigma: Tensor, log_gains: Tensor) -> None:
    """Gains (rows,) and entropy models for latents of deviations sigma (M,), in units of the middle row's step."""
    gains = model.latent.gains
    if gains is not None:
        gains.gain.copy_(log_gains[:, None].expand_as(gains.gain))
        gains.inverse_gain.copy_(-gains.gain)
    layers = dict(model.named_children())
    if "h_a" not in layers:
        widen(cast(EntropyBottleneck, layers["entropy_bottleneck"]), 2 * sigma.clamp(min=1))
        return
    _conv(cast(nn.Sequential, layers["h_a"])[0]).weight.div_(sigma.clamp(min=0.3)[:, None, None])
    head = layers.get("entropy_parameters", layers["h_s"])
    last = [layer for layer in head.modules() if isinstance(layer, nn.Conv2d)][-1]
    last.weight.mul_(0.3)
    _bias(last)[: len(sigma)] = 0.5 * sigma.clamp(min=0.3)


@torch.no_grad()
def widen(bottleneck: EntropyBottleneck, widths: Tensor) -> None:
    """Densities of the given widths (C,) instead of one for all."""
    for channel, width in enumerate(widths.tolist()):
        fresh = EntropyBottleneck(1, init_scale=width)
        for own, new in zip(bottleneck.matrices, fresh.matrices, strict=True):
            own[channel] = new[0]
        bottleneck.quantiles[channel] = fresh.quantiles[0]


def widths_of(model: TransformModel) -> tuple[int, int]:
    """Channels between the layers, N, and of the latent. UsageError unless the transforms are those of Balle et al. 2018 with N >= 48."""
    found = [layer.out_channels for layer in model.g_a.children() if isinstance(layer, nn.Conv2d) and layer.kernel_size == (5, 5)]
    if len(found) != 4 or len(list(model.g_a.children())) != 7 or found[0] < BLOCK:
        accepted = f"four 5x5 convolutions, {BLOCK} channels or more"
        raise UsageError(f"principal components do not fit {type(model).__name__}; accepted: {accepted}")
    return found[0], found[-1]


def _unshuffle_order(rows: Tensor) -> Tensor:
    """rows (K, 48) over pixel_unshuffle(4)'s order -> over four neighbours (OFFSETS) of pixel_unshuffle(2)'s 12 channels each."""
    blocks = rows.view(len(rows), 3, 2, 2, 2, 2)  # colour, block row, row in it, block column, column in it
    return blocks.permute(0, 2, 4, 1, 3, 5).reshape(len(rows), 48)


def _write(layer: nn.Module, mix: Tensor, *, transposed: bool) -> None:
    """mix (K, 4 C): K coarse channels of four neighbours' C fine ones. Channels to spare are random and read by nothing."""
    conv = _conv(layer)
    weight = he(conv.weight, 0.3)
    coarse, fine = len(mix), mix.shape[1] // 4
    if transposed:
        weight[:coarse] = 0
        weight[coarse:, :fine] = SPARE * weight[coarse:, :fine]
    else:
        weight[:coarse] = 0
    for index, (dy, dx) in enumerate(OFFSETS):
        weight[:coarse, :fine, 2 + dy, 2 + dx] = mix.view(coarse, 4, fine)[:, index]
    conv.weight.copy_(weight)
    nn.init.zeros_(_bias(conv))


def _conv(layer: nn.Module) -> nn.Conv2d | nn.ConvTranspose2d:
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    return layer


def _bias(conv: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias
