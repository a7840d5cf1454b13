"""A stream played: its frames and, among them, the packets of its tracks, of all of it or of a stretch of time."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from streamcodec.container import (
    Damage,
    Index,
    Packet,
    PacketHeader,
    PacketType,
    Reader,
    unpack_track_packet,
)
from streamcodec.stream.reading.frames import Frame
from streamcodec.tracks import Chapter, Track, TrackPacket, chapters_in

__all__ = ["Stretch", "TrackTap", "earlier_subtitles", "played"]

_BACK_SECONDS = 30  # a subtitle that began so long before may still be shown


@dataclass(frozen=True)
class Stretch:
    """What begins in [start, stop), in seconds of the stream's clock, and `max_frames` at most; None = no limit."""

    start: Fraction | None = None
    stop: Fraction | None = None
    max_frames: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether all times lie in it."""
        return self.start is None and self.stop is None

    def chapters_of(self, chapters: Iterable[Chapter]) -> tuple[Chapter, ...]:
        """Those that are not over before it, nor begin after it."""
        return chapters_in(chapters, self.start, self.stop)


class TrackTap:
    """Takes the packets of some tracks of a stream out of what goes to the decoder. `damage`: every damaged place that it met."""

    def __init__(self, tracks: Iterable[Track]) -> None:
        self._time_base = {track.number: track.time_base for track in tracks}
        self._waiting: deque[tuple[int, Packet]] = deque()
        self._behind = -1  # number of the last frame that came by
        self._gops: set[int] = set()
        self.damage: list[Damage] = []

    def through(
        self, items: Iterable[Packet | Damage], gop: int | None
    ) -> Iterator[Packet | Damage]:
        """The items of this GOP (None = of all), without these packets; a GOP that is played again gives none."""
        is_known = gop in self._gops
        if gop is not None:
            self._gops.add(gop)
        for item in items:
            if isinstance(item, Damage):
                self.damage += [] if is_known else [item]
            elif item.type in (PacketType.AUDIO, PacketType.SUBTITLE):
                if not is_known:
                    self.add(item)
                continue
            elif item.type == PacketType.FRAME:
                self._behind = item.frame
            yield item

    def add(self, packet: Packet) -> None:
        if packet.track in self._time_base:
            self._waiting.append((self._behind, packet))

    def taken(
        self, start: Fraction | None, stop: Fraction | None, before: float = math.inf
    ) -> Iterator[TrackPacket]:
        """Those that came by since the last time, and lie before the frame with number `before`: sound that begins in [start, stop),
        subtitles that are shown in it."""
        while self._waiting and self._waiting[0][0] < before:
            _, packet = self._waiting.popleft()
            time_base = self._time_base[packet.track]
            begin = end = packet.pts * time_base
            if packet.type == PacketType.SUBTITLE:
                end += packet.duration * time_base
            is_late_enough = start is None or begin >= start or end > start
            if is_late_enough and (stop is None or begin < stop):
                yield unpack_track_packet(packet)


def played(
    frames: Iterable[Frame], tap: TrackTap, keep: Callable[[Frame], bool], stretch: Stretch
) -> Iterator[Frame | TrackPacket]:
    """The frames that `keep` takes, and among them what the tap has taken of their GOPs, in the order in which they lie in the stream."""
    taken = 0
    end: Fraction | None = None
    for frame in frames:
        if taken == stretch.max_frames:
            break
        yield from tap.taken(stretch.start, stretch.stop, frame.index)
        if keep(frame):
            taken += 1
            end = (frame.pts + frame.duration) * frame.time_base
            yield frame
    is_cut = stretch.stop is not None or taken == stretch.max_frames
    yield from tap.taken(stretch.start, end if is_cut else None)


def earlier_subtitles(reader: Reader, index: Index, start: Fraction) -> Iterator[Packet]:
    """The subtitles of the GOPs before the one that is shown at `start`, as far back as they may still be shown then."""
    if not reader.header.subtitle_tracks or not index.entries:
        return
    time_base = reader.header.video.time_base
    first = index.at_pts(start // time_base)
    since = index.at_pts((start - _BACK_SECONDS) // time_base)
    for entry in index.entries:
        if since.gop <= entry.gop < first.gop:
            found = [
                item
                for item in reader.headers(entry)
                if isinstance(item, PacketHeader) and item.type == PacketType.SUBTITLE
            ]
            yield from map(reader.load, found)
