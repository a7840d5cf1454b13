"""Packets of sound and subtitles into a video file, untouched."""

import io
import math
import struct
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import OutputContainer
from av.packet import Packet, PacketSideData
from av.stream import Stream
from av.video.stream import VideoStream

from streamcodec.errors import OutputError
from streamcodec.tracks import AudioTrack, Chapter, Track, TrackPacket
from streamcodec.video.encoders import CONTAINERS
from streamcodec.video.tracks.codecs import template

if TYPE_CHECKING:
    from av.container.core import Chapter as AvChapter

__all__ = ["TrackMuxer", "check_tracks", "common_ticks"]

MAX_TICKS = 10**6  # more than an hour of them has 32 bits
_WAIT_SECONDS = 2
_ROUNDING = Fraction(1, 1000)  # seconds: Matroska rounds times to them, but not trims
_STORES_PADDING = ("matroska", "webm")
"""Muxers that store the encoder's delay of a track; the others know it by times below 0."""
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_SIDE_DATA = {"skip_samples": 11, "webvtt_identifier": 16, "webvtt_settings": 17}
"""AVPacketSideDataType, which PyAV makes no names of for us."""


class TrackMuxer:
    """Adds `tracks` and `chapters` to a container that has its video already. `shift`: seconds to add to all times but those of the video.

    With `begins_at_zero`, sound that is heard before the first frame begins at 0, and all else moves with it. Subtitles and chapters that
    began before 0 begin there, and those that are over by then are left out.
    The head of a file tells how much of a track is the encoder's delay, and the first packet is the first to know it. So what comes is kept
    until there is one of every audio track, or two seconds of video have passed, and then written.
    """

    def __init__(
        self,
        container: OutputContainer,
        name: Path,
        tracks: Sequence[Track],
        chapters: Sequence[Chapter],
        *,
        begins_at_zero: bool = False,
    ) -> None:
        self.shift = Fraction(0)
        self._begins_at_zero = begins_at_zero
        self._lead = Fraction(0)  # seconds by which everything moves for sound before the video
        self._container, self._name = container, name
        self._tracks = {track.number: track for track in tracks}
        self._chapters = chapters
        self._streams: dict[int, Stream] = {}
        self._last: dict[int, int] = {}
        self._waiting: list[Packet[VideoStream] | TrackPacket] = []
        self._unheard = {track.number for track in tracks if isinstance(track, AudioTrack)}
        self._padding: dict[int, int] = {}
        self._first_seconds: Fraction | None = None
        self._started = False

    def write_video(self, packet: "Packet[VideoStream]") -> None:
        if self._started:
            self._mux_video(packet)
            return
        self._waiting.append(packet)
        seconds = Fraction(packet.pts or 0) * packet.time_base
        if self._first_seconds is None:
            self._first_seconds = seconds
        if not self._unheard or seconds - self._first_seconds > _WAIT_SECONDS:
            self.start()

    def write(self, packet: TrackPacket) -> None:
        if packet.track in self._unheard:
            self._unheard.remove(packet.track)
            self._padding[packet.track] = packet.trim[0]
        if not self._started:
            self._waiting.append(packet)
            return
        self._mux(packet)

    def start(self) -> None:
        """Write the head and all that waits for it."""
        if self._started:
            return
        self._started = True
        for number, track in self._tracks.items():
            self._streams[number] = _add(self._container, track, self._padding.get(number, 0))
        waiting, self._waiting = self._waiting, []
        if self._begins_at_zero:
            self._make_room(waiting)
        moved = [self._moved(at, chapter) for at, chapter in enumerate(self._chapters)]
        moved = [chapter for chapter in moved if chapter["end"] > 0]
        if moved:
            self._container.set_chapters(moved)
        for packet in waiting:
            if isinstance(packet, TrackPacket):
                self._mux(packet)
            else:
                self._mux_video(packet)

    def _make_room(self, waiting: "Sequence[Packet[VideoStream] | TrackPacket]") -> None:
        """Move everything so far that the sound that waits begins at 0 at the earliest, in whole ticks of the video."""
        sound = [packet for packet in waiting if isinstance(packet, TrackPacket)]
        earliest = min((self._heard(packet) for packet in sound), default=Fraction(0))
        ticks = next(
            (each.time_base for each in waiting if not isinstance(each, TrackPacket)), Fraction(1)
        )
        if earliest < -_ROUNDING:
            self._lead = math.ceil(-earliest / ticks) * ticks

    def _heard(self, packet: TrackPacket) -> Fraction:
        """When a packet of sound is heard first, in seconds; 0 for others."""
        track = self._tracks[packet.track]
        if not isinstance(track, AudioTrack):
            return Fraction(0)
        trimmed = Fraction(packet.trim[0], track.sample_rate)
        return packet.pts * track.time_base + self.shift + trimmed

    def _mux_video(self, packet: "Packet[VideoStream]") -> None:
        lead = int(self._lead / packet.time_base)
        if lead and packet.pts is not None and packet.dts is not None:
            packet.pts, packet.dts = packet.pts + lead, packet.dts + lead
        self._container.mux(packet)

    def _mux(self, packet: TrackPacket) -> None:
        track = self._tracks[packet.track]
        pts, duration = (
            packet.pts + round((self.shift + self._lead) / track.time_base),
            packet.duration,
        )
        if isinstance(track, AudioTrack):
            pts = max(pts, self._last.get(packet.track, pts - 1) + 1)
        elif pts < 0:
            if 0 < duration <= -pts:
                return
            pts, duration = 0, max(0, pts + duration)
        self._last[packet.track] = pts
        out: Packet[Stream] = Packet(packet.data)
        out.stream, out.time_base = self._streams[packet.track], track.time_base
        out.pts = out.dts = pts
        out.duration, out.is_keyframe = duration, packet.key
        if packet.trim != (0, 0):
            _attach(out, "skip_samples", struct.pack("<IIBB", *packet.trim, 0, 0))
        for kind, text in zip(("webvtt_identifier", "webvtt_settings"), packet.cue, strict=True):
            if text:
                _attach(out, kind, text.encode())
        self._container.mux(out)

    def _moved(self, number: int, chapter: Chapter) -> "AvChapter":
        shift = round((self.shift + self._lead) / chapter.time_base)
        return {
            "id": number,
            "start": max(0, chapter.start + shift),
            "end": chapter.end + shift,
            "time_base": chapter.time_base,
            "metadata": dict(chapter.tags),
        }


