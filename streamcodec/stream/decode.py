"""A whole stream back to a video file."""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol, Unpack

from streamcodec.checks import check_path, check_range
from streamcodec.container import Damage, Header, Index, Loss, Losses, describe_losses
from streamcodec.errors import SourceError
from streamcodec.files import ByteSource
from streamcodec.remote import is_url
from streamcodec.stream.options import OpenSettings
from streamcodec.stream.reading.frames import Frame
from streamcodec.stream.reading.opening import hinting
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.stream.tracks.played import TrackTap
from streamcodec.stream.video import Video, open
from streamcodec.tracks import Carry, Track, TrackPacket, check_carry
from streamcodec.types import RawFrame
from streamcodec.video import VideoWriter, keeps_tracks, storable_time_base, stores_lengths

__all__ = ["DecodeReport", "decode", "write_played"]

_MICROSECOND = Fraction(1, 10**6)


@dataclass(frozen=True)
class DecodeReport:
    """What was decoded. `seconds` is wall time. `lost`: frames of the stream that are lost to damage; `concealed`: how many of `frames`
    stand in the place of lost ones. `damage`: a sentence on what is lost, None = nothing. `notes`: what of the stream has no place in the
    output, in words.
    """

    frames: int
    width: int
    height: int
    seconds: float
    lost: tuple[Loss, ...] = ()
    concealed: int = 0
    damage: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def fps(self) -> float:
        """Frames decoded per second of wall time."""
        return self.frames / self.seconds


def decode(
    source: ByteSource,
    out: str | os.PathLike[str],
    *,
    codec: str | None = None,
    crf: float | None = None,
    codec_options: dict[str, str] | None = None,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    max_frames: int | None = None,
    audio: Carry = "copy",
    subtitles: Carry = "copy",
    keep_offset: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    **settings: Unpack[OpenSettings],
) -> DecodeReport:
    """Decode an .ssf stream into a video. The planes of a 4:2:0 stream become the video's without a conversion.

    `source` and `settings`: as for `streamcodec.open`. `out`: an mp4, mkv, mov or webm file, a .y4m file,
    a folder for PNG pictures, or "-" for y4m on standard output. `codec`, `crf`, `codec_options`: FFmpeg's encoder (default H.264), its
    quality (lower is better) and further options of that encoder.
    `start_seconds`, `duration_seconds` and `max_frames` choose a range. `progress`: as for `streamcodec.encode`.
    `audio`, `subtitles`: "copy" puts the stream's tracks into the video, packet by packet, at their times; "none" leaves them out. Pictures
    and y4m have no room for them, which the report notes.
    A video file begins at 0 with its first frame, or with sound that is heard before it; with `keep_offset` the first frame stands where it
    does in the stream's clock, which is that of the source. Subtitles and chapters that began before the file begin with it. Times are
    kept exactly where the file can store them: MP4 and MOV cannot have pauses of 2^31 ticks, so a stream that has them gets coarser ticks
    there, which the report notes if it rounds any time.

    Raises OutputError, also if that kind of video cannot hold a track (and says which can), UsageError, SourceError, CorruptStreamError or
    UnsupportedStreamError; then nothing is left at `out`.
    """
    check_path("output", out)
    check_range(start_seconds, duration_seconds, max_frames)
    on_damage = settings.get("on_damage", "raise")
    whole = not start_seconds and duration_seconds is None
    if (
        on_damage == "skip" and not whole
    ):  # what is lost of a range is told by what would stand there
        settings = {**settings, "on_damage": "conceal"}
    with hinting(on_damage), open(source, **settings) as video:
        started = time.monotonic()
        shown = replace(video.header.video, width=video.size[1], height=video.size[0])
        waits = settings.get("follow", False) or _is_pipe(source)
        expected = _expected(source, video, max_frames, waits=waits) if whole else None
        tally = _Tally(keeps_concealed=on_damage != "skip", whole=whole)
        tracks, notes = _tracks(out, video.header, audio, subtitles)
        tap = TrackTap(tracks)
        time_base, rounded = _ticks(out, video, waits=waits)
        stretch = video.stretch(start_seconds, duration_seconds, max_frames)
        selected = video.played(stretch, tap, tally.keeps)
        writer = VideoWriter(
            out,
            shown,
            frame_format=video.header.frame_format,
            codec=codec,
            crf=crf,
            options=codec_options,
            metadata=dict(video.header.metadata),
            tracks=tracks,
            chapters=stretch.chapters_of(video.header.chapters),
            overwrite=overwrite,
            keep_offset=keep_offset,
            time_base=time_base,
        )
        with writer, overlapped(selected) as items:
            done = write_played(video, items, writer, expected, progress)
        lost = () if on_damage == "raise" else tally.lost(video.index, done == max_frames)
        damage = tap.damage
        if on_damage == "conceal" and whole:  # which goes by GOPs, and not behind them
            damage = damage or list(video.index.damage)
        return DecodeReport(
            done,
            video.size[1],
            video.size[0],
            time.monotonic() - started,
            lost,
            tally.concealed,
            describe_losses(lost, video.index.frame_count) if lost else _other_damage(damage),
            notes + rounded + writer.notes,
        )


