"""Display times for decoded frames: exact where the source has them, repaired by fixed rules where it has not."""

import heapq
from fractions import Fraction

__all__ = ["Timeline"]


class Timeline:
    """Gives each frame, in the decoder's output order, a timestamp in ticks of the stream's time base; they rise strictly.

    1. A frame's own pts is kept as it is, also when it is negative or the steps vary.
    2. A frame without pts takes the earliest unused packet time after the last frame, or else follows it by one nominal step.
    3. A pts that falls shows that the muxer wrote decoding order (AVI, some phones): from there on frames take the packet times in
       rising order, as in rule 2.
    4. A jump back by more than a second is a new start of the clock (joined recordings): what follows goes on after one nominal step.
    5. What does not rise all the same (a pts twice) becomes the last one plus 1.
    """

    def __init__(self, time_base: Fraction, frame_rate: Fraction | None) -> None:
        self.nominal_step = max(1, round(1 / (frame_rate or 25) / time_base))
        self._jump = round(1 / time_base)
        self._waiting: list[int] = []
        self._last: int | None = None
        self._offset = 0
        self._scrambled = False

    def add_packet(self, pts: int | None, dts: int | None) -> None:
        """Note the time of a packet when it goes into the decoder."""
        stamp = pts if pts is not None else dts
        if stamp is not None:
            heapq.heappush(self._waiting, stamp)

    def stamp(self, pts: int | None) -> int:
        """The time of the next frame out of the decoder, which itself says `pts`."""
        stamp = self._choose(pts)
        if self._last is not None and stamp <= self._last:
            stamp = self._last + 1
        self._last = stamp
        self._drop_until(stamp - self._offset)
        return stamp

    def _choose(self, pts: int | None) -> int:
        if self._last is None:
            return pts if pts is not None else self._next_packet(0)
        following = self._last + self.nominal_step
        if pts is not None and pts + self._offset < self._last - self._jump:
            self._offset = following - pts
            self._waiting.clear()
            return following
        if pts is not None and pts + self._offset < self._last:
            self._scrambled = True
        if pts is None or self._scrambled:
            return self._next_packet(following)
        return pts + self._offset

    def _next_packet(self, otherwise: int) -> int:
        return self._waiting[0] + self._offset if self._waiting else otherwise

    def _drop_until(self, stamp: int) -> None:
        while self._waiting and self._waiting[0] <= stamp:
            heapq.heappop(self._waiting)
