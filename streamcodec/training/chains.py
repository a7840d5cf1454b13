"""Persistent chains: references as deep as those met in use, at the price of one P-frame per step.

A chain walks along a clip, back and forth, one frame per training step. The reference of a step is the detached reconstruction of the
step before, snapped to 8 bits as the codec does, so the model meets its own losses of 5, 10 or 30 P-frames without a gradient through
them. After a random number of frames a chain starts again on another clip with an I-frame. A step takes a few chains out of many:
were it the same ones again and again, their clips and qualities would be all that the model learns for a while.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from streamcodec.training.config import TrainConfig
from streamcodec.training.data import Shards, View

__all__ = ["ChainBatch", "Chains", "draw_images", "snap"]


@dataclass(frozen=True)
class ChainBatch:
    """One P-frame of every chain. frames, references (N, 3, S, S) float in [0, 1]; hints (N, 2, S/4, S/4) pixels; q, depth (N,)."""

    frames: Tensor
    references: Tensor
    hints: Tensor
    q: Tensor
    depth: Tensor


@dataclass
class Walk:
    """Where a chain is: frame t, going by `step`; `depth` P-frames behind it, `left` to go; quality `q`."""

    view: View
    t: int
    step: int
    q: float
    left: int
    depth: int = 0
    reference: Tensor | None = None

    def advance(self, length: int) -> None:
        if not 0 <= self.t + self.step < length:
            self.step = -self.step
        self.t += self.step
        self.left -= 1
        self.depth += 1


class Chains:
    """`config.chains` chains over `shards`, of which a batch takes `config.flow_batch`. All chance comes from `rng`."""

    def __init__(self, shards: Shards, config: TrainConfig, rng: np.random.Generator, device: torch.device) -> None:
        self._shards, self._config, self._rng, self._device = shards, config, rng, device
        self._walks = [self._start() for _ in range(config.chains)]
        self._drawn: list[int] = []

    def next(self, code_first: Callable[[Tensor, Tensor], Tensor]) -> ChainBatch:
        """Draws chains and moves them by a frame. `code_first`: frames (N, 3, S, S), q (N,) -> x_hat of I-frames, for chains that start."""
        self._drawn = [int(i) for i in self._rng.choice(len(self._walks), self._config.flow_batch, replace=False)]
        for index in self._drawn:
            if self._walks[index].left <= 0:
                self._walks[index] = self._start()
        walks = self._batch()
        starting = [walk for walk in walks if walk.reference is None]
        if starting:
            self._keep(starting, code_first(self._frames(starting), self._q(starting)))
        references = torch.stack([walk.reference for walk in walks if walk.reference is not None])
        for walk in walks:
            walk.advance(self._shards.length)
        hints = [torch.from_numpy(self._shards.hint(walk.view, walk.t, walk.step)) for walk in walks]
        depth = torch.tensor([walk.depth for walk in walks])
        return ChainBatch(self._frames(walks), _lay(references), torch.stack(hints).to(self._device), self._q(walks), depth)

    def keep(self, x_hat: Tensor) -> None:
        """x_hat (N, 3, S, S): the reconstructions of the last batch, the references of the next."""
        self._keep(self._batch(), x_hat)

    def restart(self) -> None:
        """The chains of the last batch start anew when they are drawn again."""
        for walk in self._batch():
            walk.left = 0

    def state_dict(self) -> list[dict[str, Any]]:
        return [{**vars(walk), "view": vars(walk.view)} for walk in self._walks]

    def load_state_dict(self, state: Sequence[dict[str, Any]]) -> None:
        self._walks = [Walk(**{**item, "view": View(**item["view"])}) for item in state]

    def _batch(self) -> list[Walk]:
        return [self._walks[index] for index in self._drawn]

    def _start(self) -> Walk:
        view = self._shards.draw(self._config.crop, self._rng)
        t, left = int(self._rng.integers(self._shards.length)), int(self._rng.integers(self._config.min_depth, self._config.max_depth + 1))
        return Walk(view, t, 1 if self._rng.random() < 0.5 else -1, draw_q(self._config, self._rng), left)

    def _keep(self, walks: Sequence[Walk], x_hat: Tensor) -> None:
        for walk, reference in zip(walks, snap(x_hat.detach().float()), strict=True):
            walk.reference = reference

    def _frames(self, walks: Sequence[Walk]) -> Tensor:
        return to_frames([self._shards.frame(walk.view, walk.t) for walk in walks], self._device)

    def _q(self, walks: Sequence[Walk]) -> Tensor:
        return torch.tensor([walk.q for walk in walks], device=self._device)


def draw_images(shards: Shards, config: TrainConfig, rng: np.random.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """`config.image_batch` single frames (N, 3, S, S) float in [0, 1] and their q (N,)."""
    views = [shards.draw(config.crop, rng) for _ in range(config.image_batch)]
    frames = to_frames([shards.frame(view, int(rng.integers(shards.length))) for view in views], device)
    return frames, torch.tensor([draw_q(config, rng) for _ in views], device=device)


def draw_q(config: TrainConfig, rng: np.random.Generator) -> float:
    """Uniform over the gain rows; a little is drawn outside and clamped, so that the outermost rows are trained as much as the others."""
    top = config.gain_rows - 1
    return float(np.clip(rng.uniform(-0.3, top + 0.3), 0, top))


def to_frames(pictures: Sequence[np.ndarray], device: torch.device) -> Tensor:
    return _lay(torch.from_numpy(np.stack(pictures)).to(device).float() / 255)


def _lay(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def snap(x: Tensor) -> Tensor:
    """Clamped to [0, 1] and rounded to multiples of 1/255, as the codec's references are."""
    return (x.clamp(0, 1) * 255).round() / 255
