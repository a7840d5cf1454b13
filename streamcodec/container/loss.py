"""Which frames can be decoded, and which are lost: ranges of numbers, told by GOP as far as the index knows them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from streamcodec.container.index import Index, IndexEntry
from streamcodec.container.packet import PacketFields, PacketType

__all__ = ["Decodable", "Loss", "Losses", "describe_losses"]

FramePacket = TypeVar("FramePacket", bound=PacketFields)

MOST_TOLD = 8
"""Ranges that a message names."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Frames `first_frame` up to and with `last_frame`, of GOPs `first_gop` up to and with `last_gop`.

    Several GOPs only where the index is lost too, and nothing tells where one of them ended.
    """

    first_frame: int
    last_frame: int
    first_gop: int
    last_gop: int

    @property
    def frames(self) -> int:
        """How many."""
        return self.last_frame - self.first_frame + 1

    def __str__(self) -> str:
        gops = _range("GOP", self.first_gop, self.last_gop)
        return f"{_range('frame', self.first_frame, self.last_frame)} of {gops}"


def _range(what: str, first: int, last: int) -> str:
    return f"{what} {first}" if first == last else f"{what}s {first}..{last}"


class Decodable(Generic[FramePacket]):
    """Takes frame packets in order, and gives those that can be decoded now: a B-frame waits for the I- or P-frame behind it.

    A frame needs all frames before it in its GOP. So behind a gap none is given up to the next key
    frame, nor one that waited.
    """

    def __init__(self) -> None:
        self._next = -1  # number of the only frame but a key frame that can follow
        self._waiting: list[FramePacket] = []

    @property
    def waits(self) -> bool:
        """Whether there are B-frames that wait."""
        return bool(self._waiting)

    def add(self, frame: FramePacket) -> list[FramePacket]:
        """The next packet; those that can be decoded now, in order of display: none, or B-frames and the one behind them."""
        if frame.key:
            self._waiting = []
        elif frame.frame != self._next:
            self.lose()
            return []
        self._next = frame.frame + 1
        self._waiting.append(frame)
        if frame.b_frame:
            return []
        ready, self._waiting = self._waiting, []
        return ready

    def lose(self) -> None:
        """A frame turned out to be lost: none that follows is given, up to the next key frame."""
        self._next = -1
        self._waiting = []


class Losses:
    """Gathers the numbers of lost frames from those that are there: 16 bytes a range."""

    def __init__(self, first_frame: int = 0) -> None:
        self._next = first_frame
        self._decodable: Decodable[PacketFields] = Decodable()
        self._ranges: list[tuple[int, int]] = []

    def found(self, frame: int) -> None:
        """This frame is there, and none between it and the one before."""
        if frame > self._next:
            self._ranges.append((self._next, frame - 1))
        self._next = max(self._next, frame + 1)

    def packet(self, packet: PacketFields) -> None:
        """A packet of the stream; frames are found as far as it is known that they can be decoded."""
        if packet.type == PacketType.FRAME:
            for frame in self._decodable.add(packet):
                self.found(frame.frame)

    def ends(self, frame_count: int) -> None:
        """Take in the number of frames in the stream."""
        self.found(frame_count)

    def named(self, index: Index) -> tuple[Loss, ...]:
        """All that is lost so far, cut where GOPs begin."""
        return tuple(
            loss for first, last in self._ranges for loss in _named(first, last, index.entries)
        )


def describe_losses(losses: Sequence[Loss], frame_count: int) -> str:
    """One sentence; `frame_count`: of the whole stream."""
    lost = sum(loss.frames for loss in losses)
    told = "; ".join(map(str, losses[:MOST_TOLD]))
    more = f"; and in {len(losses) - MOST_TOLD} other places" if len(losses) > MOST_TOLD else ""
    are = "is" if lost == 1 else "are"
    return f"{lost} of {frame_count} frames {are} lost to damage: {told}{more}"


def _named(first: int, last: int, entries: Sequence[IndexEntry]) -> Iterator[Loss]:
    while first <= last:
        at = bisect_right(entries, first, key=lambda entry: entry.first_frame) - 1
        following = entries[at + 1] if at + 1 < len(entries) else None
        stop = last if following is None else min(last, following.first_frame - 1)
        first_gop = entries[at].gop if at >= 0 else 0
        last_gop = first_gop if following is None else max(first_gop, following.gop - 1)
        yield Loss(first, stop, first_gop, last_gop)
        first = stop + 1