def check_tracks(name: Path, tracks: Sequence[Track]) -> None:
    """Raise OutputError if a video of this name cannot hold one of the tracks."""
    suffix = name.suffix.lower()
    for track in tracks:
        if _fits(track, CONTAINERS[suffix]):
            continue
        others = [
            other for other in (".mp4", ".mov", ".mkv", ".webm") if _fits(track, CONTAINERS[other])
        ]
        kind, option = (
            ("sound", "--audio") if isinstance(track, AudioTrack) else ("subtitles", "--subtitles")
        )
        advice = f"name the output {' or '.join(others)}, or " if others else ""
        raise OutputError(
            f"{name}: a {suffix} file cannot hold {track}; {advice}leave the {kind} out ({option} none)"
        )


def common_ticks(ticks: int, tracks: Sequence[Track]) -> int:
    """Ticks per second in which MP4 stores the start of each track, so fine that the video, of `ticks`, and all tracks start exactly.

    Where that would be too many, the video's own: sound may then be off by one tick.
    """
    rates = [track.sample_rate for track in tracks if isinstance(track, AudioTrack)]
    common = math.lcm(ticks, *rates)
    return common if common <= MAX_TICKS else ticks


def _fits(track: Track, muxer: str) -> bool:
    """Whether the muxer writes a head with this track: some refuse it later than when it is added."""
    container = av.open(io.BytesIO(), "w", format=muxer)
    assert isinstance(container, OutputContainer)
    try:
        _add(container, track, 0)
        container.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    with suppress(av.error.FFmpegError, ValueError):
        container.close()
    return True


def _add(container: OutputContainer, track: Track, padding: int) -> Stream:
    stores = container.format.name in _STORES_PADDING
    with template(track, padding if stores else 0) as made:
        stream = container.add_stream_from_template(made)
    context = stream.codec_context
    context.extradata = track.extradata or None
    if isinstance(track, AudioTrack):
        context.sample_rate = track.sample_rate  # type: ignore[attr-defined]
        context.layout = _layout(track)  # type: ignore[attr-defined]
    stream.time_base = track.time_base
    stream.metadata.update(track.detail.tags)
    if track.language:
        stream.metadata["language"] = track.language
    stream.disposition = track.detail.disposition  # type: ignore[assignment]
    return stream


def _layout(track: AudioTrack) -> str:
    """FFmpeg's usual one where the source tells only how many channels there are."""
    known = track.layout and not track.layout.endswith(" channels")
    return track.layout if known else _LAYOUTS.get(track.channels, track.layout)


def _attach(packet: "Packet[Stream]", kind: str, data: bytes) -> None:
    side_data = PacketSideData(_SIDE_DATA[kind], len(data))  # type: ignore[call-arg]
    side_data.update(data)
    side_data.to_packet(packet)
