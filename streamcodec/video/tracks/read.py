"""Packets of the tracks of a source, each track in its own order, as they are wanted."""

import struct
from collections import deque
from fractions import Fraction
from threading import Lock
from typing import Any, Literal, Protocol

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from streamcodec.errors import SourceError
from streamcodec.tracks import Carry, Track, TrackPacket
from streamcodec.types import OnError
from streamcodec.video.describe import span
from streamcodec.video.source import Source, choose_track, open_container, reading, source_name
from streamcodec.video.tracks.find import Found, find_tracks

__all__ = ["FileTracks", "NoTracks", "QueuedTracks", "TrackSource", "open_tracks"]

MAX_QUEUED_BYTES = 1 << 26
_BACK_SECONDS = 30  # a subtitle that began so long before may still be shown
_DISCARD: Any = getattr(av.stream, "Discard", None)  # from PyAV 18 on
_TRIM = struct.Struct("<IIBB")  # AV_PKT_DATA_SKIP_SAMPLES


class TrackSource(Protocol):
    """Hands out the packets of `tracks`; each track rises in time, as far as its source does."""

    tracks: tuple[Track, ...]

    @property
    def damage(self) -> str | None:
        """What ended a track early, None = nothing did."""

    def peek(self, track: int) -> TrackPacket | None:
        """The next packet of the track at this position of `tracks`; None = there is none now."""

    def pop(self, track: int) -> None:
        """Go on behind it."""

    def close(self) -> None: ...


def open_tracks(
    source: Source,
    *,
    audio: Carry,
    subtitles: Carry,
    start_seconds: float = 0.0,
    video_track: int | None = None,
    on_error: OnError = "raise",
) -> TrackSource:
    """The tracks of an ordinary file, without its pictures, as a VideoReader of the same arguments has them. Raises SourceError."""
    with open_container(source) as container:
        video = choose_track(container, source_name(source), video_track).stream
        found = find_tracks(container, video, audio=audio, subtitles=subtitles)
        time_base = video.time_base or Fraction(1, 1000)
        first_tick, _ = span(video, time_base, start_seconds, None)
    start = first_tick * time_base if start_seconds else None
    return FileTracks(source, found, start, on_error)


class NoTracks:
    """A source without any."""

    tracks: tuple[Track, ...] = ()
    damage: str | None = None

    def peek(self, track: int) -> TrackPacket | None:
        raise IndexError(track)

    def pop(self, track: int) -> None:
        raise IndexError(track)

    def close(self) -> None:
        """Nothing is open."""


class FileTracks:
    """Opens an ordinary file once more for every track: memory holds one packet of each, however the file is interleaved.

    `start`: the time, in seconds, from which packets are wanted; some that lie before it come too. Where a track cannot be read any further
    it ends, unless `on_error` is "raise": then that is a SourceError.
    """

    def __init__(
        self, source: Source, found: Found, start: Fraction | None, on_error: OnError = "raise"
    ) -> None:
        self.tracks = found.tracks
        self._readers: list[_TrackReader] = []
        try:
            for track, index in zip(found.tracks, found.indexes, strict=True):
                self._readers.append(_TrackReader(source, track, index, start, on_error))
        except BaseException:
            self.close()
            raise

    @property
    def damage(self) -> str | None:
        return next((reader.damage for reader in self._readers if reader.damage), None)

    def peek(self, track: int) -> TrackPacket | None:
        return self._readers[track].next

    def pop(self, track: int) -> None:
        self._readers[track].advance()

    def close(self) -> None:
        for reader in self._readers:
            reader.close()


