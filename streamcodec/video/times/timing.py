"""Times on their way through an encoder, which puts packets into another order and keeps no durations."""

from collections.abc import Iterable
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["MAX_STEP", "PacketTimer", "Ticks", "storable_time_base"]

MAX_STEP = (1 << 31) - 1
"""Ticks from one frame to the next, or to the end, that MP4 and MOV can store."""
_REORDERED = 8  # steps that lie between a frame's time and the one at which it is decoded, at most


def storable_time_base(
    time_base: Fraction, times: Iterable[tuple[int, int]]
) -> tuple[Fraction, bool]:
    """A time base in which MP4 and MOV can store the pauses of these frames, (pts, duration) in ticks of `time_base`, which rise; and
    whether it keeps all of them exactly: `time_base` itself or one in which they are whole, else the finest there is.
    """
    longest = common = 0
    first = previous = None
    for pts, duration in times:
        first, previous = (pts, pts) if first is None or previous is None else (first, previous)
        longest = max(longest, duration, pts - previous)
        common = gcd(common, pts - first, duration)
        previous = pts
    for step in (1, max(common, 1)):
        candidate = time_base * step
        if longest // step * candidate.numerator * _REORDERED <= MAX_STEP:
            return candidate, True
    return Fraction(1, max(1, int(MAX_STEP / (_REORDERED * longest * time_base)))), False


class Ticks:
    """Turns times of one time base into those of another; they rise still."""

    def __init__(self, source: Fraction, target: Fraction) -> None:
        self._ratio = source / target
        self._first: int | None = None
        self._base = self._last = 0

    def of(self, pts: int, duration: int) -> tuple[int, int]:
        """(pts, duration) in the target's ticks. A duration above 0 stays above 0."""
        if self._ratio == 1:
            return pts, duration
        if self._first is None:
            self._first, self._base = pts, round(pts * self._ratio)
            self._last = self._base - 1
        begin = self._base + round((pts - self._first) * self._ratio)
        begin = self._last = max(begin, self._last + 1)
        end = self._base + round((pts + duration - self._first) * self._ratio)
        return begin, max(end - begin, 1) if duration else 0


class PacketTimer:
    """Takes every frame's time when it goes in and puts it on the packet that comes out. All in ticks of the video's time base.

    `sums_durations`: MP4 stores durations in decoding order, so the last packet gets what makes their sum the length of the video.
    `keeps_offset`: whether the first frame keeps its time, if that is not below 0; without it the video begins at 0.
    """

    def __init__(self, *, sums_durations: bool, keeps_offset: bool = True) -> None:
        self._keeps_offset = keeps_offset
        self._sums_durations = sums_durations
        self._durations: dict[int, int] = {}
        self._first_pts: int | None = None
        self._first_dts: int | None = None
        self.shift = self._end = 0  # ticks by which everything moves
        self._held: Packet[VideoStream] | None = None

    def admit(self, pts: int, duration: int) -> int:
        """The pts that the encoder gets: the frame's own, or moved with all others to 0, as is one below 0, which players cut off."""
        if self._first_pts is None:
            self.shift = max(0, -pts) if self._keeps_offset else -pts
            self._first_pts = pts + self.shift
        pts += self.shift
        self._end = pts + duration
        if duration:
            self._durations[pts] = duration
        return pts

    def release(self, packet: "Packet[VideoStream]") -> "Packet[VideoStream] | None":
        """The packet before this one, ready to be written."""
        if packet.pts in self._durations:
            packet.duration = self._durations.pop(packet.pts)
        if self._first_dts is None:
            self._first_dts = packet.dts
        ready, self._held = self._held, packet
        return ready

    def release_last(self) -> "Packet[VideoStream] | None":
        """The last packet."""
        packet = self._held
        if (
            packet
            and self._sums_durations
            and packet.dts is not None
            and self._first_dts is not None
            and self._first_pts is not None
        ):
            packet.duration = max(1, self._end - self._first_pts - (packet.dts - self._first_dts))
        return packet
