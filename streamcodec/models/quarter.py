"""The default model: scale-space flow (Agustsson et al., CVPR 2020) at a quarter of the resolution and below.

Kept of scale-space flow: the volume of blurred references, a flow with a scale channel, one hyperprior for the motion and one
for the residual. Different: pixel-unshuffle by 4 in front and pixel-shuffle by 4 behind; the residual is coded and decoded
conditionally on the prediction; motion is coded at 1/4 of the resolution and upsampled bilinearly; gains give all qualities; the
encoder sees a classical optical flow as a hint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from streamcodec.models.base import ImageModel, ImageOutput, InterModel, InterOutput
from streamcodec.models.channel import SymbolChannel
from streamcodec.models.checks import check_frames, check_pair, latent_size
from streamcodec.models.entropy_models import EntropyBottleneck, GaussianConditional
from streamcodec.models.gain import Gains
from streamcodec.models.latent import HyperpriorLatent
from streamcodec.models.quarter_layers import Decoder, Encoder, conv3, initialise
from streamcodec.models.scale_space import gaussian_volume, warp

__all__ = ["QuarterFlow", "QuarterFlowConfig", "QuarterImage", "QuarterImageConfig"]

FLOW_UNIT = 16.0
"""Pixels of the frame per unit of the motion decoder's output."""
HINT_UNIT = 8.0
SKIP_BELOW = 0.15
"""Standard deviation under which a symbol is certain: 7 % fewer symbols to code than at 0.13, for 0.17 % fewer bits and 0.002 dB
(tools/measure_exactness.py). More would still pay, but then coded sizes leave the estimates that training minimises."""
BIT_WORTH = 0.08
"""Squared quantiser steps that a bit is worth to the encoder: 2 ln 2 / 12 = 0.116 by the theory of high rates."""
LEVELS, SIGMA = 5, 1.5
LEVEL_SLOPE, LEVEL_OFFSET = 2.0, 0.5
"""Level of the volume = 2 s + 0.5, s the scale channel."""


@dataclass(frozen=True)
class QuarterImageConfig:
    """Channels at 1/4 and 1/8 of the frame, of y and of z; rows of gains."""

    width4: int = 96
    width8: int = 128
    latent: int = 320
    hyper: int = 128
    gain_rows: int = 5


@dataclass(frozen=True)
class QuarterFlowConfig:
    """Channels at 1/4 and 1/8 of the frame, of y and z of the residual and of the motion; rows of gains."""

    width4: int = 64
    width8: int = 128
    latent: int = 320
    hyper: int = 96
    motion_width4: int = 48
    motion_width8: int = 64
    motion_latent: int = 16
    motion_hyper: int = 64
    gain_rows: int = 5


