"""Scale-space flow (Agustsson et al., CVPR 2020): an image model, and P-frames by a warp that can also blur.

    y_motion = motion_encoder(x, reference)         flow and scale = motion_decoder(y_motion_hat)
    prediction = warp(volume(reference), flow, level)
    y_res = res_encoder(x - prediction)             x_hat = prediction + res_decoder(y_res_hat, y_motion_hat)

Flow is in pixels: one unit of the motion decoder's output is 128 pixels at every size. That is what it is in the published
weights at 256x256, where they were trained; read as a share of the frame, they mispredict at every other size.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypedDict, overload

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models.base import ImageModel, ImageOutput, InterModel, InterOutput
from streamcodec.models.checks import check_frames, check_pair, latent_size
from streamcodec.models.layers.scale_space import gaussian_volume, warp
from streamcodec.models.symbols import SymbolChannel
from streamcodec.models.zoo.factorized import analysis, synthesis
from streamcodec.models.zoo.ssf_hyperprior import ScaleSpaceHyperprior

__all__ = ["ClipOutput", "ScaleSpaceFlow", "ScaleSpaceFlowImage"]

FLOW_UNIT = 128.0
"""Pixels of the frame per unit of the motion decoder's output."""


class ClipOutput(TypedDict):
    """x_hat: T frames (N, 3, H, W) float, not clamped.

    likelihoods: for the first frame {"keyframe": ...}, for the others {"motion": ..., "residual": ...}; each of them "y" and "z".
    """

    x_hat: list[Tensor]
    likelihoods: list[dict[str, dict[str, Tensor]]]


Latent = Callable[[Tensor | None], Tensor]
"""A latent, or None in a decoder -> the quantised latent. It estimates likelihoods, writes symbols or reads them."""


class _Estimated:
    """A latent in training: quantised with noise. `likelihoods`: of the one that it was called with."""

    likelihoods: dict[str, Tensor]

    def __init__(self, hyperprior: ScaleSpaceHyperprior) -> None:
        self._hyperprior = hyperprior

    def __call__(self, y: Tensor | None) -> Tensor:
        assert y is not None, "only a decoder has no latent"
        estimate = self._hyperprior.estimate(y)
        self.likelihoods = estimate.likelihoods
        return estimate.y_hat


class ScaleSpaceFlowImage(ImageModel):
    """The I-frames of ScaleSpaceFlow, under the same keys. N, M: channels inside, of the latents."""

    def __init__(self, N: int = 128, M: int = 192) -> None:  # noqa: N803 (the papers' names)
        super().__init__()
        self.img_encoder, self.img_decoder = analysis(N, M, "relu"), synthesis(N, M, "relu")
        self.img_hyperprior = ScaleSpaceHyperprior(M)

    def forward(self, x: Tensor) -> ImageOutput:
        check_frames(x)
        y = self.img_hyperprior.estimate(self.img_encoder(x))
        return {"x_hat": self.img_decoder(y.y_hat).float(), "likelihoods": y.likelihoods}

    @torch.no_grad()
    def code(self, x: Tensor | None, size: tuple[int, int], channel: SymbolChannel) -> Tensor:
        if x is not None:
            check_frames(x, size=size)
        y = None if x is None else self.img_encoder(x)
        x_hat: Tensor = self.img_decoder(
            self.img_hyperprior.code_latent(y, latent_size(size), channel)
        ).float()
        return x_hat


