"""Training of a published image model on its own: everything, or its entropy models alone on transforms that stand still."""

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models import CompressionModel
from streamcodec.models.vae import TransformModel
from streamcodec.training.chains import draw_images
from streamcodec.training.export import export_model
from streamcodec.training.image_start import load_what_fits, start_entropy, start_transforms, widths_of
from streamcodec.training.loop import Trainer
from streamcodec.training.loss import Cost, image_cost, rate_bpp
from streamcodec.training.principal import SPARE, decompose, luma_metric
from streamcodec.training.start import draw_pictures, make_model, steps_of

__all__ = ["ImageTrainer"]


class ImageTrainer(Trainer):
    """A run of `config.model`. In the stage "entropy" the loss is the rate alone, and the transforms only compute the latents."""

    @property
    def image(self) -> TransformModel:
        return cast(TransformModel, self.models[self.config.model])

    def export(self, folder: Path) -> None:
        export_model(self.config.model, self._average.over(self.models.state_dict()), self.config, folder)

    def _start(self, weights: Path | None) -> dict[str, CompressionModel]:
        name = self.config.model
        model = make_model(name, self.config)
        if not isinstance(model, TransformModel):
            raise UsageError(f"model is {name}; accepted: an image model with transforms g_a and g_s and a latent codec between")
        if self.config.image_start == "principal":
            self._start_principal(model)
        if self.config.image_start == "weights":
            if weights is None:
                raise UsageError(f"{name} starts from weights: their folder must be given")
            load_what_fits(model, weights / f"{self.config.weights_of or name}.safetensors")
        return {name: model}

    def _start_principal(self, model: TransformModel) -> None:
        steps = steps_of(self.config)
        middle = float(steps[len(steps) // 2])
        inner, latent = widths_of(model)
        cascade = decompose(draw_pictures(self.config, self.source, self._rng), inner, latent, 0.0, luma_metric())
        start_transforms(cast(nn.Sequential, model.g_a), cast(nn.Sequential, model.g_s), cascade, middle)
        sigma = torch.full((latent,), SPARE)
        sigma[: len(cascade.at16.sigma)] = cascade.at16.sigma / middle
        start_entropy(model, sigma, (middle / steps).log())

    def _costs(self) -> dict[str, list[Cost]]:
        frames, q = draw_images(self.source, self.config, self._rng, self.device)
        with self._autocast():
            if self.config.stage == "joint":
                return {"image": [image_cost(self.image(frames, q), frames, q, self.config)]}
            with torch.no_grad():
                y = self.image.g_a(frames)
            bpp = rate_bpp(self.image.latent.estimate(y, q).likelihoods, frames[0, 0].numel())
            return {"image": [Cost(bpp, {"image": bpp})]}

    def _aux_loss(self) -> Tensor:
        return self.image.aux_loss()

    def _centres(self) -> dict[str, Tensor]:
        return {}  # GDN's signals are centred as they are
