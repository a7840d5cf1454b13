"""A source's video track -> decoded frames with their times, from any tick on; damage is met as the caller wants it."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from functools import partial
from itertools import chain, islice
from typing import Any

import av
from av.packet import Packet
from av.video.stream import VideoStream

from streamcodec.errors import SourceError
from streamcodec.text import counted
from streamcodec.types import OnError
from streamcodec.video.describe import nominal_rate
from streamcodec.video.source import OpenSource, Tap
from streamcodec.video.times.order import FrameOrder
from streamcodec.video.times.timeline import Timeline
from streamcodec.video.tracks.read import QueuedTracks
from streamcodec.video.truncation import find_truncation

__all__ = ["Stamped", "TrackDecoder"]

Stamped = tuple[av.VideoFrame, int]
"""A frame and its time in ticks."""

_STEP_BACK_SECONDS = 10
_BEGINS_BETWEEN = "it begins between key frames: what comes before the first of them is not shown"
_GREY_WITHOUT_KEY = ("mpeg4", "msmpeg4v2", "msmpeg4", "h263", "flv", "wmv1", "wmv2")
"""Decoders of FFmpeg's that make up a grey picture where the one before is missing, and say nothing."""
_PARTS_WITHOUT_TIMES = {"mpeg": 1}
"""In a program stream, the first part behind a seek may give its time to the end of a picture whose beginning was not read."""
_DURATIONS = 64  # packets whose frames may not be out yet


class _DamageSeenError(Exception):
    """Something is wrong, and several threads are at work."""


