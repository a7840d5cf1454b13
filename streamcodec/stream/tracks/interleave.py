"""Where packets of sound and subtitles lie in a stream: behind the frame that is shown when they begin.

The place depends on times alone, so a video that is encoded in parts becomes the same stream as one that is encoded at once.
"""

from collections.abc import Iterator
from fractions import Fraction

from streamcodec.container import Packet
from streamcodec.container.sound import pack_track_packet
from streamcodec.tracks import AudioTrack, Track, TrackPacket
from streamcodec.video import TrackSource

__all__ = ["Interleaver"]


class Interleaver:
    """Deals out the packets of a source between its frames, whose times are in units of `time_base` seconds.

    `cut_start`: what begins before the first frame is left out, but for subtitles that are still shown then, unless this is a later part
    of a stream (`is_later_part`). `cut_end`: what begins after the last frame is left out; `end`: or else at this time.
    """

    def __init__(
        self,
        source: TrackSource,
        time_base: Fraction,
        *,
        cut_start: bool = False,
        cut_end: bool = False,
        is_later_part: bool = False,
        end: int | None = None,
    ) -> None:
        self._source, self._time_base = source, time_base
        self._cut_start, self._cut_end, self._end = cut_start, cut_end, end
        self._is_later_part = is_later_part
        self._begin: int | None = None

    def start(self, pts: int) -> None:
        """The first frame is shown at `pts`."""
        if self._cut_start:
            self._begin = pts

    def before(self, pts: int, gop: int) -> Iterator[Packet]:
        """What lies before the frame that is shown at `pts`, in GOP number `gop`, in order of time."""
        for track, packet in self._until(pts):
            if self._is_wanted(track, packet):
                yield pack_track_packet(packet, track, gop)

    def rest(self, end_pts: int, gop: int) -> Iterator[Packet]:
        """What lies behind the last frame, which is shown until `end_pts`."""
        end = end_pts if self._cut_end else self._end
        for track, packet in self._until(end):
            if self._is_wanted(track, packet):
                yield pack_track_packet(packet, track, gop)

    def _until(self, pts: int | None) -> Iterator[tuple[Track, TrackPacket]]:
        tracks = self._source.tracks
        while True:
            waiting = [
                (packet.pts * track.time_base, at)
                for at, track in enumerate(tracks)
                if (packet := self._source.peek(at)) is not None
            ]
            first = min(waiting, default=None)
            if first is None or (pts is not None and first[0] >= pts * self._time_base):
                return
            packet = self._source.peek(first[1])
            assert packet is not None
            self._source.pop(first[1])
            yield tracks[first[1]], packet

    def _is_wanted(self, track: Track, packet: TrackPacket) -> bool:
        if self._begin is None:
            return True
        is_shown_later = not isinstance(track, AudioTrack) and not self._is_later_part
        end = packet.pts + (packet.duration if is_shown_later else 0)
        begin = self._begin * self._time_base
        return packet.pts * track.time_base >= begin or end * track.time_base > begin