class QuarterHyperprior(HyperpriorLatent):
    """Latent y (N, latent, h, w) with gains and a hyperprior z (N, hyper, ceil(h/4), ceil(w/4)); means and scales share h_s."""

    def __init__(self, latent: int, hyper: int, gain_rows: int, row: int = 0, bit_worth: float = BIT_WORTH) -> None:
        super().__init__()
        self.latent_channels, self.row, self.bit_worth = latent, row, bit_worth
        self.gains = Gains(gain_rows, latent)
        self.h_a = nn.Sequential(
            conv3(latent, hyper), nn.ReLU(), nn.Conv2d(hyper, hyper, 5, 2, 2), nn.ReLU(), nn.Conv2d(hyper, hyper, 5, 2, 2)
        )
        self.h_s = nn.Sequential(
            *(nn.Conv2d(hyper, 4 * hyper, 1), nn.PixelShuffle(2), nn.ReLU()),
            *(conv3(hyper, hyper), nn.ReLU()),
            *(nn.Conv2d(hyper, 4 * hyper, 1), nn.PixelShuffle(2), nn.ReLU()),
        )
        self.mean = nn.Sequential(conv3(hyper, hyper), nn.ReLU(), nn.Conv2d(hyper, latent, 1))
        self.scale = nn.Sequential(conv3(hyper, hyper), nn.ReLU(), last := nn.Conv2d(hyper, latent, 1))
        initialise(self, last, 0.1)
        nn.init.constant_(cast(Tensor, last.bias), -0.5)  # scales of about 0.5 at the start
        self.entropy_bottleneck = EntropyBottleneck(hyper)
        self.gaussian_conditional = GaussianConditional(skip_below=SKIP_BELOW)
        self.add_integer_path()

    def hyper_analysis(self, y: Tensor) -> Tensor:
        z: Tensor = self.h_a(y)
        return z

    def gaussians(self, z_hat: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        features = self._features(z_hat, size)
        return self.mean(features), F.softplus(self.scale(features).float())

    def means(self, z_hat: Tensor, size: tuple[int, int]) -> Tensor:
        mean: Tensor = self.mean(self._features(z_hat, size))
        return mean

    def scale_layers(self) -> tuple[Sequence[nn.Module], Sequence[nn.Module]]:
        return [self.h_s], [self.scale]

    def scale_to_output(self, scales: Tensor) -> Tensor:
        return scales + torch.log(-torch.expm1(-scales))  # inverse of softplus

    def _features(self, z_hat: Tensor, size: tuple[int, int]) -> Tensor:
        features: Tensor = self.h_s(z_hat)
        return features[..., : size[0], : size[1]]


class QuarterImage(ImageModel):
    """I-frames: transform and hyperprior."""

    def __init__(self, config: QuarterImageConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or QuarterImageConfig()
        self.gain_rows = c.gain_rows
        self.encoder = Encoder(3, c.width4, c.width8, c.latent)
        self.decoder = Decoder(c.latent, c.width4, c.width8, 48, blocks8=2, blocks4=2)
        self.hyperprior = QuarterHyperprior(c.latent, c.hyper, c.gain_rows)

    def forward(self, x: Tensor, q: Tensor | None = None) -> ImageOutput:
        check_frames(x)
        y = self.hyperprior.estimate(self.encoder(x - 0.5), q)
        return {"x_hat": self._synthesis(y.y_hat), "likelihoods": y.likelihoods}

    @torch.no_grad()
    def code(self, x: Tensor | None, size: tuple[int, int], q: float, channel: SymbolChannel) -> Tensor:
        if x is not None:
            check_frames(x, size=size)
        y = None if x is None else self.encoder(x - 0.5)
        return self._synthesis(self.hyperprior.code_latent(y, latent_size(size), q, channel))

    def _synthesis(self, y_hat: Tensor) -> Tensor:
        return F.pixel_shuffle(self.decoder(y_hat).float(), 4) + 0.5


class QuarterFlow(InterModel):
    """P-frames: flow and scale at 1/4 of the resolution, scale-space warp, residual coded conditionally on the prediction."""

    def __init__(self, config: QuarterFlowConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or QuarterFlowConfig()
        self.gain_rows = c.gain_rows
        self.motion_encoder = Encoder(6, c.width4, c.motion_width8, c.motion_latent, hint=2)
        self.motion_decoder = Decoder(c.motion_latent, c.motion_width4, c.motion_width8, 3, blocks8=1, blocks4=1)
        self.motion_hyperprior = QuarterHyperprior(c.motion_latent, c.motion_hyper, c.gain_rows)
        self.residual_encoder = Encoder(6, c.width4, c.width8, c.latent)
        self.context = conv3(48, c.width4)
        self.residual_decoder = Decoder(c.latent + c.motion_latent, c.width4, c.width8, 48, blocks8=1, blocks4=2, context=c.width4)
        self.residual_hyperprior = QuarterHyperprior(c.latent, c.hyper, c.gain_rows, row=c.motion_hyper)

    def forward(self, x: Tensor, reference: Tensor, q: Tensor | None = None, hint: Tensor | None = None) -> InterOutput:
        check_pair(x, reference)
        m = self.motion_hyperprior.estimate(self._motion_analysis(x, reference, hint), q)
        prediction, flow = self._predict(reference, m.y_hat)
        r = self.residual_hyperprior.estimate(self._residual_analysis(x, prediction), q)
        x_hat = self._synthesis(r.y_hat, m.y_hat, prediction)
        likelihoods = {"motion": m.likelihoods, "residual": r.likelihoods}
        return {"x_hat": x_hat, "prediction": prediction, "flow": flow, "likelihoods": likelihoods}

    @torch.no_grad()
    def code(self, x: Tensor | None, reference: Tensor, q: float, channel: SymbolChannel, hint: Tensor | None = None) -> Tensor:
        check_pair(x, reference)
        size = latent_size((reference.shape[-2], reference.shape[-1]))
        m = None if x is None else self._motion_analysis(x, reference, hint)
        m_hat = self.motion_hyperprior.code_latent(m, size, q, channel)
        prediction, _ = self._predict(reference, m_hat)
        r = None if x is None else self._residual_analysis(x, prediction)
        r_hat = self.residual_hyperprior.code_latent(r, size, q, channel)
        return self._synthesis(r_hat, m_hat, prediction)

    def _motion_analysis(self, x: Tensor, reference: Tensor, hint: Tensor | None) -> Tensor:
        if hint is None:
            hint = x.new_zeros(len(x), 2, x.shape[-2] // 4, x.shape[-1] // 4)
        m: Tensor = self.motion_encoder(torch.cat((x, reference), 1) - 0.5, hint / HINT_UNIT)
        return m

    def _residual_analysis(self, x: Tensor, prediction: Tensor) -> Tensor:
        r: Tensor = self.residual_encoder(torch.cat((x - prediction, prediction - 0.5), 1))
        return r

    def _predict(self, reference: Tensor, m_hat: Tensor) -> tuple[Tensor, Tensor]:
        """Warped reference (N, 3, H, W), and the flow in pixels (N, 2, H/4, W/4)."""
        motion = self.motion_decoder(m_hat).float()
        full = F.interpolate(motion, size=reference.shape[-2:], mode="bilinear", align_corners=False)
        volume = gaussian_volume(reference, LEVELS, SIGMA)
        prediction = warp(volume, FLOW_UNIT * full[:, :2], LEVEL_SLOPE * full[:, 2:] + LEVEL_OFFSET)
        return prediction, FLOW_UNIT * motion[:, :2]

    def _synthesis(self, r_hat: Tensor, m_hat: Tensor, prediction: Tensor) -> Tensor:
        context = F.relu(self.context(F.pixel_unshuffle(prediction - 0.5, 4)))
        residual = self.residual_decoder(torch.cat((r_hat, m_hat), 1), context)
        return prediction + F.pixel_shuffle(residual.float(), 4)
