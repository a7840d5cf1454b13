"""Clips that are made as they are needed, by threads beside the training step: what a folder of videos or of pictures is read through.

Clip number n is the same clip whenever and wherever it is made, so what a run needs to go on is how many windows were drawn. Windows
are drawn on a pool of clips; every few draws the oldest leaves it and the next number comes in. Clips that chains still walk
on stay at hand, and one that is not (after a resume, say) is made again.
"""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from streamcodec.training.data import View, draw_window, frame_window, hint_window

__all__ = ["ClipMaker", "MadeClips", "flows_of"]

Frames = NDArray[np.uint8]
Clip = tuple[Frames, NDArray[np.float16]]
"""Frames (T, 3, S, S) RGB and flows (2, T, 2, S/4, S/4) in pixels, as in a shard."""


class ClipMaker(Protocol):
    """Makes clips of `length` frames of `side` x `side` pixels from the `__len__` files it knows. `__str__` says of what, for people."""

    length: int
    side: int

    def __len__(self) -> int: ...

    def make(self, number: int) -> Frames:
        """Clip `number`, 0 or more: (length, 3, side, side) uint8 RGB, always the same. Called from several threads."""


class MadeClips:
    """The source of clips (data.ClipSource) behind a maker. Of `world` processes, each has the numbers rank, rank + world, ...

    `pool`: clips that windows are drawn on; `repeats`: draws until one of them is replaced; `ahead`: clips made before they are
    needed; `walking`: clips that may be in use beside the pool.
    """

    def __init__(
        self,
        maker: ClipMaker,
        rank: int = 0,
        world: int = 1,
        *,
        pool: int = 48,
        repeats: int = 8,
        ahead: int = 8,
        walking: int = 24,
        threads: int = 1,
    ) -> None:
        self.length, self.side = maker.length, maker.side
        self._maker, self._rank, self._world = maker, rank, world
        self._pool, self._repeats, self._ahead = pool, repeats, ahead
        self._capacity = pool + ahead + walking
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="clips")
        self._clips: OrderedDict[int, Future[Clip]] = OrderedDict()
        self._draws = self._asked = 0

    def __len__(self) -> int:
        return len(self._maker)

    def __str__(self) -> str:
        return f"{self._maker}, clips of {self.length} frames, {self.side}x{self.side}"

    def draw(self, side: int, rng: np.random.Generator) -> View:
        """A random window of `side` pixels on a random clip of the pool."""
        top, left = draw_window(side, self.side, rng)
        oldest = self._draws // self._repeats
        self._draws += 1
        self._make_until(oldest + self._pool + self._ahead)
        return View(oldest + int(rng.integers(self._pool)), top, left, side, bool(rng.random() < 0.5))

    def frame(self, view: View, t: int) -> Frames:
        """(3, side, side) uint8 RGB."""
        return frame_window(self._clip(view.clip)[0], view, t)

    def hint(self, view: View, t: int, step: int) -> NDArray[np.float32]:
        """(2, side/4, side/4) float32: x, y displacement in pixels from frame t to the frame that a walk by `step` (1 or -1) came from."""
        return hint_window(self._clip(view.clip)[1], view, t, step)

    def state_dict(self) -> dict[str, Any]:
        return {"draws": self._draws}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._draws = state["draws"]
        self._asked = self._draws // self._repeats
        for number in [number for number, future in self._clips.items() if future.cancel()]:  # they are of another place
            del self._clips[number]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _clip(self, number: int) -> Clip:
        """Waits for a clip that is being made, and makes one here that is not."""
        future = self._clips.get(number)
        if future is None or future.cancel():
            future = self._clips[number] = Future()
            future.set_result(self._make(number))
        self._clips.move_to_end(number)
        while len(self._clips) > self._capacity:
            self._clips.popitem(last=False)[1].cancel()
        return future.result()

    def _make_until(self, end: int) -> None:
        for number in range(self._asked, end):
            if number not in self._clips:
                self._clips[number] = self._threads.submit(self._make, number)
        self._asked = max(self._asked, end)

    def _make(self, number: int) -> Clip:
        frames = self._maker.make(number * self._world + self._rank)
        return frames, flows_of(frames)


def flows_of(frames: Frames) -> NDArray[np.float16]:
    """The flow hints that the encoder would see: frames (T, 3, S, S) -> (2, T, 2, S/4, S/4), to frame t - 1 and to t + 1, or 0."""
    from streamcodec.training.flow import flow_hint
    from streamcodec.video.color import gray_from_rgb

    length, _, side, _ = frames.shape
    gray = [gray_from_rgb(frame) for frame in frames]
    flows = np.zeros((2, length, 2, side // 4, side // 4), np.float16)
    for t in range(1, length):
        flows[0, t] = flow_hint(gray[t], gray[t - 1])
        flows[1, t - 1] = flow_hint(gray[t - 1], gray[t])
    return flows
