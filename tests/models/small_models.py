"""Small members of the zoo, with weights that give latents and scales worth coding."""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import nn

from streamcodec.models.base import ImageModel
from streamcodec.models.latents.context import CheckerboardLatentCodec, RasterLatentCodec
from streamcodec.models.layers.basic import conv, deconv
from streamcodec.models.zoo.cheng2020 import (
    Cheng2020Anchor,
    Cheng2020AnchorCheckerboard,
    Cheng2020Attention,
)
from streamcodec.models.zoo.factorized import FactorizedLatentCodec, FactorizedPrior
from streamcodec.models.zoo.hyperprior import (
    HyperpriorLatentCodec,
    MeanScaleHyperprior,
    ScaleHyperprior,
)
from streamcodec.models.zoo.joint import JointAutoregressiveHierarchicalPriors
from streamcodec.models.zoo.ssf import ScaleSpaceFlow, ScaleSpaceFlowImage
from streamcodec.models.zoo.vae import SimpleVAECompressionModel
from support.tiny import enliven

N, M = 8, 12


def simple(codec: nn.Module) -> SimpleVAECompressionModel:
    """Transforms of its own: a quarter of the resolution by reshaping, stride 4."""
    g_a = nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, M, 1))
    g_s = nn.Sequential(nn.Conv2d(M, 48, 1), nn.PixelShuffle(4))
    return SimpleVAECompressionModel(g_a, g_s, codec, stride=4)


def simple_hyperprior(codec: Callable[..., nn.Module], **options: int) -> SimpleVAECompressionModel:
    h_a, h_s = (
        nn.Sequential(conv(M, N), nn.ReLU(), conv(N, N)),
        nn.Sequential(deconv(N, N), nn.ReLU(), deconv(N, 2 * M)),
    )
    return simple(codec(h_a, h_s, M, N, **options))


IMAGE_MODELS: dict[str, Callable[[], ImageModel]] = {
    "factorized": partial(FactorizedPrior, N, M),
    "factorized-relu": partial(FactorizedPrior, N, M, activation="relu"),
    "scale": partial(ScaleHyperprior, N, M),
    "mean-scale": partial(MeanScaleHyperprior, N, M),
    "ssf-image": partial(ScaleSpaceFlowImage, N, M),
    "joint": partial(JointAutoregressiveHierarchicalPriors, N, M),
    "cheng": partial(Cheng2020Anchor, N),
    "cheng-attention": partial(Cheng2020Attention, N),
    "cheng-checkerboard": partial(Cheng2020AnchorCheckerboard, N),
    "simple-factorized": lambda: simple(FactorizedLatentCodec(M)),
    "simple-hyperprior": partial(simple_hyperprior, HyperpriorLatentCodec, means=True),
    "simple-raster": partial(simple_hyperprior, RasterLatentCodec),
    "simple-checkerboard": partial(simple_hyperprior, CheckerboardLatentCodec),
}
RASTER = ("joint", "cheng", "cheng-attention", "simple-raster")
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
