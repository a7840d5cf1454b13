"""Frames at a constant rate: of a source's frames some are left out, others repeated."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from math import floor
from typing import TypeVar

__all__ = ["at_constant_rate", "nearest"]

T = TypeVar("T")


def nearest(time: Fraction) -> int:
    """The nearest integer, the higher one of two that are as near."""
    return floor(time + Fraction(1, 2))


def at_constant_rate(
    frames: Iterable[tuple[T, int, int]], place_of: Callable[[int], int]
) -> Iterator[tuple[T, int]]:
    """(frame, number) for every number from the first frame's place on to where the last frame ends, at least one.

    `frames`: (frame, begin, end) in ticks of the source, which rise. `place_of`: the number whose time is
    nearest to a tick. A number shows the last frame that begins nearest to it or before, as FFmpeg's
    filter `fps` has it; it does not depend on where one starts to read.
    """
    held: T | None = None
    first = following = stop = 0
    for frame, begin, end in frames:
        place = place_of(begin)
        if held is None:
            first = following = place
        for number in range(following, place):
            yield held, number  # type: ignore[misc]  # there is a frame before
        held, following, stop = frame, max(following, place), place_of(end)
    if held is not None:
        for number in range(following, max(stop, first + 1)):
            yield held, number