class PlayedSink(Protocol):
    """Where what is played goes."""

    def write(self, frame: RawFrame) -> None: ...
    def write_packet(self, packet: TrackPacket) -> None: ...


def write_played(
    video: Video,
    items: Iterable[Frame | TrackPacket],
    writer: PlayedSink,
    expected: int | None,
    progress: Progress | None,
) -> int:
    """The number of frames. Packets that come before the first frame, as subtitles may, are written behind it."""
    done = 0
    early: list[TrackPacket] = []
    for item in items:
        if isinstance(item, TrackPacket):
            early.append(item) if done == 0 else writer.write_packet(item)
            continue
        writer.write(RawFrame(item.planes, item.pts, item.duration))
        while early:
            writer.write_packet(early.pop(0))
        done += 1
        if progress is not None:
            progress(done, expected)
    if done == 0:
        lasts = video.metadata.duration_seconds
        raise SourceError(
            f"no frame lies in the range that was asked for; the stream lasts {lasts:.3f} s"
        )
    return done


def _tracks(
    out: str | os.PathLike[str], header: Header, audio: Carry, subtitles: Carry
) -> tuple[tuple[Track, ...], tuple[str, ...]]:
    """The tracks to copy, and a note if there is no room for them."""
    check_carry("audio", audio)
    check_carry("subtitles", subtitles)
    tracks: tuple[Track, ...] = ()
    if audio == "copy":
        tracks += header.audio_tracks
    if subtitles == "copy":
        tracks += header.subtitle_tracks
    if not tracks or keeps_tracks(out):
        return tracks, ()
    return (), (
        f"{', '.join(map(str, tracks))}: not kept, y4m and pictures have no room for tracks",
    )


def _ticks(
    out: str | os.PathLike[str], video: Video, *, waits: bool
) -> tuple[Fraction, tuple[str, ...]]:
    """The time base for the file, and a note if it rounds the stream's times. `waits`: they are not known before its end; then ticks below
    a microsecond become that.
    """
    own = video.header.video.time_base
    if not stores_lengths(Path(out)):
        return own, ()
    if waits:
        fitting, exact = max(own, _MICROSECOND), own >= _MICROSECOND
    else:
        entries, end = video.index.entries, video.index.end_pts
        fitting, exact = storable_time_base(own, [(0, end - entries[0].pts if entries else 0)])
        if fitting != own:  # for a single pause; most streams have none
            fitting, exact = storable_time_base(own, video.times())
    if exact:
        return fitting, ()
    kind = Path(out).suffix
    return fitting, (
        f"times are rounded to {fitting} s: {kind} has no long pauses in ticks of {own} s",
    )


def _other_damage(damage: Sequence[Damage]) -> str | None:
    """What to say of damage that cost no frame."""
    if not damage:
        return None
    for place in damage:
        if place.ends_early:
            return f"the stream ends early, and how much followed is not known ({place.reason})"
    places = len(damage)
    where = "one place is" if places == 1 else f"{places} places are"
    return f"{where} damaged: no frame is known to be lost, sound and subtitles may be ({damage[0].reason})"


class _Tally:
    """Notes which frames are lost, as frames go by. `whole`: they are those of the whole stream."""

    def __init__(self, *, keeps_concealed: bool, whole: bool) -> None:
        self._keeps, self._whole = keeps_concealed, whole
        self._losses = Losses() if whole else None
        self._behind = 0
        self.concealed = 0

    def keeps(self, frame: Frame) -> bool:
        """Note the next frame, and tell whether it is wanted."""
        if self._losses is None:
            self._losses = Losses(frame.index)
        self._behind = frame.index + 1
        if not frame.concealed:
            self._losses.found(frame.index)
        elif not self._keeps:
            return False
        self.concealed += frame.concealed
        return True

    def lost(self, index: Index, stopped_early: bool) -> tuple[Loss, ...]:
        if self._losses is None:
            return ()
        at_end = self._whole and not stopped_early
        self._losses.ends(index.frame_count if at_end else self._behind)
        return self._losses.named(index)


def _expected(
    source: ByteSource, video: Video, max_frames: int | None, *, waits: bool
) -> int | None:
    """How many frames will come. What would have to end first is not asked."""
    if waits or not isinstance(source, (str, os.PathLike)):
        return max_frames
    return min(len(video), max_frames or len(video))


def _is_pipe(source: ByteSource) -> bool:
    """Whether a name stands for what cannot be read from its end first."""
    if not isinstance(source, (str, os.PathLike)):
        return False
    return not (is_url(os.fspath(source)) or Path(source).is_file())
