"""Small members of the zoo, with weights that give latents and scales worth coding."""

from collections.abc import Callable
from functools import cache, partial
from typing import TypeVar

import torch
from torch import nn

from streamcodec.models.base import ImageModel
from streamcodec.models.blocks import ResidualUnit
from streamcodec.models.cheng2020 import Cheng2020Anchor, Cheng2020AnchorCheckerboard, Cheng2020Attention
from streamcodec.models.context_latent import CheckerboardLatentCodec, ContextLatent, RasterLatentCodec
from streamcodec.models.factorized import FactorizedLatentCodec, FactorizedPrior
from streamcodec.models.hyperprior import HyperpriorLatentCodec, MeanScaleHyperprior, ScaleHyperprior
from streamcodec.models.joint import JointAutoregressiveHierarchicalPriors
from streamcodec.models.latent import HyperpriorLatent
from streamcodec.models.layers import conv, deconv
from streamcodec.models.ssf import ScaleSpaceFlow, ScaleSpaceFlowImage
from streamcodec.models.ssf_hyperprior import ScaleSpaceHyperprior
from streamcodec.models.vae import SimpleVAECompressionModel

N, M = 8, 12


def simple(codec: nn.Module) -> SimpleVAECompressionModel:
    """Transforms of its own: a quarter of the resolution by reshaping, stride 4."""
    g_a = nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, M, 1))
    g_s = nn.Sequential(nn.Conv2d(M, 48, 1), nn.PixelShuffle(4))
    return SimpleVAECompressionModel(g_a, g_s, codec, stride=4)


def simple_hyperprior(codec: Callable[..., nn.Module], **options: int) -> SimpleVAECompressionModel:
    h_a, h_s = nn.Sequential(conv(M, N), nn.ReLU(), conv(N, N)), nn.Sequential(deconv(N, N), nn.ReLU(), deconv(N, 2 * M))
    return simple(codec(h_a, h_s, M, N, **options))


IMAGE_MODELS: dict[str, Callable[[], ImageModel]] = {
    "factorized": partial(FactorizedPrior, N, M),
    "factorized-relu": partial(FactorizedPrior, N, M, activation="relu"),
    "scale": partial(ScaleHyperprior, N, M),
    "mean-scale": partial(MeanScaleHyperprior, N, M),
    "mean-scale-gains": partial(MeanScaleHyperprior, N, M, gain_rows=3),
    "factorized-gains": partial(FactorizedPrior, N, M, gain_rows=3),
    "ssf-image": partial(ScaleSpaceFlowImage, N, M),
    "joint": partial(JointAutoregressiveHierarchicalPriors, N, M),
    "joint-gains": partial(JointAutoregressiveHierarchicalPriors, N, M, gain_rows=3),
    "cheng": partial(Cheng2020Anchor, N),
    "cheng-attention": partial(Cheng2020Attention, N),
    "cheng-checkerboard": partial(Cheng2020AnchorCheckerboard, N),
    "simple-factorized": lambda: simple(FactorizedLatentCodec(M)),
    "simple-hyperprior": partial(simple_hyperprior, HyperpriorLatentCodec, means=True),
    "simple-raster": partial(simple_hyperprior, RasterLatentCodec),
    "simple-checkerboard": partial(simple_hyperprior, CheckerboardLatentCodec),
    "simple-checkerboard-gains": partial(simple_hyperprior, CheckerboardLatentCodec, gain_rows=3),
}
RASTER = ("joint", "joint-gains", "cheng", "cheng-attention", "simple-raster")
"""Those whose estimates round latents at other places than coding does: as published, at whole numbers."""


def image_model(name: str) -> ImageModel:
    torch.manual_seed(5)
    return enliven(IMAGE_MODELS[name]())


@cache
def updated_image_model(name: str) -> ImageModel:
    """Shared by the tests: not to be changed."""
    model = image_model(name)
    model.update()
    return model


def flow_model() -> ScaleSpaceFlow:
    torch.manual_seed(5)
    return enliven(ScaleSpaceFlow(N=N, M=M))


Model = TypeVar("Model", bound=nn.Module)


@torch.no_grad()
def enliven(model: Model) -> Model:
    """Change fresh weights so that latents are some units wide and scales around 2."""
    for name, module in model.named_modules():
        if name in ("g_a", "img_encoder", "res_encoder", "motion_encoder") and isinstance(module, nn.Sequential):
            last = next(layer for layer in reversed(module) if isinstance(layer, nn.Conv2d))  # an attention block may follow
            last.weight *= {5: 60, 3: 20, 1: 4}[last.kernel_size[0]]
        if name.endswith(("h_a", "hyper_encoder")) and isinstance(module, nn.Sequential):
            module[-1].weight *= 10 if len(module) <= 5 else 60
        if isinstance(module, ResidualUnit):
            for layer in (module.conv[0], module.conv[2]):
                layer.bias += 0.5  # so that not all activations are 0
        if isinstance(module, ScaleSpaceHyperprior):
            for part, bias in zip((*module.hyper_decoder_scale.children(),)[::2], (2, 2, 4), strict=True):
                part.bias += bias  # so that not all activations are clamped to zero
        elif isinstance(module, HyperpriorLatent):
            parts = [module.entropy_parameters] if isinstance(module, ContextLatent) else module.scale_layers()[0]
            layers = [layer for part in parts for layer in part.modules()]
            last = [layer for layer in layers if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)][-1]
            last.weight *= 3
            last.bias[: module.latent_channels] += 2
    return model.eval()
