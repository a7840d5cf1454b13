"""Frames on their way out of a decoder, held until it is known that what they were predicted from is sound."""

from collections import deque
from collections.abc import Iterator

import av

__all__ = ["FrameOrder"]

_MOST_HELD = 16  # no codec puts a frame farther from its place


class FrameOrder:
    """Takes packets in decoding order and frames in display order; a frame leaves when all that were decoded before it have come out.

    A frame that turns out to be damaged was decoded before some that are displayed before it: those are predicted from it. Packet and frame
    are matched by their pts; where there is none, frames leave at once.
    """

    def __init__(self) -> None:
        self._packets = 0
        self._inside: dict[int, int] = {}  # pts of packets whose frame has not come out -> number
        self._held: deque[tuple[av.VideoFrame, int | None]] = deque()
        self._cut: int | None = None
        self._is_over = False

    @property
    def has_lost(self) -> bool:
        """Whether the decoder kept a packet for itself; asked at the end."""
        return bool(self._inside)

    def enter(self, pts: int | None) -> None:
        """A packet goes into the decoder."""
        if pts is not None and pts not in self._inside:  # the fields of a frame may come in two
            self._inside[pts] = self._packets
        self._packets += 1

    def leave(self, frame: av.VideoFrame) -> None:
        """A sound frame came out."""
        number = None if frame.pts is None else self._inside.pop(frame.pts, None)
        if not self._is_over:
            self._held.append((frame, number))

    def drop(self, pts: int | None) -> None:
        """The frame of this time is damaged or will not come; those behind it go on."""
        if pts is not None:
            self._inside.pop(pts, None)

    def stop_before(self, pts: int | None) -> None:
        """The frame of this time is damaged or will not come: let out what was decoded and is displayed before it, and no more."""
        number = None if pts is None else self._inside.get(pts)
        if number is None:
            self._is_over = True
            return
        later = [time for time, entered in self._inside.items() if entered >= number]
        later += [
            frame.pts
            for frame, entered in self._held
            if frame.pts is not None and entered is not None and entered > number
        ]
        self._cut = min(later)

    def ready(self, *, all_out: bool = False) -> Iterator[av.VideoFrame]:
        """The frames that may leave now, in order of display; all that are left with `all_out`."""
        while self._held:
            frame, number = self._held[0]
            if not all_out and number is not None and self._waits(number):
                return
            self._held.popleft()
            if self._cut is None or frame.pts is None or frame.pts < self._cut:
                yield frame

    def _waits(self, number: int) -> bool:
        oldest = next(iter(self._inside.values()), number)
        if oldest < number and len(self._held) > _MOST_HELD:  # some packets never become frames
            self._inside = {
                time: entered for time, entered in self._inside.items() if entered > number
            }
            return False
        return oldest < number
