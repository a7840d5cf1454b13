"""The factorized prior: one learned density per channel of y and nothing else (Balle et al., ICLR 2018, section 4)."""

from typing import Literal

from torch import Tensor, nn

from streamcodec.models.latents.densities import EntropyBottleneck
from streamcodec.models.latents.hyperprior import LatentEstimate, code_factorized
from streamcodec.models.layers.basic import GDN, conv, deconv
from streamcodec.models.symbols import SymbolChannel
from streamcodec.models.zoo.vae import TransformModel

__all__ = ["Activation", "FactorizedLatentCodec", "FactorizedPrior", "analysis", "synthesis"]

Activation = Literal["gdn", "relu"]


def analysis(N: int, M: int, activation: Activation = "gdn", inputs: int = 3) -> nn.Sequential:  # noqa: N803 (the papers' names)
    """Frames (N, inputs, H, W) -> y (N, M, H/16, W/16): four 5x5 convolutions of stride 2, N channels between them."""
    return nn.Sequential(
        *(conv(inputs, N), _activation(activation, N)),
        *(conv(N, N), _activation(activation, N)),
        *(conv(N, N), _activation(activation, N)),
        conv(N, M),
    )


def synthesis(N: int, M: int, activation: Activation = "gdn") -> nn.Sequential:  # noqa: N803
    """y_hat (N, M, h, w) -> frames (N, 3, 16 h, 16 w): the mirror image of `analysis`."""
    return nn.Sequential(
        *(deconv(M, N), _activation(activation, N, inverse=True)),
        *(deconv(N, N), _activation(activation, N, inverse=True)),
        *(deconv(N, N), _activation(activation, N, inverse=True)),
        deconv(N, 3),
    )


def _activation(activation: Activation, channels: int, inverse: bool = False) -> nn.Module:
    return GDN(channels, inverse) if activation == "gdn" else nn.ReLU()


class FactorizedLatentCodec(nn.Module):
    """A latent y of `channels` channels, each with its learned density."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.entropy_bottleneck = EntropyBottleneck(channels)

    def estimate(self, y: Tensor) -> LatentEstimate:
        y_hat, likelihoods = self.entropy_bottleneck(y.float())
        return LatentEstimate(y_hat, {"y": likelihoods})

    def code_latent(
        self, y: Tensor | None, size: tuple[int, int], channel: SymbolChannel
    ) -> Tensor:
        y_hat, _ = code_factorized(
            self.entropy_bottleneck, None if y is None else y.float(), size, channel, first_row=0
        )
        return y_hat


class FactorizedPrior(TransformModel, FactorizedLatentCodec):
    """Balle et al. 2018: bmshj2018-factorized, and with activation "relu" bmshj2018-factorized-relu. N, M: channels inside, of y."""

    def __init__(self, N: int, M: int, *, activation: Activation = "gdn") -> None:  # noqa: N803
        FactorizedLatentCodec.__init__(self, M)
        self.g_a, self.g_s = analysis(N, M, activation), synthesis(N, M, activation)

    @property
    def latent(self) -> FactorizedLatentCodec:
        return self
