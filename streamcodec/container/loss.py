"""Which frames are lost: runs of numbers, told by GOP as far as the index knows them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamcodec.container.index import Index, IndexEntry
from streamcodec.container.packet import PacketFields, PacketType

__all__ = ["Loss", "Losses", "describe_losses"]

MOST_TOLD = 8
"""Runs that a message names."""


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
        gops = _run("GOP", self.first_gop, self.last_gop)
        return f"{_run('frame', self.first_frame, self.last_frame)} of {gops}"


def _run(what: str, first: int, last: int) -> str:
    return f"{what} {first}" if first == last else f"{what}s {first}..{last}"


class Losses:
    """Gathers the numbers of lost frames from those that are there: 16 bytes a run."""

    def __init__(self, first_frame: int = 0) -> None:
        self._next = first_frame
        self._decodable = -1  # the only frame but a key frame that can follow
        self._runs: list[tuple[int, int]] = []

    def found(self, frame: int) -> None:
        """This frame is there, and none between it and the one before."""
        if frame > self._next:
            self._runs.append((self._next, frame - 1))
        self._next = max(self._next, frame + 1)

    def packet(self, packet: PacketFields) -> None:
        """A packet of the stream; a frame is found if it can be decoded: a key frame, or the one behind one that can be."""
        if packet.type == PacketType.FRAME and (packet.key or packet.frame == self._decodable):
            self._decodable = packet.frame + 1
            self.found(packet.frame)

    def ends(self, frame_count: int) -> None:
        """Take in the number of frames in the stream."""
        self.found(frame_count)

    def named(self, index: Index) -> tuple[Loss, ...]:
        """All that is lost so far, cut where GOPs begin."""
        return tuple(
            loss for first, last in self._runs for loss in _named(first, last, index.entries)
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
