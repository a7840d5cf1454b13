"""Persistent chains: references as deep as those met in use, at the price of one P-frame per step.

A chain walks along a clip, back and forth, a frame at a time. The reference of a step is the detached reconstruction of the step
before, snapped to 8 bits as the codec does, so the model meets its own losses of 5, 10 or 30 P-frames; gradients pass only through
those of one step (unroll.py). After a random number of frames a chain starts again on another clip with an I-frame. A step takes a
few chains out of many: were it the same ones again and again, their clips and qualities would be all that the model learns for a while.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamcodec.training.config import TrainConfig
from streamcodec.training.data import ClipSource, View

__all__ = ["ChainBatch", "Chains", "draw_images", "lay", "snap", "snap_straight_through"]


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
    """`config.chains` chains over `source`, of which a batch takes `config.flow_batch`. All chance comes from `rng`."""

    def __init__(self, source: ClipSource, config: TrainConfig, rng: np.random.Generator, device: torch.device) -> None:
        self._source, self._config, self._rng, self._device = source, config, rng, device
        self._walks = [self._start() for _ in range(config.chains)]
        self._drawn: list[int] = []

    def next(self, code_first: Callable[[Tensor, Tensor], Tensor]) -> ChainBatch:
        """Draw chains and move them by a frame. `code_first`: frames (N, 3, S, S), q (N,) -> x_hat of I-frames, for chains that start."""
        self._drawn = [int(i) for i in self._rng.choice(len(self._walks), self._config.flow_batch, replace=False)]
        for index in self._drawn:
            if self._walks[index].left <= 0:
                self._walks[index] = self._start()
        walks = self._batch()
        starting = [walk for walk in walks if walk.reference is None]
        if starting:
            self._keep(starting, code_first(self._frames(starting), self._q(starting)))
        references = torch.stack([walk.reference for walk in walks if walk.reference is not None])
        frames, hints = self._advance(walks)
        depth = torch.tensor([walk.depth for walk in walks])
        return ChainBatch(frames, lay(references, self._config), hints, self._q(walks), depth)

    def frames(self, batch: ChainBatch) -> Iterator[tuple[Tensor, Tensor]]:
        """Frames (N, 3, S, S) and hints (N, 2, S/4, S/4) of `batch`, the last one that was drawn, and of the frames after it."""
        yield batch.frames, batch.hints
        while True:
            yield self._advance(self._batch())

    def keep(self, x_hat: Tensor) -> None:
        """x_hat (N, 3, S, S): the reconstructions of the last batch, the references of the next."""
        self._keep(self._batch(), x_hat)

    def restart(self) -> None:
        """The chains of the last batch start anew when they are drawn again."""
        for walk in self._batch():
            walk.left = 0

    def state_dict(self) -> list[dict[str, Any]]:
        """On the CPU; references as the 8 bits that they are."""
        references = [None if walk.reference is None else (walk.reference * 255).round().byte().cpu() for walk in self._walks]
        return [{**vars(walk), "view": vars(walk.view), "reference": x} for walk, x in zip(self._walks, references, strict=True)]

    def load_state_dict(self, state: Sequence[dict[str, Any]]) -> None:
        references = [None if item["reference"] is None else item["reference"].to(self._device).float() / 255 for item in state]
        self._walks = [Walk(**{**item, "view": View(**item["view"]), "reference": x}) for item, x in zip(state, references, strict=True)]

    def _batch(self) -> list[Walk]:
        return [self._walks[index] for index in self._drawn]

    def _start(self) -> Walk:
        view = self._source.draw(self._config.crop, self._rng)
        t, left = int(self._rng.integers(self._source.length)), int(self._rng.integers(self._config.min_depth, self._config.max_depth + 1))
        return Walk(view, t, 1 if self._rng.random() < 0.5 else -1, draw_q(self._config, self._rng), left)

    def _keep(self, walks: Sequence[Walk], x_hat: Tensor) -> None:
        for walk, reference in zip(walks, snap(x_hat.detach().float()), strict=True):
            walk.reference = reference

    def _advance(self, walks: Sequence[Walk]) -> tuple[Tensor, Tensor]:
        for walk in walks:
            walk.advance(self._source.length)
        hints = [torch.from_numpy(self._source.hint(walk.view, walk.t, walk.step)) for walk in walks]
        return self._frames(walks), torch.stack(hints).to(self._device)

    def _frames(self, walks: Sequence[Walk]) -> Tensor:
        return to_frames([self._source.frame(walk.view, walk.t) for walk in walks], self._config, self._device)

    def _q(self, walks: Sequence[Walk]) -> Tensor:
        return torch.tensor([walk.q for walk in walks], device=self._device)


def draw_images(source: ClipSource, config: TrainConfig, rng: np.random.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """`config.image_batch` single frames (N, 3, S, S) float in [0, 1] and their q (N,)."""
    views = [source.draw(config.crop, rng) for _ in range(config.image_batch)]
    frames = to_frames([source.frame(view, int(rng.integers(source.length))) for view in views], config, device)
    return frames, torch.tensor([draw_q(config, rng) for _ in views], device=device)


def draw_q(config: TrainConfig, rng: np.random.Generator) -> float:
    """Uniform over the gain rows; a little is drawn outside and clamped, so that the outermost rows are trained as much as the others."""
    top = config.gain_rows - 1
    return float(np.clip(rng.uniform(-0.3, top + 0.3), 0, top))


def to_frames(pictures: Sequence[NDArray[np.uint8]], config: TrainConfig, device: torch.device) -> Tensor:
    """(3, S, S) uint8 each -> (N, 3, S, S) float in [0, 1]."""
    return lay(torch.from_numpy(np.stack(pictures)).to(device).float() / 255, config)


def lay(x: Tensor, config: TrainConfig) -> Tensor:
    """x (N, C, H, W) in the memory format that the config asks for."""
    return x.contiguous(memory_format=torch.channels_last if config.channels_last else torch.contiguous_format)


def snap(x: Tensor) -> Tensor:
    """Clamped to [0, 1] and rounded to multiples of 1/255, as the codec's references are."""
    return (x.clamp(0, 1) * 255).round() / 255


def snap_straight_through(x_hat: Tensor) -> Tensor:
    """`snap` with the gradient of the clamp. NaN, which has no place in a picture to be sampled, becomes grey: the loss of the frame
    it stands in tells of it."""
    clamped = x_hat.float().nan_to_num(0.5).clamp(0, 1)
    return clamped + (snap(clamped) - clamped).detach()
