"""Frames that are lost to damage, and what is shown in their place: the last good frame before them."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from streamcodec.container import Index, IndexEntry, Limits
from streamcodec.errors import CorruptStreamError
from streamcodec.stream.reading.frames import Frame

__all__ = ["Concealer"]


class Concealer:
    """The frames of a stream without a hole in their numbers.

    A span is a GOP of the index with the lost frames up to the next GOP (of the first one, also
    those before it). In a GOP frames are lost from one on to the end, since each needs the one
    before. Frames in the place of lost ones are shown at equal distances in the gap.
    """

    def __init__(
        self,
        index: Index,
        play: Callable[[IndexEntry], Iterator[Frame]],
        limits: Limits,
        frame_seconds: Fraction | None,
        time_base: Fraction,
    ) -> None:
        """`play`: decodes what can be decoded of a GOP. `frame_seconds`: the usual duration, None = not known."""
        self._index, self._entries = index, index.entries
        self._play = play
        self._step = max(1, round(frame_seconds / time_base)) if frame_seconds is not None else 1
        self._known: tuple[int, Frame] | None = None  # the last good frame up to a span
        self._first: tuple[Frame | None] | None = (
            None  # the first good frame, once it was looked for
        )
        held = sum(entry.frame_count for entry in self._entries)
        limits.check("concealed", index.frame_count - held if self._entries else 0)

    def frames(self) -> Iterator[Frame]:
        """Of all spans."""
        for number in range(len(self._entries)):
            yield from self.span(number)

    def span_of_frame(self, frame: int) -> int:
        """The number of the span that holds a frame. Raises CorruptStreamError if there is none at all."""
        if not self._entries:
            raise CorruptStreamError("all frames of the stream are lost to damage")
        return max(0, bisect_right(self._entries, frame, key=lambda entry: entry.first_frame) - 1)

    def span(self, number: int) -> Iterator[Frame]:
        """Of one span, from its good frames to the last that is lost."""
        entry = self._entries[number]
        is_last = number + 1 == len(self._entries)
        stop = self._index.frame_count if is_last else self._entries[number + 1].first_frame
        end_pts = self._index.end_pts if is_last else self._entries[number + 1].pts
        if number == 0 and entry.first_frame:
            yield from self._before_all(entry)
        last: Frame | None = None
        for frame in self._play(entry):
            if frame.index < stop and (is_last or frame.pts < end_pts):
                yield frame
                last = frame
        if last is not None:
            self._known = number, last
            yield from self._fill(
                last, last.index + 1, last.index, last.pts, stop, end_pts, is_last
            )
        elif (near := self._nearest(number)) is not None:
            first = entry.first_frame
            yield from self._fill(near, first, first, entry.pts, stop, end_pts, is_last)

    def _fill(
        self, good: Frame, first: int, start: int, pts: int, stop: int, end_pts: int, is_last: bool
    ) -> Iterator[Frame]:
        """Frames `first` up to stop - 1; frame `start` is shown at `pts`, the one behind the gap at `end_pts`."""
        count = stop - start
        if is_last:  # durations may be unknown: then the end is that of no frame
            end_pts = max(end_pts, pts + count * min(self._step, 1))
        count = min(count, end_pts - pts)  # times must rise, whatever an index says
        for number in range(first, start + count):
            at, following = (
                pts + (end_pts - pts) * (each - start) // count for each in (number, number + 1)
            )
            yield _standing_for(good, number, at, following - at)

    def _before_all(self, entry: IndexEntry) -> Iterator[Frame]:
        good = self._first_good()
        if good is None:
            return
        for number in range(entry.first_frame):
            pts = entry.pts - self._step * (entry.first_frame - number)
            yield _standing_for(good, number, pts, self._step)

    def _nearest(self, number: int) -> Frame | None:
        """The last good frame before a span, or the first behind its beginning; None if no frame of the stream is good."""
        for before in range(number - 1, -1, -1):
            if self._known is not None and self._known[0] == before:
                break
            if good := self._last(before):
                self._known = before, good
                break
        if number and self._known is not None and self._known[0] < number:
            self._known = number - 1, self._known[1]
            return self._known[1]
        return self._first_good()

    def _first_good(self) -> Frame | None:
        if self._first is None:
            found = (next(self._play(entry), None) for entry in self._entries)
            self._first = (next((frame for frame in found if frame is not None), None),)
        return self._first[0]

    def _last(self, number: int) -> Frame | None:
        last = None
        for frame in self._play(self._entries[number]):
            last = frame
        return last


def _standing_for(good: Frame, index: int, pts: int, duration: int) -> Frame:
    planes = tuple(plane.copy() for plane in good.planes)
    return replace(good, planes=planes, index=index, pts=pts, duration=duration, concealed=True)