class QueuedTracks:
    """Packets that come beside those of the video, from a source that can be read only once.

    Raises SourceError where more than MAX_QUEUED_BYTES of them come before the pictures that they belong to.
    """

    def __init__(self, container: InputContainer, found: Found, name: str) -> None:
        self.tracks = found.tracks
        self.damage: str | None = None  # the reader of the video tells
        self.streams = tuple(container.streams[index] for index in found.indexes)
        self._name = name
        self._queues: tuple[deque[TrackPacket], ...] = tuple(deque() for _ in found.tracks)
        self._position = {index: position for position, index in enumerate(found.indexes)}
        self._clocks = tuple(_Clock(track) for track in found.tracks)
        self._bytes = 0

    def add(self, packet: "Packet[Stream]") -> None:
        position = self._position[packet.stream.index]
        taken = self._clocks[position].take(packet)
        if taken is None:
            return
        self._queues[position].append(taken)
        self._bytes += len(taken.data)
        if self._bytes > MAX_QUEUED_BYTES:
            raise SourceError(
                f"{self._name}: sound comes too far ahead of the pictures ({self._bytes >> 20} MiB); encode it from a file, "
                "or give --audio none"
            )

    def peek(self, track: int) -> TrackPacket | None:
        queue = self._queues[track]
        return queue[0] if queue else None

    def pop(self, track: int) -> None:
        self._bytes -= len(self._queues[track].popleft().data)

    def clear(self) -> None:
        """Forget what is waiting: the source is read from another place on."""
        for queue in self._queues:
            queue.clear()
        self._bytes = 0

    def close(self) -> None:
        """The reader of the video closes the container."""


class _TrackReader:
    """One track of a file of its own."""

    def __init__(
        self, source: Source, track: Track, index: int, start: Fraction | None, on_error: OnError
    ) -> None:
        self._name = source_name(source)
        self._track, self._on_error = track, on_error
        self.damage: str | None = None
        self._clock = _Clock(track)
        self._reading, self._closed = Lock(), False
        self._container = _opened_near(source, start)
        stream = self._container.streams[index]
        for other in self._container.streams:
            if other.index != index and _DISCARD is not None:
                other.discard = _DISCARD.all
        self._packets = self._container.demux(stream)
        self.next: TrackPacket | None = None
        try:
            self.advance()
        except BaseException:
            self.close()
            raise

    def advance(self) -> None:
        self.next = None
        try:
            with self._reading, reading(self._name, f"read {self._track} of"):
                while self.next is None and not self._closed:
                    packet = next(self._packets, None)
                    if packet is None:
                        return
                    self.next = self._clock.take(packet)
        except SourceError as error:
            if self._on_error == "raise":
                raise
            self.damage = str(error)

    def close(self) -> None:
        """Unless another thread is reading at this moment: FFmpeg would read what is gone."""
        if self._reading.acquire(blocking=False):
            self._closed = True
            self._container.close()
            self._reading.release()


def _opened_near(source: Source, start: Fraction | None) -> InputContainer:
    """The container, before `start` where it can be sought, or else at its beginning."""
    container = open_container(source)
    target = 0 if start is None else int((start - _BACK_SECONDS) * av.time_base)
    if target <= 0:
        return container
    try:
        container.seek(target)
    except (av.error.FFmpegError, OSError):
        container.close()
        return open_container(source)
    return container


class _Clock:
    """Gives every packet of a track a time: its own, or else the end of the one before."""

    def __init__(self, track: Track) -> None:
        self._number = track.number
        self._following = 0

    def take(self, packet: "Packet[Stream]") -> TrackPacket | None:
        """The packet with its time; None for what FFmpeg puts at the end of a track."""
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is None:
            if packet.size == 0:
                return None
            pts = self._following
        duration = max(packet.duration or 0, 0)
        self._following = pts + duration
        return TrackPacket(
            track=self._number,
            pts=pts,
            data=bytes(packet),
            duration=duration,
            key=packet.is_keyframe,
            trim=_trim(packet),
            cue=(_text(packet, "webvtt_identifier"), _text(packet, "webvtt_settings")),
        )


def _trim(packet: "Packet[Stream]") -> tuple[int, int]:
    if not packet.has_sidedata("skip_samples"):
        return 0, 0
    data = bytes(packet.get_sidedata("skip_samples"))
    start, end = _TRIM.unpack(data)[:2] if len(data) == _TRIM.size else (0, 0)
    return int(start), int(end)


def _text(packet: "Packet[Stream]", kind: Literal["webvtt_identifier", "webvtt_settings"]) -> str:
    if not packet.has_sidedata(kind):
        return ""
    return bytes(packet.get_sidedata(kind)).decode(errors="replace")
