"""The hyperprior of scale-space flow: means from one network, scales from another (Agustsson et al., CVPR 2020)."""

from collections.abc import Sequence

from torch import Tensor, nn

from streamcodec.models.latents.densities import EntropyBottleneck, GaussianConditional
from streamcodec.models.latents.hyperprior import HyperpriorLatent
from streamcodec.models.layers.basic import QReLU, conv, deconv

__all__ = ["ScaleSpaceHyperprior"]


class ScaleDecoder(nn.Module):
    """z_hat (N, C, h, w) -> scales (N, C, 8h, 8w) in [0, 255], as are all activations inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.deconv1, self.qrelu1 = deconv(channels, channels), QReLU()
        self.deconv2, self.qrelu2 = deconv(channels, channels), QReLU()
        self.deconv3, self.qrelu3 = deconv(channels, channels), QReLU()

    def forward(self, z_hat: Tensor) -> Tensor:
        x = self.qrelu2(self.deconv2(self.qrelu1(self.deconv1(z_hat))))
        scales: Tensor = self.qrelu3(self.deconv3(x))
        return scales


class ScaleSpaceHyperprior(HyperpriorLatent):
    """A latent y (N, channels, h, w) with z (N, channels, ceil(h/8), ceil(w/8)); `row` as in HyperpriorLatent."""

    hyper_stride = 8
    straight_through = "y"  # as published: only the synthesis sees rounded values in training

    def __init__(self, channels: int, row: int = 0) -> None:
        super().__init__()
        self.latent_channels, self.row = channels, row
        self.entropy_bottleneck = EntropyBottleneck(channels)
        self.hyper_encoder = nn.Sequential(
            conv(channels, channels),
            nn.ReLU(),
            conv(channels, channels),
            nn.ReLU(),
            conv(channels, channels),
        )
        self.hyper_decoder_mean = nn.Sequential(
            *(
                deconv(channels, channels),
                nn.ReLU(),
                deconv(channels, channels),
                nn.ReLU(),
                deconv(channels, channels),
            )
        )
        self.hyper_decoder_scale = ScaleDecoder(channels)
        self.gaussian_conditional = GaussianConditional()
        self.add_integer_path()

    def hyper_analysis(self, y: Tensor) -> Tensor:
        z: Tensor = self.hyper_encoder(y)
        return z

    def gaussians(self, z_hat: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        scales: Tensor = self.hyper_decoder_scale(z_hat)
        return self.means(z_hat, size), scales[..., : size[0], : size[1]]

    def means(self, z_hat: Tensor, size: tuple[int, int]) -> Tensor:
        means: Tensor = self.hyper_decoder_mean(z_hat)
        return means[..., : size[0], : size[1]]

    def scale_layers(self) -> Sequence[nn.Module]:
        return [self.hyper_decoder_scale]
