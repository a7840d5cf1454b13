"""The entropy stage: hyperpriors alone, on latents that are kept. The transforms stand still, so their latents are computed once and
read many times; a step then costs a fiftieth of one of joint training.

The symbols are those that the encoder would choose, so scales become as sharp as the symbols are: a Gaussian that was trained on
noise expects a spread of 0.3 even where every symbol is 0. The latents of P-frames are those of chains whose references were coded
with the hyperpriors as they were at the start.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from streamcodec.models.gain import gain_factors
from streamcodec.models.latent import HyperpriorLatent
from streamcodec.models.quarter import QuarterImage
from streamcodec.training.chains import draw_images
from streamcodec.training.config import TrainConfig
from streamcodec.training.data import ClipSource
from streamcodec.training.loop import Trainer
from streamcodec.training.loss import Cost, rate_bpp
from streamcodec.training.optimizer import schedule
from streamcodec.training.replicas import ALONE, Replicas
from streamcodec.training.start import FLOW_NAME, IMAGE_NAME

__all__ = ["EntropyTrainer", "Kept", "refit_cost"]

BLOCK = 16 * 16
"""Pixels of the frame to a position of the latent."""
ENCODERS = {"image": f"{IMAGE_NAME}.encoder", "motion": f"{FLOW_NAME}.motion_encoder", "residual": f"{FLOW_NAME}.residual_encoder"}


class Kept:
    """Latents of one hyperprior before their gains, (M, h, w) float16 each, with their qualities; on the CPU."""

    def __init__(self) -> None:
        self._latents: list[Tensor] = []
        self._qualities: list[float] = []

    def __len__(self) -> int:
        return len(self._latents)

    def add(self, y: Tensor, q: Tensor) -> None:
        """Take y (N, M, h, w) and q (N,)."""
        self._latents += y.detach().half().cpu().contiguous().unbind()
        self._qualities += q.tolist()

    def draw(self, count: int, rng: np.random.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
        """y (count, M, h, w) float32 and q (count,), with repetition; all of them mirrored in every other draw."""
        chosen = rng.integers(0, len(self), count).tolist()
        y = torch.stack([self._latents[index] for index in chosen]).to(device).float()
        q = torch.tensor([self._qualities[index] for index in chosen], device=device)
        return (y.flip(-1) if rng.random() < 0.5 else y), q

    def state_dict(self) -> dict[str, Any]:
        return {"y": torch.stack(self._latents) if self._latents else None, "q": list(self._qualities)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._latents = [] if state["y"] is None else list(state["y"].cpu().unbind())
        self._qualities = list(state["q"])


class EntropyTrainer(Trainer):
    """A run of stage "entropy": `get_ready` until the latents are there, then steps as of any run. Its state holds the latents."""

    def __init__(
        self, config: TrainConfig, source: ClipSource, weights: Path | None = None, device: str = "cpu", replicas: Replicas = ALONE
    ) -> None:
        super().__init__(config, source, weights, device, replicas)
        names = (["image"] if config.image_batch else []) + (["motion", "residual"] if config.flow_batch else [])
        self.kept = {name: Kept() for name in names}

    @property
    def latents(self) -> dict[str, HyperpriorLatent]:
        """The hyperpriors that are trained."""
        image = cast(QuarterImage, self.image).hyperprior
        parts = {"image": image, "motion": self.flow.motion_hyperprior, "residual": self.flow.residual_hyperprior}
        return {name: parts[name] for name in self.kept}

    @property
    def lr(self) -> float:
        return self.config.entropy_lr * schedule(self.step_count, self.config)

    @torch.no_grad()
    def get_ready(self) -> bool:
        for kind, size, collect in (
            ("image", self.config.image_batch, self._collect_images),
            ("residual", self.config.flow_batch, self._collect_flow),
        ):
            if size and len(self.kept[kind]) < self.config.kept * size:
                with self._autocast():
                    collect()
                return True
        return False

    def _collect_images(self) -> None:
        frames, q = draw_images(self.source, self.config, self._rng, self.device)
        with self._watching("image", q=q):
            self.image(frames, q)

    def _collect_flow(self) -> None:
        """One batch of P-frames; its reconstructions, of the symbols that would be coded, are the chains' next references."""
        batch = self._chains.next(self._code_first)
        with self._watching("motion", "residual", q=batch.q):
            self._chains.keep(self.flow(batch.frames, batch.references, batch.q, batch.hints)["x_hat"])

    @contextmanager
    def _watching(self, *names: str, q: Tensor) -> Iterator[None]:
        """Keep what these encoders give meanwhile, under the qualities q (N,)."""

        def keep(name: str) -> Any:
            return lambda _, __, y: self.kept[name].add(y, q)

        handles = [self.models.get_submodule(ENCODERS[name]).register_forward_hook(keep(name)) for name in names]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _costs(self) -> dict[str, list[Cost]]:
        with self._autocast():
            return {name: [refit_cost(name, latent, *self._draw(self.kept[name]))] for name, latent in self.latents.items()}

    def _draw(self, kept: Kept) -> tuple[Tensor, Tensor]:
        return kept.draw(self.config.kept_batch, self._rng, self.device)

    def _centres(self) -> dict[str, Tensor]:
        return {}  # of the transforms, which stand still

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "kept": self.replicas.gather({name: kept.state_dict() for name, kept in self.kept.items()})}

    def _restore(self, state: Mapping[str, Any]) -> None:
        super()._restore(state)
        for name, kept in self.kept.items():
            kept.load_state_dict(state["kept"][self.replicas.rank][name])


def refit_cost(name: str, latent: HyperpriorLatent, y: Tensor, q: Tensor) -> Cost:
    """Of latents y (N, M, h, w) before their gains, with qualities q (N,): bits + squared quantiser steps / bit_worth.

    The loss is per position of the latent, `bpp` per pixel of the frame. The latent must have a bit_worth.
    """
    estimate, positions = latent.estimate(y, q), y[0, 0].numel()
    gain, inverse_gain = gain_factors(latent.gains, y, q)
    error = (estimate.y_hat / inverse_gain - y * gain).square().flatten(1).sum(1)
    bpp = rate_bpp(estimate.likelihoods, BLOCK * positions)
    return Cost(BLOCK * bpp + error / (latent.bit_worth * positions), {name: bpp})