class ScaleSpaceFlow(InterModel):
    """ssf2020: codes P-frames; `image` is its part for I-frames.

    num_levels: blurred levels of the volume. sigma0: their blur, in pixels of the level. scale_field_shift: added to the scale
    channel s; level = ((s + shift) (num_levels + 1) - 1) / 2, which is 3 s + 2.5 by default. N, M: channels inside, of the latents.
    """

    def __init__(
        self,
        num_levels: int = 5,
        sigma0: float = 1.5,
        scale_field_shift: float = 1.0,
        *,
        N: int = 128,  # noqa: N803
        M: int = 192,  # noqa: N803
    ) -> None:
        super().__init__()
        self.num_levels, self.sigma0, self.scale_field_shift = num_levels, sigma0, scale_field_shift
        image = ScaleSpaceFlowImage(N, M)
        self.img_encoder, self.img_decoder, self.img_hyperprior = (
            image.img_encoder,
            image.img_decoder,
            image.img_hyperprior,
        )
        self.res_encoder, self.res_decoder = analysis(N, M, "relu"), synthesis(N, 2 * M, "relu")
        self.res_hyperprior = ScaleSpaceHyperprior(M, row=M)
        self.motion_encoder, self.motion_decoder = (
            analysis(N, M, "relu", inputs=6),
            synthesis(N, M, "relu"),
        )
        self.motion_hyperprior = ScaleSpaceHyperprior(M, row=2 * M)

    @property
    def image(self) -> ScaleSpaceFlowImage:
        """The part that codes I-frames, sharing its weights."""
        part = ScaleSpaceFlowImage.__new__(ScaleSpaceFlowImage)
        nn.Module.__init__(part)
        part.training = self.training
        part.img_encoder, part.img_decoder, part.img_hyperprior = (
            self.img_encoder,
            self.img_decoder,
            self.img_hyperprior,
        )
        return part

    @overload
    def forward(self, x: Sequence[Tensor]) -> ClipOutput: ...

    @overload
    def forward(self, x: Tensor, reference: Tensor) -> InterOutput: ...

    def forward(
        self, x: Tensor | Sequence[Tensor], reference: Tensor | None = None
    ) -> ClipOutput | InterOutput:
        """A clip: T >= 1 frames (N, 3, H, W) float in [0, 1], the first an I-frame. Or a P-frame with its reference, as in InterModel."""
        if isinstance(x, Tensor):
            if reference is None:
                raise UsageError(
                    "a frame came without its reference; accepted: a list of frames, or a frame and its reference"
                )
            return self.forward_inter(x, reference)
        return self.forward_clip(x)

    def forward_clip(self, frames: Sequence[Tensor]) -> ClipOutput:
        """Every P-frame has the frame before it as reference; the I-frame learns from its own loss only."""
        if not frames:
            raise UsageError("the clip has no frames; accepted: a list of 1 or more")
        first = self.image(frames[0])
        reference, x_hat, likelihoods = (
            first["x_hat"].detach(),
            [first["x_hat"]],
            [{"keyframe": first["likelihoods"]}],
        )
        for frame in frames[1:]:
            out = self.forward_inter(frame, reference)
            reference = out["x_hat"]
            x_hat.append(reference)
            likelihoods.append(out["likelihoods"])
        return {"x_hat": x_hat, "likelihoods": likelihoods}

    def forward_inter(self, x: Tensor, reference: Tensor) -> InterOutput:
        """Differentiable: x, reference (N, 3, H, W) float in [0, 1] -> x_hat, prediction, flow and likelihoods, as in InterModel."""
        check_pair(x, reference)
        motion, residual = _Estimated(self.motion_hyperprior), _Estimated(self.res_hyperprior)
        x_hat, prediction, flow = self._frame(x, reference, motion, residual)
        return {
            "x_hat": x_hat,
            "prediction": prediction,
            "flow": F.avg_pool2d(flow, 4),
            "likelihoods": {"motion": motion.likelihoods, "residual": residual.likelihoods},
        }

    @torch.no_grad()
    def code(self, x: Tensor | None, reference: Tensor, channel: SymbolChannel) -> Tensor:
        check_pair(x, reference)
        size = latent_size((reference.shape[-2], reference.shape[-1]))
        motion, residual = (
            partial(hyperprior.code_latent, size=size, channel=channel)
            for hyperprior in (self.motion_hyperprior, self.res_hyperprior)
        )
        return self._frame(x, reference, motion, residual)[0]

    def _frame(
        self, x: Tensor | None, reference: Tensor, motion: Latent, residual: Latent
    ) -> tuple[Tensor, Tensor, Tensor]:
        """x_hat and the prediction (N, 3, H, W), the flow in pixels (N, 2, H, W)."""
        m_hat = motion(None if x is None else self.motion_encoder(torch.cat((x, reference), 1)))
        prediction, flow = self._predict(reference, m_hat)
        r_hat = residual(None if x is None else self.res_encoder(x - prediction))
        error: Tensor = self.res_decoder(torch.cat((r_hat, m_hat), 1)).float()
        return prediction + error, prediction, flow

    def _predict(self, reference: Tensor, m_hat: Tensor) -> tuple[Tensor, Tensor]:
        """Warped reference (N, 3, H, W), and the flow in pixels (N, 2, H, W)."""
        motion = self.motion_decoder(m_hat).float()
        flow, scale = FLOW_UNIT * motion[:, :2], motion[:, 2:]
        level = ((scale + self.scale_field_shift) * (self.num_levels + 1) - 1) / 2
        volume = gaussian_volume(reference, self.num_levels, self.sigma0)
        return warp(volume, flow, level), flow