class TrackDecoder:
    """Decodes one track. `damage` tells the last damage that was met; None = none so far.

    One thread decodes, so that every machine gives the same frames: which ones are lost beside a damaged one depends on how many threads
    there are. More that are asked for decode up to the first sign of damage; there the source is opened again and one goes on. HEVC, where
    FFmpeg does not report all damage, and what cannot be opened again are left to one. `queued`: takes the packets of other tracks that
    come by. `looks_ahead`: frames may wait for those behind them, which tell whether their times are right.
    """

    def __init__(
        self,
        source: OpenSource,
        time_base: Fraction,
        on_error: OnError,
        threads: int | None,
        queued: QueuedTracks | None = None,
        *,
        looks_ahead: bool = True,
    ) -> None:
        self._looks_ahead = looks_ahead
        self._queued = queued
        self._source, self._time_base, self._on_error = source, time_base, on_error
        may_use_more = source.can_open_again and source.stream.codec_context.name != "hevc"
        self._threads = threads if threads and may_use_more else 1
        self.damage: str | None = None
        self._begin()

    def _begin(self) -> None:
        stream = self._source.stream
        if not stream.codec_context.is_open:
            stream.thread_type, stream.thread_count = "AUTO", self._threads
        self._timeline = Timeline(self._time_base, nominal_rate(stream))
        self._order = FrameOrder()
        self._durations: deque[int] = deque(maxlen=_DURATIONS)
        self._decoded = self._end = self._told_end = self._end_byte = 0
        self._is_settling = self._begins_between = False
        self.damage = None

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was wrong with the times so far, or missing before the first frame, in words."""
        missing = (_BEGINS_BETWEEN,) if self._begins_between else ()
        return missing + self._timeline.repairs

    def frames(self) -> Iterator[Stamped]:
        """Every frame from the beginning."""
        return self._surely(self._frames)

    def frames_from(self, tick: int) -> Iterator[Stamped]:
        """Every frame at `tick` or later: by seeking, farther back if that lands behind it, or from the beginning if it cannot be done."""
        return self._surely(partial(self._sought, tick))

    def _surely(self, begin: Callable[[], Iterator[Stamped]]) -> Iterator[Stamped]:
        given = 0
        if self._threads != 1:
            try:
                for stamped in begin():
                    given += 1
                    yield stamped
                return
            except _DamageSeenError:
                self._threads = 1
                self._source.open_again()
        yield from islice(begin(), given, None)

    def _sought(self, tick: int) -> Iterator[Stamped]:
        back = round(_STEP_BACK_SECONDS / self._time_base)
        first_tick = min(self._source.stream.start_time or 0, 0) - back
        frames = self._frames()
        for target in (tick, tick - back, first_tick):
            if not self._seek(target):
                break
            frames = self._frames(in_the_middle=target != first_tick)
            first = next(frames, None)
            if first is not None:
                frames = chain([first], frames)
                if first[0].pts is not None and first[1] <= tick:
                    break
        yield from (stamped for stamped in frames if stamped[1] >= tick)

    def _seek(self, tick: int) -> bool:
        try:
            self._source.container.seek(tick, stream=self._source.stream)
        except (av.error.FFmpegError, OSError):
            return False
        if self._queued is not None:
            self._queued.clear()
        return True

    def _frames(self, *, in_the_middle: bool = False) -> Iterator[Stamped]:
        """Every frame from here on; `in_the_middle`, from the first picture on that decodes without those before it."""
        self._begin()
        self._is_settling = in_the_middle
        yield from self._stamped(self._sound_frames())
        if self.damage is None and self._decoded:
            cut_off = find_truncation(
                self._source, float(self._told_end * self._time_base), self._end_byte
            )
            self.damage = cut_off and f"it is cut off: {cut_off}"
        if self.damage and not self._decoded and _goes_back(self._source):
            raise SourceError(
                f"{self._source.name} is an MP4 with its index at the end, and a pipe cannot go back; give the file itself, "
                "or write it with FFmpeg's -movflags +faststart, or as Matroska"
            )
        if self.damage and self._on_error == "raise":
            where = (
                f"{counted(self._decoded, 'frame')} ({float(self._end * self._time_base):.2f} s)"
            )
            raise SourceError(
                f"{self._source.name} is damaged after {where}: {self.damage}. "
                "--on-error stop (on_error='stop') takes what comes before, --on-error skip goes on behind it"
            )

    def last_duration(self, frame: av.VideoFrame, stamp: int) -> int:
        """The duration in ticks of the last frame. MP4 knows it by the length of the track only, where frames are stored out of order."""
        stream = self._source.stream
        has_length = "mp4" in self._source.container.format.name and self.damage is None
        if has_length and stream.duration and not self._timeline.repairs:
            rest = (stream.start_time or 0) + stream.duration - stamp
            if rest > 0:
                return rest
        return self.usual_duration(frame)

    def usual_duration(self, frame: av.VideoFrame) -> int:
        """The duration of a frame in ticks, as far as it is known without the next one."""
        return frame.duration or self._timeline.nominal_step

    def _sound_frames(self) -> Iterator[av.VideoFrame]:
        """In order of display. A frame before the picture that decoding began with is predicted from what was not read."""
        first_pts, is_searching = None, self._is_settling
        parts_left = _PARTS_WITHOUT_TIMES.get(self._source.container.format.name, -1)
        is_first = not is_searching
        for packet in self._packets():
            if is_first and packet.size:
                is_first, self._is_settling = False, not packet.is_keyframe
                codec = self._source.stream.codec_context.name
                is_searching = self._is_settling and codec in _GREY_WITHOUT_KEY
                self._begins_between = is_searching
            if is_searching and packet.size:
                parts_left -= packet.pos is not None
                if parts_left >= 0 or not packet.is_keyframe:
                    continue
                is_searching, first_pts = False, packet.pts
            self._decode(packet)
            yield from _not_before(first_pts, self._order.ready())
            if self._is_over():
                break
        self._drain()
        if self._threads != 1 and self._order.has_lost:
            raise _DamageSeenError
        yield from _not_before(first_pts, self._order.ready(all_out=True))

    def _packets(self) -> "Iterator[Packet[VideoStream]]":
        stream = self._source.stream
        others = () if self._queued is None else self._queued.streams
        packets: Iterator[Packet[Any]] = self._source.container.demux(stream, *others)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError, SourceError) as error:
                self._is_settling = False
                reason = getattr(error, "strerror", None) or error
                self._fail(f"it cannot be read any further ({reason})", None)
                return
            if packet is None:
                return
            if self._queued is not None and packet.stream.index != stream.index:
                self._queued.add(packet)
                continue
            if packet.has_sidedata("encryption_info"):
                raise SourceError(
                    f"{self._source.name} is encrypted; accepted: what can be read without a key; decrypt it first"
                )
            if packet.pos is not None:
                self._end_byte = packet.pos + packet.size
            yield packet

    def _decode(self, packet: "Packet[VideoStream]") -> None:
        if packet.size:
            self._order.enter(packet.pts)
            self._timeline.add_packet(packet.pts, packet.dts)
            self._durations.append(packet.duration or 0)
        if packet.is_corrupt:
            self._note("a packet is damaged, cut off or missing", packet.pts)
            if self._is_over():
                return
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, OSError) as error:
            self._fail(f"a frame cannot be decoded ({error.strerror or error})", packet.pts)
            return
        self._take(frames)

    def _take(self, frames: list[av.VideoFrame]) -> None:
        for frame in frames:
            if frame.is_corrupt:
                self._fail("a frame is damaged", frame.pts)
            else:
                self._is_settling = False
                self._order.leave(frame)

    def _drain(self) -> None:
        """What the decoder still holds of the packets before the damage, if its end was not reached."""
        with suppress(av.error.FFmpegError, OSError):
            self._take(self._source.stream.decode(None))

    def _fail(self, damage: str, pts: int | None) -> None:
        """The frame of this time is lost, of an unknown time if that is None."""
        self._note(damage, pts)
        self._order.drop(pts)

    def _note(self, damage: str, pts: int | None) -> None:
        if self._is_settling:
            self._begins_between = True
            return
        if self._threads != 1:
            raise _DamageSeenError
        if self.damage is None or self._on_error == "skip":
            self.damage = damage
            if self._on_error != "skip":
                self._order.stop_before(pts)

    def _stamped(self, frames: Iterator[av.VideoFrame]) -> Iterator[Stamped]:
        behind: deque[av.VideoFrame] = deque()
        while (frame := behind.popleft() if behind else next(frames, None)) is not None:
            wanted = self._timeline.frames_wanted(frame.pts) if self._looks_ahead else 0
            behind.extend(islice(frames, max(0, wanted - len(behind))))
            stamp = self._timeline.stamp(
                frame.pts, [later.pts for later in behind], max(self._durations, default=0)
            )
            lasts = frame.duration or self._timeline.nominal_step
            self._end = stamp + lasts
            told = stamp if frame.pts is None else frame.pts
            self._told_end = max(self._told_end, self._end, told + lasts)
            self._decoded += 1
            yield frame, stamp

    def _is_over(self) -> bool:
        return self.damage is not None and self._on_error != "skip"


def _not_before(first_pts: int | None, frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    return (
        frame
        for frame in frames
        if first_pts is None or frame.pts is None or frame.pts >= first_pts
    )


def _goes_back(source: OpenSource) -> bool:
    """Whether it is a pipe, and FFmpeg would have to read its end first."""
    return isinstance(source.file, Tap) and source.file.has_index_behind
