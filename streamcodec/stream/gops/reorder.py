"""Frames come in order of display; an anchor, an I- or P-frame, is coded before the B-frames in front of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from streamcodec.stream.gops.runs import plan_runs
from streamcodec.types import RawFrame

__all__ = ["Pushed", "Reorder"]


@dataclass(frozen=True, eq=False)
class Pushed:
    """A frame to be coded, `index` in the stream, `number` in GOP `gop`, each from 0. `payload`: what it becomes, if that is known."""

    raw: RawFrame
    index: int
    gop: int
    number: int
    payload: bytes | None = None


class Reorder:
    """Holds frames back until it is planned which are B-frames; `longest`: most of them in a row.

    `plan` is `plan_runs`, or something else with its arguments. A GOP's first and last frame are anchors, and nothing is planned across
    GOPs: what comes out of one does not depend on others.
    """

    def __init__(
        self, longest: int, plan: Callable[[Sequence[RawFrame], int], list[int]] = plan_runs
    ) -> None:
        self._longest, self._plan = longest, plan
        self._held: list[Pushed] = []
        self._anchor: RawFrame | None = None

    def push(self, frame: Pushed, *, is_last: bool = False) -> Iterator[list[Pushed]]:
        """Gives, in order of display, the frames that are now planned: each time B-frames and the anchor behind them.

        `is_last`: `frame` is the last of its GOP. At most `longest` frames stay.
        """
        if frame.number == 0:
            yield from self.flush()
        self._held.append(frame)
        if is_last or frame.number == 0 or len(self._held) > self._longest:
            yield from self.flush()

    def flush(self) -> Iterator[list[Pushed]]:
        """The rest: the last frame becomes an anchor."""
        held, self._held = self._held, []
        runs = [0] * len(held)
        if self._anchor is not None and len(held) > 1:
            runs = self._plan([self._anchor, *(frame.raw for frame in held)], self._longest)
        for run in runs:
            taken, held = held[: run + 1], held[run + 1 :]
            self._anchor = taken[-1].raw
            yield taken
