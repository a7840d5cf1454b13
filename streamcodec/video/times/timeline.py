"""Display times for decoded frames: exact where the source has them, repaired by fixed rules where it has not."""

import heapq
from collections.abc import Sequence
from fractions import Fraction

__all__ = ["Timeline"]

LOOK_AHEAD = 4
"""How many of the frames behind one tell whether its time is wrong."""
_LOOK_AHEAD_FIRST = 2  # behind the first one, which has no frame before it

_JUMP_SECONDS = 1
_JUMP_STEPS = 16  # of a slow video
_LONGEST_PAUSE_SECONDS = 3600  # that is believed if nothing but the clock tells of it


class Timeline:
    """Gives each frame, in the decoder's output order, a timestamp in ticks of the stream's time base; they rise strictly.

    1. A frame's own pts is kept as it is, also when it is negative or the steps vary.
    2. A frame without pts takes the earliest unused packet time after the last frame, or else follows it by one nominal step.
    3. A pts that falls shows that the muxer wrote decoding order (AVI, some phones): from there on frames take the packet times in
       rising order, as in rule 2.
    4. A jump back by more than a second is a new start of the clock (joined recordings): what follows goes on after one nominal step.
    5. A time from which the frames behind it, up to LOOK_AHEAD, come back by more than a second is wrong: it is put between its
       neighbours. So is a first time that the two frames behind it lie before.
    6. A step of an hour or more is a pause if the packet before it says that it lasts as long; else the clock jumped, and what follows
       goes on after one nominal step.
    7. Where the first times are all equal the clock stands still: frames follow each other by one nominal step, and go on after one
       when it moves.
    8. What does not rise all the same (a pts twice) becomes the last one plus 1.
    In rules 4 and 5 it is 16 nominal steps if those are longer than a second. `repairs` tells what rules 5 and 6 changed.
    """

    def __init__(self, time_base: Fraction, frame_rate: Fraction | None) -> None:
        self.nominal_step = max(1, round(1 / (frame_rate or 25) / time_base))
        self._jump = max(round(_JUMP_SECONDS / time_base), _JUMP_STEPS * self.nominal_step)
        self._longest_pause = round(_LONGEST_PAUSE_SECONDS / time_base)
        self._time_base = time_base
        self._waiting: list[int] = []
        self._last: int | None = None
        self._offset = 0
        self._scrambled = False
        self._still: int | None = None
        self._wrong: list[int] = []
        self._jumps: list[int] = []

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was wrong with the times, in words."""
        notes = []
        if self._wrong:
            others = f" and {len(self._wrong) - 1} others" if len(self._wrong) > 1 else ""
            notes.append(
                f"the time {self._seconds(self._wrong[0])}{others} did not fit the frames around and was put between them"
            )
        if self._jumps:
            others = f", and {len(self._jumps) - 1} times more" if len(self._jumps) > 1 else ""
            notes.append(
                f"its clock jumped by {self._seconds(self._jumps[0])}{others}, which was taken out"
            )
        return tuple(notes)

    def _seconds(self, ticks: int) -> str:
        return f"{float(ticks * self._time_base):.2f} s"

    def add_packet(self, pts: int | None, dts: int | None) -> None:
        """Note the time of a packet when it goes into the decoder."""
        stamp = pts if pts is not None else dts
        if stamp is not None:
            heapq.heappush(self._waiting, stamp)

    def frames_wanted(self, pts: int | None) -> int:
        """How many of the frames behind the one that says `pts` `stamp` should know."""
        if self._last is None:
            return _LOOK_AHEAD_FIRST
        is_doubtful = pts is not None and abs(pts + self._offset - self._last) > self._jump
        return LOOK_AHEAD if is_doubtful else 0

    def stamp(self, pts: int | None, ahead: Sequence[int | None] = (), lasting: int = 0) -> int:
        """The time of the next frame out of the decoder, which itself says `pts`; those behind it say `ahead`, or nothing is known of them.

        `lasting`: for how long the frame before this one is shown, as its packet says, 0 = unknown.
        """
        following = [stamp for stamp in ahead if stamp is not None]
        if self._last is None and pts is not None and set(following) == {pts}:
            self._still = pts
        elif pts is not None and following:
            pts = self._believed(pts, following)
        stamp = self._choose(pts, lasting)
        if self._last is not None and stamp <= self._last:
            stamp = self._last + 1
        self._last = stamp
        self._drop_until(stamp - self._offset)
        return stamp

    def _believed(self, pts: int, following: list[int]) -> int:
        """Rule 5."""
        if self._last is None:
            agreed = len(following) > 1 and 0 < following[1] - following[0] <= self._jump
            if pts - following[0] > self._jump and agreed:
                self._wrong.append(pts)
                return following[0] - self.nominal_step
            return pts
        last = self._last - self._offset
        if abs(pts - last) <= self._jump:
            return pts
        for number, later in enumerate(following, 1):
            farthest = pts - self._jump - 1 if pts > last else last + self._jump
            if last < later <= farthest:
                self._wrong.append(pts)
                return last + max(1, (later - last) // (number + 1))
        return pts

    def _choose(self, pts: int | None, lasting: int) -> int:
        if self._last is None:
            return pts if pts is not None else self._next_packet(0)
        following = self._last + self.nominal_step
        if self._still is not None and pts is not None:
            if pts != self._still:
                self._offset, self._still = following - pts, None
                self._waiting.clear()
            return following
        if pts is not None and self._starts_anew(pts + self._offset - self._last, lasting):
            self._offset = following - pts
            self._waiting.clear()
            return following
        if pts is not None and pts + self._offset < self._last:
            self._scrambled = True
        if pts is None or self._scrambled:
            return self._next_packet(following)
        return pts + self._offset

    def _starts_anew(self, step: int, lasting: int) -> bool:
        """Rules 4 and 6."""
        if step < -self._jump:
            return True
        if step < self._longest_pause or 2 * lasting > step:
            return False
        self._jumps.append(step)
        return True

    def _next_packet(self, otherwise: int) -> int:
        return self._waiting[0] + self._offset if self._waiting else otherwise

    def _drop_until(self, stamp: int) -> None:
        while self._waiting and self._waiting[0] <= stamp:
            heapq.heappop(self._waiting)
