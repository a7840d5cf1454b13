"""Runs of B-frames between two anchors, I- or P-frames: which is coded from which, and in what order.

The middle frame of a run, of an even number the first of the two, is coded from the anchors. Then the frames
before it are coded likewise, from the anchor before and the middle frame, and those behind it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from streamcodec.codec.codec import Codec
from streamcodec.codec.frame import decode_frame
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
    codec: Codec,
    payloads: Sequence[bytes],
    past: Reference,
    future: Reference,
    size: tuple[int, int],
    *,
    start: int = 0,
) -> Iterator[Reference]:
    """Decode the B-frames between two anchors; gives those from payloads[start] on, in order of display.

    Of the others only those are decoded that they are coded from, and each no sooner than it is needed.
    Raises CorruptStreamError for a payload that does not decode.
    """
    decoded = {0: past, len(payloads) + 1: future}
    places = {place.at: place for place in pyramid(len(payloads))}

    def frame(at: int) -> Reference:
        if at not in decoded:
            place = places[at]
            two = place.between(frame(place.past), frame(place.future))
            decoded[at] = decode_frame(codec, payloads[at - 1], two, size)
        return decoded[at]

    for at in range(start + 1, len(payloads) + 1):
        yield frame(at)
