"""What training reads: the protocol of all sources of clips, and shards, which need NumPy alone.

A shard is a pair of files, mapped into memory; tools/make_shards.py writes them:

    NNN.frames.npy  uint8    (n, T, 3, S, S)           RGB, S a multiple of 16
    NNN.flows.npy   float16  (n, 2, T, 2, S/4, S/4)    x, y displacement in pixels
                                                       [0] from frame t to t - 1, [1] from t to t + 1; 0 where there is none
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError

__all__ = ["ClipSource", "Shards", "View", "draw_window", "frame_window", "hint_window"]


@dataclass(frozen=True)
class View:
    """A square window on one clip. `clip`: its number in the source; `top` and `left` are multiples of 4 pixels; `flip`: mirrored."""

    clip: int
    top: int
    left: int
    side: int
    flip: bool


class ClipSource(Protocol):
    """Clips of `length` frames of `side` x `side` pixels, each with the flow hints that the encoder would see.

    What is drawn depends on `rng` and on the source's own position alone, which `state_dict` tells: a run goes on exactly.
    """

    @property
    def length(self) -> int: ...

    @property
    def side(self) -> int: ...

    def __len__(self) -> int:
        """How many clips, or files of clips, there are; the numbers below that are clips in any case."""

    def draw(self, side: int, rng: np.random.Generator) -> View:
        """A random window of `side` pixels on a random clip."""

    def frame(self, view: View, t: int) -> NDArray[np.uint8]:
        """(3, side, side) uint8 RGB."""

    def hint(self, view: View, t: int, step: int) -> NDArray[np.float32]:
        """(2, side/4, side/4) float32: x, y displacement in pixels from frame t to the frame that a walk by `step` (1 or -1) came from."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...

    def close(self) -> None:
        """Stop what is done beside."""


def draw_window(side: int, of: int, rng: np.random.Generator) -> tuple[int, int]:
    """Top and left, multiples of 4 pixels, of a window of `side` in a clip `of` so many. Raises UsageError if it does not fit."""
    if not 16 <= side <= of or side % 16:
        raise UsageError(f"crop is {side}; accepted: a multiple of 16, from 16 to the clips' {of}")
    top, left = (4 * int(n) for n in rng.integers(0, (of - side) // 4 + 1, 2))
    return top, left


class Shards:
    """All clips of a folder. Raises UsageError if it holds none, or if its files do not fit each other.

    Of `world` processes that train together, each has the clips rank, rank + world, ...
    """

    def __init__(self, folder: Path, rank: int = 0, world: int = 1) -> None:
        paths = sorted(folder.glob("*.frames.npy"))
        if not paths:
            raise UsageError(f"no shards (*.frames.npy) in {folder}; tools/make_shards.py makes them")
        self._shards = [_open(path) for path in paths]
        index = [(shard, clip) for shard, (frames, _) in enumerate(self._shards) for clip in range(len(frames))]
        if len(index) < world:
            raise UsageError(f"the shards in {folder} hold {len(index)} clips; {world} processes need one each at least")
        self._index = index[rank::world]
        shapes = {frames.shape[1:] for frames, _ in self._shards}
        if len(shapes) != 1:
            raise UsageError(f"the shards in {folder} hold clips of {len(shapes)} shapes: {sorted(shapes)}; one is accepted")
        self.length, _, self.side, _ = shapes.pop()

    def __len__(self) -> int:
        return len(self._index)

    def __str__(self) -> str:
        return f"{len(self)} clips of {self.length} frames, {self.side}x{self.side}, in shards"

    def draw(self, side: int, rng: np.random.Generator) -> View:
        """A random window of `side` pixels on a random clip."""
        top, left = draw_window(side, self.side, rng)
        return View(int(rng.integers(len(self))), top, left, side, bool(rng.random() < 0.5))

    def clip(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
        """All of a clip: frames (T, 3, S, S) uint8 RGB, flows (2, T, 2, S/4, S/4) float16 in pixels."""
        shard, clip = self._index[number]
        frames, flows = self._shards[shard]
        return np.array(frames[clip]), np.array(flows[clip])

    def frame(self, view: View, t: int) -> NDArray[np.uint8]:
        """(3, side, side) uint8 RGB."""
        frames, _, clip = self._at(view)
        return frame_window(frames[clip], view, t)

    def hint(self, view: View, t: int, step: int) -> NDArray[np.float32]:
        """(2, side/4, side/4) float32: x, y displacement in pixels from frame t to the frame that a walk by `step` (1 or -1) came from."""
        _, flows, clip = self._at(view)
        return hint_window(flows[clip], view, t, step)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the clips are at hand in any order."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...

    def close(self) -> None: ...

    def _at(self, view: View) -> tuple[NDArray[np.uint8], NDArray[np.float16], int]:
        shard, clip = self._index[view.clip]
        return *self._shards[shard], clip


def frame_window(frames: NDArray[np.uint8], view: View, t: int) -> NDArray[np.uint8]:
    """What `view` shows of frame t of a clip (T, 3, S, S): (3, side, side)."""
    window = frames[t, :, view.top : view.top + view.side, view.left : view.left + view.side]
    return np.ascontiguousarray(window[..., ::-1] if view.flip else window)


def hint_window(flows: NDArray[np.float16], view: View, t: int, step: int) -> NDArray[np.float32]:
    """What `view` shows of a clip's flows (2, T, 2, S/4, S/4), for a walk by `step` that is at frame t: (2, side/4, side/4)."""
    top, left, side = view.top // 4, view.left // 4, view.side // 4
    window = flows[0 if step > 0 else 1, t, :, top : top + side, left : left + side].astype(np.float32)
    if view.flip:
        window = window[..., ::-1] * np.array([-1, 1], np.float32)[:, None, None]
    return np.ascontiguousarray(window)


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
