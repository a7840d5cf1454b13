"""Clips and chains that live on the device: nothing of a step waits for the host, so a step can be captured once and replayed.

The same idea as chains.py with tensors in the place of Python objects. Of many chains under way a step draws `flow_batch`; the
`image_batch` deepest of those start again with an I-frame on another clip, and all of them walk `unroll` frames. So a chain lives for
unroll * flow_batch / image_batch P-frames, more or less. Shapes never change, and all state is updated in place.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from streamcodec.errors import UsageError
from streamcodec.training.chains import snap
from streamcodec.training.config import TrainConfig
from streamcodec.training.data import Shards

__all__ = ["Clips", "ResidentChains"]

CLIP, TOP, LEFT, FLIP, T, DIRECTION = range(6)
"""Columns of a walk (N, 6) int64: clip, window in multiples of 4 pixels, 1 if mirrored, frame, 1 or -1."""
FILL_BATCH = 16


class Clips:
    """All clips of `shards` on `device`. frames (n, T, 3, S, S) uint8, flows (n, 2, T, 2, S/4, S/4) float16. Chance is torch's."""

    def __init__(self, shards: Shards, crop: int, device: torch.device) -> None:
        if not 16 <= crop <= shards.side or crop % 16:
            raise UsageError(f"crop is {crop}; accepted: a multiple of 16, from 16 to the clips' {shards.side}")
        n, length, side = len(shards), shards.length, shards.side
        self.crop, self.length, self.device = crop, length, device
        self._places = (side - crop) // 4 + 1
        self._frames = torch.empty((n, length, 3, side, side), dtype=torch.uint8, device=device)
        self._flows = torch.empty((n, 2, length, 2, side // 4, side // 4), dtype=torch.float16, device=device)
        for clip in range(n):
            frames, flows = shards.clip(clip)
            self._frames[clip] = torch.from_numpy(frames)
            self._flows[clip] = torch.from_numpy(flows)

    def __len__(self) -> int:
        return len(self._frames)

    def draw(self, count: int) -> Tensor:
        """Random windows and walks (count, 6) int64."""
        limits = [len(self), self._places, self._places, 2, self.length, 2]
        walk = torch.stack([torch.randint(limit, (count,), device=self.device) for limit in limits], 1)
        walk[:, DIRECTION] = 2 * walk[:, DIRECTION] - 1
        return walk

    def frames(self, walk: Tensor) -> Tensor:
        """(N, 3, crop, crop) float in [0, 1], channels last."""
        rows, columns = self._window(walk, 4, self.crop)
        channels = torch.arange(3, device=self.device)[None, :, None, None]
        clip, t = (walk[:, column, None, None, None] for column in (CLIP, T))
        pixels = self._frames[clip, t, channels, rows[:, None, :, None], columns[:, None, None, :]]
        return (pixels.float() / 255).contiguous(memory_format=torch.channels_last)

    def hints(self, walk: Tensor) -> Tensor:
        """(N, 2, crop/4, crop/4) float: displacement in pixels from the frame that each walk is at to the one that it came from."""
        rows, columns = self._window(walk, 1, self.crop // 4)
        axes = torch.arange(2, device=self.device)[None, :, None, None]
        backward = (walk[:, DIRECTION] < 0).long()[:, None, None, None]
        clip, t = (walk[:, column, None, None, None] for column in (CLIP, T))
        flows = self._flows[clip, backward, t, axes, rows[:, None, :, None], columns[:, None, None, :]].float()
        mirrored = (1 - 2 * walk[:, FLIP])[:, None, None, None]
        return flows * torch.where(axes == 0, mirrored, 1)

    def _window(self, walk: Tensor, unit: int, side: int) -> tuple[Tensor, Tensor]:
        """Rows and columns (N, side); columns from right to left where mirrored."""
        along = torch.arange(side, device=self.device)
        columns = torch.where(walk[:, FLIP, None] == 1, side - 1 - along, along)
        return unit * walk[:, TOP, None] + along, unit * walk[:, LEFT, None] + columns


class ResidentChains:
    """`config.chains` chains. `code_first` codes I-frames without gradients: frames (N, 3, S, S), q (N,) -> x_hat."""

    def __init__(self, clips: Clips, config: TrainConfig) -> None:
        if config.flow_batch and not 1 <= config.image_batch <= config.flow_batch:
            raise UsageError(f"image_batch is {config.image_batch}; chains on the device accept 1 to flow_batch ({config.flow_batch})")
        if config.image_every != 1:
            raise UsageError(f"image_every is {config.image_every}; chains on the device accept 1, with image_batch as small as needed")
        self.clips, self._config = clips, config
        count, side = config.chains if config.flow_batch else 0, clips.crop
        self.walk, self.q = clips.draw(count), self.draw_q(count)
        life = max(1, config.unroll * config.flow_batch // max(config.image_batch, 1))
        self.depth = torch.randint(life, (count,), device=clips.device)  # so that they do not all start again at once
        references = torch.zeros((count, 3, side, side), device=clips.device)
        self.references = references.contiguous(memory_format=torch.channels_last)

    def fill(self, code_first: Callable[[Tensor, Tensor], Tensor]) -> None:
        """Give every chain its first reference."""
        for start in range(0, len(self.walk), FILL_BATCH):
            part = slice(start, start + FILL_BATCH)
            self.references[part] = snap(code_first(self.clips.frames(self.walk[part]), self.q[part]).detach().float())

    def draw(self) -> Tensor:
        """Indexes (flow_batch,) of the chains of a step, the deepest first."""
        drawn = torch.rand(len(self.walk), device=self.clips.device).topk(self._config.flow_batch).indices
        return drawn[self.depth[drawn].argsort(descending=True)]

    def start(self, chains: Tensor) -> None:
        """Set these chains (K,) on new clips with new qualities."""
        self.walk.index_copy_(0, chains, self.clips.draw(len(chains)))
        self.q.index_copy_(0, chains, self.draw_q(len(chains)))
        self.depth.index_fill_(0, chains, 0)

    def advance(self, chains: Tensor) -> tuple[Tensor, Tensor]:
        """A frame on: frames (K, 3, S, S) and hints (K, 2, S/4, S/4) of these chains."""
        walk = self.walk[chains]
        on = walk[:, T] + walk[:, DIRECTION]
        walk[:, DIRECTION] = torch.where((on < 0) | (on >= self.clips.length), -walk[:, DIRECTION], walk[:, DIRECTION])
        walk[:, T] += walk[:, DIRECTION]
        self.walk.index_copy_(0, chains, walk)
        self.depth.index_add_(0, chains, torch.ones_like(chains))
        return self.clips.frames(walk), self.clips.hints(walk)

    def keep(self, chains: Tensor, x_hat: Tensor) -> None:
        """The reconstructions (K, 3, S, S) of these chains, the references of their next steps; one that is not finite is left out."""
        x_hat = x_hat.detach().float()
        sound = x_hat.flatten(1).isfinite().all(1)[:, None, None, None]
        self.references.index_copy_(0, chains, torch.where(sound, snap(x_hat), self.references[chains]))

    def draw_q(self, count: int) -> Tensor:
        """(count,) as `chains.draw_q`: uniform over the gain rows, clamped from a little outside."""
        top = self._config.gain_rows - 1
        return (torch.rand(count, device=self.clips.device) * (top + 0.6) - 0.3).clamp(0, top)

    def state_dict(self) -> dict[str, Tensor]:
        references = (self.references * 255).round().to(torch.uint8)
        return {"walk": self.walk.clone(), "q": self.q.clone(), "depth": self.depth.clone(), "references": references}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        for name in ("walk", "q", "depth"):
            getattr(self, name).copy_(state[name])
        self.references.copy_(state["references"].float() / 255)
