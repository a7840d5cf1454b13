"""Deep residual transforms of 3x3 convolutions (Cheng et al., "Learned Image Compression with Discretized Gaussian Mixture Likelihoods
and Attention Modules", CVPR 2020), with one Gaussian per element instead of the paper's mixture: what CompressAI publishes.
"""

from torch import nn

from streamcodec.models.latents.context import CheckerboardLatentCodec, RasterLatentCodec
from streamcodec.models.layers.basic import conv
from streamcodec.models.layers.blocks import (
    AttentionBlock,
    ResidualBlock,
    ResidualBlockUpsample,
    ResidualBlockWithStride,
    subpel_conv,
)
from streamcodec.models.zoo.vae import SimpleVAECompressionModel, TransformModel

__all__ = ["Cheng2020Anchor", "Cheng2020AnchorCheckerboard", "Cheng2020Attention"]


def analysis(N: int, *, attention: bool = False) -> nn.Sequential:  # noqa: N803 (the papers' names)
    """Frames (N, 3, H, W) -> y (N, N, H/16, W/16); with `attention`, at a quarter of the resolution and at the end."""
    return nn.Sequential(
        *(ResidualBlockWithStride(3, N), ResidualBlock(N, N)),
        ResidualBlockWithStride(N, N),
        *_attention(N, attention),
        ResidualBlock(N, N),
        *(ResidualBlockWithStride(N, N), ResidualBlock(N, N)),
        conv(N, N, 3),
        *_attention(N, attention),
    )


def synthesis(N: int, *, attention: bool = False) -> nn.Sequential:  # noqa: N803
    """y_hat (N, N, h, w) -> frames (N, 3, 16 h, 16 w): the mirror image of `analysis`."""
    return nn.Sequential(
        *_attention(N, attention),
        *(ResidualBlock(N, N), ResidualBlockUpsample(N, N)),
        *(ResidualBlock(N, N), ResidualBlockUpsample(N, N)),
        *_attention(N, attention),
        *(ResidualBlock(N, N), ResidualBlockUpsample(N, N)),
        *(ResidualBlock(N, N), subpel_conv(N, 3)),
    )


def _attention(channels: int, wanted: bool) -> list[nn.Module]:
    return [AttentionBlock(channels)] if wanted else []


def hyper_analysis(N: int) -> nn.Sequential:  # noqa: N803
    """y (N, N, h, w) -> z (N, N, ceil(h / 4), ceil(w / 4))."""
    return nn.Sequential(
        *(
            conv(N, N, 3, 1),
            nn.LeakyReLU(),
            conv(N, N, 3, 1),
            nn.LeakyReLU(),
            conv(N, N, 3),
            nn.LeakyReLU(),
        ),
        *(conv(N, N, 3, 1), nn.LeakyReLU(), conv(N, N, 3)),
    )


def hyper_synthesis(N: int) -> nn.Sequential:  # noqa: N803
    """z_hat (N, N, h, w) -> features (N, 2 N, 4 h, 4 w)."""
    wide = N * 3 // 2
    return nn.Sequential(
        *(conv(N, N, 3, 1), nn.LeakyReLU(), subpel_conv(N, N), nn.LeakyReLU()),
        *(conv(N, wide, 3, 1), nn.LeakyReLU(), subpel_conv(wide, wide), nn.LeakyReLU()),
        conv(wide, 2 * N, 3, 1),
    )


class Cheng2020Anchor(TransformModel, RasterLatentCodec):
    """cheng2020-anchor. N: channels everywhere. `attention`: that of cheng2020-attn."""

    attention = False

    def __init__(self, N: int = 192) -> None:  # noqa: N803
        RasterLatentCodec.__init__(self, hyper_analysis(N), hyper_synthesis(N), N, N)
        self.g_a, self.g_s = (
            analysis(N, attention=self.attention),
            synthesis(N, attention=self.attention),
        )

    @property
    def latent(self) -> RasterLatentCodec:
        return self


class Cheng2020Attention(Cheng2020Anchor):
    """cheng2020-attn: with attention blocks in both transforms. N: channels everywhere, even."""

    attention = True


class Cheng2020AnchorCheckerboard(SimpleVAECompressionModel):
    """cheng2020-anchor-checkerboard: the context model in two passes (He et al., CVPR 2021). N: channels everywhere."""

    def __init__(self, N: int = 192) -> None:  # noqa: N803
        codec = CheckerboardLatentCodec(hyper_analysis(N), hyper_synthesis(N), N, N)
        super().__init__(analysis(N), synthesis(N), codec)
