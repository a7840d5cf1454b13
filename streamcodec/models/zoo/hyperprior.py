"""Hyperprior models: a second latent z tells the Gaussian of every element of y.

Scales only: Balle et al., ICLR 2018. Means and scales: Minnen et al., NeurIPS 2018, section 3, without the context model
(joint.py has that).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from streamcodec.models.latents.densities import EntropyBottleneck, GaussianConditional
from streamcodec.models.latents.hyperprior import HyperpriorLatent
from streamcodec.models.layers.basic import conv, deconv
from streamcodec.models.zoo.factorized import analysis, synthesis
from streamcodec.models.zoo.vae import TransformModel

__all__ = [
    "HyperpriorLatentCodec",
    "MeanScaleHyperprior",
    "ScaleHyperprior",
    "hyper_analysis",
    "hyper_synthesis",
]


class HyperpriorLatentCodec(HyperpriorLatent):
    """A latent y of `latent` channels with a hyperprior z of `hyper` channels.

    h_a: (N, latent, h, w) -> (N, hyper, ceil(h / hyper_stride), ceil(w / hyper_stride)); it sees |y| unless `means`. h_s: z_hat to
    the scales (N, latent, >= h, >= w), or with `means` to scales and means in one, (N, 2 latent, ...), scales first. h_s is a
    sequence of convolutions, ReLU, LeakyReLU, QReLU and PixelShuffle: what the exact scale path can be made of.
    """

    straight_through = ""  # as published: in training all networks see noise

    def __init__(
        self,
        h_a: nn.Module,
        h_s: nn.Module,
        latent: int,
        hyper: int,
        *,
        means: bool,
        hyper_stride: int = 4,
    ) -> None:
        super().__init__()
        self.h_a, self.h_s, self.has_means = h_a, h_s, means
        self.latent_channels, self.hyper_stride = latent, hyper_stride
        self.entropy_bottleneck = EntropyBottleneck(hyper)
        self.gaussian_conditional = GaussianConditional()
        self.add_integer_path()

    def hyper_analysis(self, y: Tensor) -> Tensor:
        z: Tensor = self.h_a(y if self.has_means else y.abs())
        return z

    def gaussians(self, z_hat: Tensor, size: tuple[int, int]) -> tuple[Tensor | None, Tensor]:
        out = self.h_s(z_hat)[..., : size[0], : size[1]]
        if not self.has_means:
            return None, out
        scales, means = out.chunk(2, 1)
        return means, scales

    def means(self, z_hat: Tensor, size: tuple[int, int]) -> Tensor | None:
        return self.gaussians(z_hat, size)[0] if self.has_means else None

    def scale_layers(self) -> Sequence[nn.Module]:
        return [self.h_s]


class ScaleHyperprior(TransformModel, HyperpriorLatentCodec):
    """Balle et al. 2018: bmshj2018-hyperprior. N, M: channels inside and of z, of y."""

    def __init__(self, N: int, M: int) -> None:  # noqa: N803 (the papers' names)
        h_a = nn.Sequential(conv(M, N, 3, 1), nn.ReLU(), conv(N, N), nn.ReLU(), conv(N, N))
        h_s = nn.Sequential(
            deconv(N, N), nn.ReLU(), deconv(N, N), nn.ReLU(), conv(N, M, 3, 1), nn.ReLU()
        )
        HyperpriorLatentCodec.__init__(self, h_a, h_s, M, N, means=False)
        self.g_a, self.g_s = analysis(N, M), synthesis(N, M)

    @property
    def latent(self) -> HyperpriorLatentCodec:
        return self


def hyper_analysis(N: int, M: int) -> nn.Sequential:  # noqa: N803 (the papers' names)
    """y (N, M, h, w) -> z (N, N, ceil(h / 4), ceil(w / 4)), as in Minnen et al. 2018."""
    return nn.Sequential(conv(M, N, 3, 1), nn.LeakyReLU(), conv(N, N), nn.LeakyReLU(), conv(N, N))


def hyper_synthesis(N: int, M: int) -> nn.Sequential:  # noqa: N803
    """z_hat (N, N, h, w) -> (N, 2 M, 4 h, 4 w): scales and means, or features for a context model; as in Minnen et al. 2018."""
    wide = M * 3 // 2
    return nn.Sequential(
        deconv(N, M), nn.LeakyReLU(), deconv(M, wide), nn.LeakyReLU(), conv(wide, 2 * M, 3, 1)
    )


class MeanScaleHyperprior(TransformModel, HyperpriorLatentCodec):
    """Minnen et al. 2018: mbt2018-mean. N, M: channels inside and of z, of y."""

    def __init__(self, N: int, M: int) -> None:  # noqa: N803
        HyperpriorLatentCodec.__init__(
            self, hyper_analysis(N, M), hyper_synthesis(N, M), M, N, means=True
        )
        self.g_a, self.g_s = analysis(N, M), synthesis(N, M)

    @property
    def latent(self) -> HyperpriorLatentCodec:
        return self
