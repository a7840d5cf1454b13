"""A container's video stream -> decoded frames with their times, from any tick on; damage is met as the caller wants it."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from streamcodec.errors import SourceError
from streamcodec.types import OnError
from streamcodec.video.describe import nominal_rate
from streamcodec.video.timeline import Timeline
from streamcodec.video.tracks.read import QueuedTracks
from streamcodec.video.truncation import SourceBytes, find_truncation

__all__ = ["Decoder", "Stamped"]

Stamped = tuple[av.VideoFrame, int]
"""A frame and its time in ticks."""

_STEP_BACK_SECONDS = 10


class Decoder:
    """Decodes one stream. `damage` tells the last damage that was met; None = none so far.

    `queued`: takes the packets of other tracks that come by.
    """

    def __init__(
        self,
        name: str,
        source: SourceBytes,
        container: InputContainer,
        stream: VideoStream,
        time_base: Fraction,
        on_error: OnError,
        queued: QueuedTracks | None = None,
    ) -> None:
        self._queued = queued
        self._name, self._source, self._container, self._stream = name, source, container, stream
        self._time_base, self._on_error = time_base, on_error
        self._timeline = Timeline(time_base, nominal_rate(stream))
        self._decoded = self._end = self._end_byte = 0
        self.damage: str | None = None

    def frames_from(self, tick: int) -> Iterator[Stamped]:
        """Every frame at `tick` or later: by seeking, farther back if that lands behind it, or from the beginning if it cannot be done."""
        back = round(_STEP_BACK_SECONDS / self._time_base)
        frames = self.frames()
        for target in (tick, tick - back, min(self._stream.start_time or 0, 0) - back):
            if not self._seek(target):
                break
            frames = self.frames()
            first = next(frames, None)
            if first is not None:
                frames = chain([first], frames)
                if first[0].pts is not None and first[1] <= tick:
                    break
        yield from (stamped for stamped in frames if stamped[1] >= tick)

    def frames(self) -> Iterator[Stamped]:
        """Every frame from here on."""
        self._timeline = Timeline(self._time_base, nominal_rate(self._stream))
        self._decoded = 0
        self.damage = None
        for packet in self._packets():
            self._timeline.add_packet(packet.pts, packet.dts)
            yield from map(self._stamped, self._decode(packet))
        if self._is_over():
            yield from map(self._stamped, self._drain())
        elif self._decoded:
            cut_off = find_truncation(
                self._source,
                self._container,
                self._stream,
                float(self._end * self._time_base),
                self._end_byte,
            )
            if cut_off:
                self.damage = f"it is cut off: {cut_off}"
        if self.damage and self._on_error == "raise":
            raise SourceError(
                f"{self._name} is damaged after {self._decoded} frames ({float(self._end * self._time_base):.2f} s): {self.damage}. "
                "on_error='stop' takes what comes before, 'skip' goes on behind it"
            )

    def last_duration(self, frame: av.VideoFrame, stamp: int) -> int:
        """The duration in ticks of the last frame. MP4 knows it by the length of the track only, where frames are stored out of order."""
        length = self._stream.duration
        if "mp4" in self._container.format.name and length and self.damage is None:
            rest = (self._stream.start_time or 0) + length - stamp
            if rest > 0:
                return rest
        return frame.duration or self._timeline.nominal_step

    def _seek(self, tick: int) -> bool:
        try:
            self._container.seek(tick, stream=self._stream)
        except (av.error.FFmpegError, OSError):
            return False
        if self._queued is not None:
            self._queued.clear()
        return True

    def _packets(self) -> "Iterator[Packet[VideoStream]]":
        others = () if self._queued is None else self._queued.streams
        packets: Iterator[Packet[Any]] = self._container.demux(self._stream, *others)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                self.damage = f"it cannot be read any further ({error.strerror or error})"
                return
            if packet is None:
                return
            if self._queued is not None and packet.stream.index != self._stream.index:
                self._queued.add(packet)
                continue
            if packet.has_sidedata("encryption_info"):
                raise SourceError(
                    f"{self._name} is encrypted; accepted: what can be read without a key; decrypt it first"
                )
            if packet.pos is not None:
                self._end_byte = packet.pos + packet.size
            if packet.is_corrupt:
                self.damage = "a packet is damaged, cut off or missing"
            if not self._is_over():
                yield packet
            if self._is_over():
                return

    def _decode(self, packet: "Packet[VideoStream]") -> list[av.VideoFrame]:
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, OSError) as error:
            self.damage = f"a frame cannot be decoded ({error.strerror or error})"
            return []
        sound = [frame for frame in frames if not frame.is_corrupt]
        if len(sound) < len(frames):
            self.damage = "a frame is damaged"
        return sound

    def _drain(self) -> list[av.VideoFrame]:
        """What the decoder still holds of the packets before the damage."""
        try:
            return [frame for frame in self._stream.decode(None) if not frame.is_corrupt]
        except (av.error.FFmpegError, OSError):
            return []

    def _stamped(self, frame: av.VideoFrame) -> Stamped:
        stamp = self._timeline.stamp(frame.pts)
        self._end = stamp + (frame.duration or self._timeline.nominal_step)
        self._decoded += 1
        return frame, stamp

    def _is_over(self) -> bool:
        return self.damage is not None and self._on_error != "skip"
