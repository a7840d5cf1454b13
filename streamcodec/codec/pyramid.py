"""Runs of B-frames between two anchors, I- or P-frames: which is coded from which, and in what order.

The middle frame of a run, of an even number the first of the two, is coded from the anchors. Then the frames
before it are coded likewise, from the anchor before and the middle frame, and those behind it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from streamcodec.codec.model import Between, Reference

__all__ = ["Place", "decode_run", "pyramid"]


@dataclass(frozen=True)
class Place:
    """A B-frame's place in its run: `at` frames behind the anchor before the run, coded from the frames at `past` and `future`.

    `level`: 1 of the middle frame, 2 of those that are coded from it and an anchor, 3 of those between these.
    `spanned_by_future`: as Between has it.
    """

    at: int
    past: int
    future: int
    level: int
    spanned_by_future: bool

    def between(self, past: Reference, future: Reference) -> Between:
        """What it is coded with, given what the two became."""
        back, ahead = self.at - self.past, self.future - self.at
        return Between(past, future, back, ahead, self.spanned_by_future)


@cache
def pyramid(count: int) -> tuple[Place, ...]:
    """The places 1 .. count of a run of `count` B-frames, 0..7, in the order in which they are coded."""
    return tuple(_between(0, count + 1, 1, spanned_by_future=True))


def _between(past: int, future: int, level: int, *, spanned_by_future: bool) -> Iterator[Place]:
    if future - past < 2:
        return
    at = (past + future) // 2
    yield Place(at, past, future, level, spanned_by_future)
    yield from _between(past, at, level + 1, spanned_by_future=True)
    yield from _between(at, future, level + 1, spanned_by_future=False)


def decode_run(
    count: int,
    past: Reference,
    future: Reference,
    decode: Callable[[int, Between], Reference],
    *,
    start: int = 0,
) -> Iterator[Reference]:
    """Decode the `count` B-frames between two anchors; gives all but the first `start`, in order of display.

    `decode` decodes the B-frame at a place, 1 .. count. Of those that are not given it is called for what others
    are coded from, and for no frame sooner than it is needed. Its errors pass through.
    """
    run = _Run(count, past, future, decode)
    for at in range(start + 1, count + 1):
        yield run.frame(at)
        run.pass_by(at)


class _Run:
    """A run on its way: what is decoded and still needed, of places 0 (the anchor before) .. count + 1."""

    def __init__(
        self,
        count: int,
        past: Reference,
        future: Reference,
        decode: Callable[[int, Between], Reference],
    ) -> None:
        self._decode = decode
        self._decoded = {0: past, count + 1: future}
        self._left = {place.at: place for place in pyramid(count)}  # to be decoded

    def frame(self, at: int) -> Reference:
        if at not in self._decoded:
            place = self._left.pop(at)
            two = place.between(self.frame(place.past), self.frame(place.future))
            self._decoded[at] = self._decode(at, two)
        return self._decoded[at]

    def pass_by(self, at: int) -> None:
        """Keep nothing up to `at` that no frame behind it is coded from."""
        needed = {place.past for place in self._left.values() if place.at > at}
        for place in [place for place in self._decoded if place <= at and place not in needed]:
            del self._decoded[place]
