"""Shards of clips: what training reads, with numpy alone.

A shard is a pair of files, mapped into memory; tools/make_shards.py writes them:

    NNN.frames.npy  uint8    (n, T, 3, S, S)           RGB, S a multiple of 16
    NNN.flows.npy   float16  (n, 2, T, 2, S/4, S/4)    x, y displacement in pixels
                                                       [0] from frame t to t - 1, [1] from t to t + 1; 0 where there is none
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError

__all__ = ["Shards", "View"]


@dataclass(frozen=True)
class View:
    """A square window on one clip. `clip` numbers the clips of all shards; `top` and `left` are multiples of 4 pixels; `flip`: mirrored."""

    clip: int
    top: int
    left: int
    side: int
    flip: bool


class Shards:
    """All clips of a folder. Raises UsageError if it holds none, or if its files do not fit each other."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("*.frames.npy"))
        if not paths:
            raise UsageError(f"no shards (*.frames.npy) in {folder}; tools/make_shards.py makes them")
        self._shards = [_open(path) for path in paths]
        self._index = [(shard, clip) for shard, (frames, _) in enumerate(self._shards) for clip in range(len(frames))]
        shapes = {frames.shape[1:] for frames, _ in self._shards}
        if len(shapes) != 1:
            raise UsageError(f"the shards in {folder} hold clips of {len(shapes)} shapes: {sorted(shapes)}; one is accepted")
        self.length, _, self.side, _ = shapes.pop()

    def __len__(self) -> int:
        return len(self._index)

    def draw(self, side: int, rng: np.random.Generator) -> View:
        """A random window of `side` pixels on a random clip."""
        if not 16 <= side <= self.side or side % 16:
            raise UsageError(f"crop is {side}; accepted: a multiple of 16, from 16 to the clips' {self.side}")
        top, left = (4 * int(n) for n in rng.integers(0, (self.side - side) // 4 + 1, 2))
        return View(int(rng.integers(len(self))), top, left, side, bool(rng.random() < 0.5))

    def clip(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
        """All of a clip: frames (T, 3, S, S) uint8 RGB, flows (2, T, 2, S/4, S/4) float16 in pixels."""
        shard, clip = self._index[number]
        frames, flows = self._shards[shard]
        return np.array(frames[clip]), np.array(flows[clip])

    def frame(self, view: View, t: int) -> NDArray[np.uint8]:
        """(3, side, side) uint8 RGB."""
        frames, _, clip = self._at(view)
        window = frames[clip, t, :, view.top : view.top + view.side, view.left : view.left + view.side]
        return np.ascontiguousarray(window[..., ::-1] if view.flip else window)

    def hint(self, view: View, t: int, step: int) -> NDArray[np.float32]:
        """(2, side/4, side/4) float32: x, y displacement in pixels from frame t to the frame that a walk by `step` (1 or -1) came from."""
        _, flows, clip = self._at(view)
        top, left, side = view.top // 4, view.left // 4, view.side // 4
        window = flows[clip, 0 if step > 0 else 1, t, :, top : top + side, left : left + side].astype(np.float32)
        if view.flip:
            window = window[..., ::-1] * np.array([-1, 1], np.float32)[:, None, None]
        return np.ascontiguousarray(window)

    def _at(self, view: View) -> tuple[NDArray[np.uint8], NDArray[np.float16], int]:
        shard, clip = self._index[view.clip]
        return *self._shards[shard], clip


def _open(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    flows_path = path.with_name(path.name.replace(".frames.", ".flows."))
    try:
        frames, flows = np.load(path, mmap_mode="r"), np.load(flows_path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the shard {path}: {error}") from error
    clips, length, *_, side = frames.shape if frames.ndim == 5 else (0, 0, 0)
    fits = frames.shape == (clips, length, 3, side, side) and flows.shape == (clips, 2, length, 2, side // 4, side // 4)
    if not fits or clips < 1 or length < 2 or side % 16 or frames.dtype != np.uint8 or flows.dtype != np.float16:
        raise UsageError(
            f"shard {path} holds {frames.dtype} {frames.shape} and {flows.dtype} {flows.shape}, which is not the layout of a shard"
        )
    return frames, flows
