"""Frames of several videos side by side, by their times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .videos import Shown

__all__ = ["Moment", "aligned"]


@dataclass(frozen=True)
class Moment:
    """A frame of the source, and what each coding shows then; None where it has no frame."""

    source: Shown
    codings: tuple[Shown | None, ...]


def aligned(
    source: Iterator[Shown], codings: Sequence[Iterator[Shown]], step: Fraction
) -> Iterator[Moment]:
    """A moment for each frame of the source. A coding's frame belongs to it if it is the nearest in
    time and no more than half a frame away. `step`: seconds from frame to frame where the source
    does not tell how long one lasts. Holds two frames of each video."""
    heads = [_Head(frames) for frames in codings]
    before = step
    for shown in source:
        lasts = shown.lasts_seconds or step
        earliest, latest = shown.seconds - before / 2, shown.seconds + lasts / 2
        yield Moment(shown, tuple(head.take(shown.seconds, earliest, latest) for head in heads))
        before = lasts


class _Head:
    """The next two frames of a coding."""

    def __init__(self, frames: Iterator[Shown]) -> None:
        self._frames = frames
        self._now = next(frames, None)
        self._next = next(frames, None)

    def take(self, at: Fraction, earliest: Fraction, latest: Fraction) -> Shown | None:
        while self._now is not None and self._is_passed(at, earliest):
            self._go_on()
        if self._now is None or self._now.seconds > latest:
            return None
        found = self._now
        self._go_on()
        return found

    def _is_passed(self, at: Fraction, earliest: Fraction) -> bool:
        """Whether the frame lies before the time, or the one behind it lies nearer."""
        assert self._now is not None
        if self._now.seconds < earliest:
            return True
        nearer = self._next is not None and abs(self._next.seconds - at) < abs(
            self._now.seconds - at
        )
        return nearer

    def _go_on(self) -> None:
        self._now, self._next = self._next, next(self._frames, None)
