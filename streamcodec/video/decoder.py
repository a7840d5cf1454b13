"""A container's video stream -> decoded frames with their times, from any tick on; damage is met as the caller wants it."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from streamcodec.errors import SourceError
from streamcodec.video.describe import nominal_rate
from streamcodec.video.source import find_truncation
from streamcodec.video.timeline import Timeline

__all__ = ["Decoder", "OnError", "Stamped"]

OnError = Literal["raise", "stop", "skip"]
"""What to do at damage: raise SourceError; end there as if the source did; or leave out what cannot be decoded and go on."""

Stamped = tuple[av.VideoFrame, int]
"""A frame and its time in ticks."""


class Decoder:
    """Decodes one stream. `damage` tells the last damage that was met; None = none so far."""

    def __init__(self, name: str, container: InputContainer, stream: VideoStream, time_base: Fraction, on_error: OnError) -> None:
        self._name, self._container, self._stream = name, container, stream
        self._time_base, self._on_error = time_base, on_error
        self._decoded = 0
        self.damage: str | None = None
        self.nominal_step = Timeline(time_base, nominal_rate(stream)).nominal_step

    def frames_from(self, tick: int) -> Iterator[Stamped]:
        """Every frame at `tick` or later: by seeking, or from the beginning if seeking lands behind it or cannot be done."""
        frames = self.frames()
        if self._seek(tick):
            first = next(frames, None)
            if first is None or first[1] > tick:
                self._seek(self._stream.start_time or 0)
                frames = self.frames()
            elif first[1] == tick:
                yield first
        yield from (stamped for stamped in frames if stamped[1] >= tick)

    def frames(self) -> Iterator[Stamped]:
        """Every frame from here on."""
        timeline = Timeline(self._time_base, nominal_rate(self._stream))
        self._decoded, end = 0, 0
        for packet in self._packets():
            timeline.add_packet(packet.pts, packet.dts)
            for frame in self._decode(packet):
                stamp = timeline.stamp(frame.pts)
                end = stamp + (frame.duration or self.nominal_step)
                self._decoded += 1
                yield frame, stamp
        if self._decoded and not self._is_stopped():
            cut_off = find_truncation(self._container, self._stream, float(end * self._time_base))
            if cut_off:
                self._meet(f"it is cut off: {cut_off}")

    def last_duration(self, frame: av.VideoFrame, stamp: int) -> int:
        """The duration in ticks of the last frame. MP4 knows it by the length of the track only, where frames are stored out of order."""
        length = self._stream.duration
        if "mp4" in self._container.format.name and length and self.damage is None:
            rest = (self._stream.start_time or 0) + length - stamp
            if rest > 0:
                return rest
        return frame.duration or self.nominal_step

    def _seek(self, tick: int) -> bool:
        try:
            self._container.seek(tick, stream=self._stream)
        except (av.error.FFmpegError, OSError):
            return False
        return True

    def _packets(self) -> "Iterator[Packet[VideoStream]]":
        packets = self._container.demux(self._stream)
        while not self._is_stopped():
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                self._meet(f"it cannot be read any further ({error.strerror or error})")
                return
            if packet is None:
                return
            if packet.is_corrupt:
                self._meet("a packet is damaged or cut off")
            yield packet

    def _decode(self, packet: "Packet[VideoStream]") -> list[av.VideoFrame]:
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, OSError) as error:
            self._meet(f"a frame cannot be decoded ({error.strerror or error})")
            return []
        sound = [frame for frame in frames if not frame.is_corrupt]
        if len(sound) < len(frames):
            self._meet("a frame is damaged")
        return sound

    def _meet(self, what: str) -> None:
        place = f"after {self._decoded} frames" if self._decoded else "at its beginning"
        self.damage = f"{self._name} is damaged {place}: {what}"
        if self._on_error == "raise":
            raise SourceError(f"{self.damage}. on_error='stop' takes what comes before, 'skip' goes on behind it")

    def _is_stopped(self) -> bool:
        return self.damage is not None and self._on_error == "stop"
