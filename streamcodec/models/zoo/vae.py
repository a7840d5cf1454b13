"""Image models that are a transform, a latent codec and a transform back.

The latent codec is a part of its own: factorized.py, hyperprior.py, and with a context model latents/context.py.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models.base import ImageModel, ImageOutput
from streamcodec.models.checks import STRIDE, check_frames
from streamcodec.models.latents.hyperprior import LatentEstimate
from streamcodec.models.symbols import SymbolChannel

__all__ = ["LatentCodec", "SimpleVAECompressionModel", "TransformModel"]


class LatentCodec(Protocol):
    """What a latent y (N, M, h, w) is quantised and coded with; its entropy models are submodules, found by the model it is a part of."""

    def estimate(self, y: Tensor) -> LatentEstimate:
        """Differentiable: y -> y_hat and likelihoods."""
        ...

    def code_latent(
        self, y: Tensor | None, size: tuple[int, int], channel: SymbolChannel
    ) -> Tensor:
        """Code y (1, M, *size), or decode it if None -> y_hat (1, M, *size) float32, the same on both sides."""
        ...


class TransformModel(ImageModel):
    """x -> g_a -> y -> latent codec -> y_hat -> g_s -> x_hat. `stride`: pixels of the frame per element of y, in each direction."""

    g_a: nn.Module
    g_s: nn.Module
    stride = STRIDE

    @property
    def latent(self) -> LatentCodec:
        raise NotImplementedError

    def forward(self, x: Tensor) -> ImageOutput:
        check_frames(x, self.stride)
        y = self.latent.estimate(self.g_a(x))
        return {"x_hat": self.g_s(y.y_hat).float(), "likelihoods": y.likelihoods}

    @torch.no_grad()
    def code(self, x: Tensor | None, size: tuple[int, int], channel: SymbolChannel) -> Tensor:
        y = None
        if x is not None:
            check_frames(x, self.stride, size)
            y = self.g_a(x)
        y_hat = self.latent.code_latent(
            y, (size[0] // self.stride, size[1] // self.stride), channel
        )
        x_hat: Tensor = self.g_s(y_hat).float()
        return x_hat


class SimpleVAECompressionModel(TransformModel):
    """Any transforms with any latent codec.

    g_a: (N, 3, H, W) -> (N, M, H / stride, W / stride). g_s: the way back. latent_codec: a module that is a LatentCodec, such as
    FactorizedLatentCodec, HyperpriorLatentCodec, RasterLatentCodec or CheckerboardLatentCodec.
    """

    def __init__(
        self, g_a: nn.Module, g_s: nn.Module, latent_codec: nn.Module, stride: int = STRIDE
    ) -> None:
        super().__init__()
        if not (hasattr(latent_codec, "estimate") and hasattr(latent_codec, "code_latent")):
            raise UsageError(
                f"latent codec is {type(latent_codec).__name__}; accepted: a module with estimate() and code_latent()"
            )
        self.g_a, self.g_s, self.latent_codec, self.stride = g_a, g_s, latent_codec, stride

    @property
    def latent(self) -> LatentCodec:
        codec: LatentCodec = self.latent_codec  # type: ignore[assignment]  # checked when constructed
        return codec
