"""Any video that FFmpeg reads -> RawFrame, one after the other, in bounded memory."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from math import floor
from threading import Lock
from typing import Self, get_args

import av
from av.video.frame import PictureType

from streamcodec.checks import check_count, check_fps, check_hdr, check_range, check_scale
from streamcodec.errors import SourceError, UsageError
from streamcodec.text import counted
from streamcodec.tracks import Carry, chapters_in, check_carry
from streamcodec.types import MAX_SIDE, FrameFormat, Hdr, OnError, Planes, RawFrame
from streamcodec.video.alpha import parse_background
from streamcodec.video.color import effective_matrix
from streamcodec.video.decoder import Stamped, TrackDecoder
from streamcodec.video.describe import describe, estimate_frames, span
from streamcodec.video.hdr.convert import SDR, hdr_converter
from streamcodec.video.pixels import FrameLoader, conversion_notes
from streamcodec.video.scale import Scaler, scaled_format
from streamcodec.video.source import OpenSource, Source, reading
from streamcodec.video.times.constant import at_constant_rate, nearest
from streamcodec.video.tracks.find import Found, find_tracks, own_tags
from streamcodec.video.tracks.read import FileTracks, NoTracks, QueuedTracks, TrackSource
from streamcodec.video.view import view_of

__all__ = ["VideoReader"]

Shown = tuple[av.VideoFrame, int, int]
"""A frame, its time and its duration, in ticks."""

_BEFORE_SECONDS = (
    1  # of a place at a constant rate, from which the frame that stands there is looked for
)

_LETTERS: dict[int, str] = {PictureType.I: "I", PictureType.P: "P", PictureType.B: "B"}


class VideoReader:
    """An iterator over the frames of a video file, a URL, a binary file object (seekable or not) or "-" (standard input, y4m for instance).

    `frame_format`: "rgb" gives (3, H, W), "yuv420" gives Y, U, V; pixel formats other than 8-bit 4:2:0 are converted; alpha is dropped, or
    the frames are laid on `background`, "white", "black" or "#rrggbb". PQ and HLG of more than 8 bits become SDR as `hdr` says.
    `start_seconds` and `duration_seconds` select the frames whose time since the start of the stream is in [start, start + duration).
    `start_pts`, in ticks and instead of `start_seconds`, selects the frames at that time or later. They are those of reading from the
    beginning, unless the source repeats or hides times, or its decoder needs what lies before a key frame: compare them where it matters.
    `video_track`: which of several, from 0 (FFmpeg's v:N); None = the one that players choose, which `notes` tells.
    `scale`: "1280x720", width and height that the stored pictures are scaled to.
    `fps`: "25", "30000/1001" or a number: frames at this constant rate, repeated or left out by their times; `format.time_base` is then
    1 / `fps`, and frames stand at whole ticks, at most half a tick from their own times. `max_frames` counts what is given.
    `low_latency`: give each frame as soon as it is decoded, without a look at those behind it: its duration is then what the source says,
    or one nominal step, and times that do not fit are repaired less well.
    `threads`: of the decoder; None = 1. The frames are the same with more, also beside damage, where one goes on.
    Pictures are given as they are shown, cropped and mirrored as the container asks for, but for turns: see `format.rotation_degrees`.

    Timestamps are the source's own integers, in ticks of `format.time_base`, wherever one starts; `Timeline` says how broken ones are
    repaired. A frame's duration is the time to the next frame; the last one's is what the source says, or else one nominal step.
    `format`, `metadata`, `estimated_frames` and `interlaced` (for information: frames are woven) stand when the constructor returns.
    `damage` tells what was left out with on_error "stop" or "skip", `notes` what was chosen, converted, repaired or is not read, in
    words: 8-bit 4:2:0 samples come as they are where "yuv420" is wanted. With "stop" come the frames that were decoded and are displayed
    before the first damaged one; "skip" leaves out those that the decoder calls damaged.
    `picture_type` is that of the frame that came last: "I", "P", "B", or "" where its decoder does not tell.
    `audio` and `subtitles`: whether to find tracks of these kinds; `tracks` then hands out their packets, in the source's own times, to the
    thread that asks. `chapters` are those of the source that touch the range.

    Raises UsageError for bad arguments and SourceError, here or while iterating, if the source is missing or not a video, has no frames, is
    damaged or cut off, changes its size, has a side above MAX_SIDE, or colours of a matrix that cannot be converted. Of some losses there
    is no sign: in a transport stream FFmpeg conceals a few, a live Matroska stream from a pipe may end anywhere, and so may whatever comes
    from a named pipe or has no index.
    """

    def __init__(
        self,
        source: Source,
        *,
        frame_format: FrameFormat = "rgb",
        start_seconds: float = 0.0,
        start_pts: int | None = None,
        duration_seconds: float | None = None,
        max_frames: int | None = None,
        video_track: int | None = None,
        threads: int | None = None,
        on_error: OnError = "raise",
        audio: Carry = "none",
        subtitles: Carry = "none",
        background: str | None = None,
        hdr: Hdr = "tonemap",
        scale: str | None = None,
        fps: str | float | Fraction | None = None,
        low_latency: bool = False,
    ) -> None:
        self._is_live = low_latency
        self._hdr = check_hdr(hdr)
        self._size = None if scale is None else check_scale(scale)
        self._rate = None if fps is None else check_fps(fps)
        self._background = None if background is None else parse_background(background)
        _check_choice("frame format", frame_format, get_args(FrameFormat))
        _check_choice("on_error", on_error, get_args(OnError))
        check_carry("audio", audio)
        check_carry("subtitles", subtitles)
        check_range(start_seconds, duration_seconds, max_frames)
        if video_track is not None:
            check_count("video track", video_track, "(the first)", at_least=0)
        self._max_frames = max_frames
        self._taken = 0
        self.picture_type = ""
        self._reading = Lock()
        self._failure: SourceError | None = None
        self._converted: tuple[av.VideoFrame, Planes] | None = None  # one that may be repeated
        self._source = OpenSource(source, video_track)
        self._name = self._source.name
        self.tracks: TrackSource = NoTracks()
        try:
            self._open(
                frame_format,
                start_seconds,
                start_pts,
                duration_seconds,
                threads,
                on_error,
                find_tracks(
                    self._source.container, self._source.stream, audio=audio, subtitles=subtitles
                ),
            )
        except BaseException:
            self.tracks.close()
            self._source.close()
            raise

    def _open(
        self,
        frame_format: FrameFormat,
        start: float,
        start_pts: int | None,
        duration: float | None,
        threads: int | None,
        on_error: OnError,
        found: Found,
    ) -> None:
        stream = self._source.stream
        _check_side(self._name, stream.codec_context.width, stream.codec_context.height)
        time_base = stream.time_base or Fraction(1, 1000)
        first_tick, self._end_tick = span(stream, time_base, start, duration)
        self.estimated_frames = estimate_frames(
            self._source.container, stream, start, duration, self._max_frames, self._rate
        )
        self.metadata = own_tags(dict(self._source.container.metadata))
        self.chapters = chapters_in(
            found.chapters,
            first_tick * time_base if start else None,
            None if self._end_tick is None else self._end_tick * time_base,
        )
        self.tracks = _track_source(
            self._source, found, first_tick * time_base if start else None, on_error
        )
        queued = self.tracks if isinstance(self.tracks, QueuedTracks) else None
        self._decoder = TrackDecoder(
            self._source, time_base, on_error, threads, queued, looks_ahead=not self._is_live
        )
        if start_pts is not None:
            tick = start_pts if self._rate is None else _before(start_pts, self._rate, time_base)
            first = self._begin(self._decoder.frames_from(tick), f" from pts {start_pts} on")
        elif start:
            first = self._begin(self._decoder.frames_from(first_tick), f" from {start} s on")
        else:
            first = self._begin(self._decoder.frames(), "")
        self._next: Stamped | None = first
        self._stored_size = first[0].width, first[0].height
        self._view = view_of(first[0], self._source.crop)
        self.format = describe(first[0], self._source.stream, time_base, self._view)
        self._check_matrix()
        hdr = hdr_converter(self._name, first[0].format, self.format.color, self._hdr)
        self.interlaced = bool(first[0].interlaced_frame)
        chosen = () if self._source.note is None else (self._source.note,)
        self._notes = chosen + self._view.notes
        self._notes += conversion_notes(
            first[0].format, frame_format, has_background=self._background is not None
        )
        if stream.metadata.get("alpha_mode") == "1":  # which VP8 and VP9 have beside the picture
            self._notes += ("its alpha channel is not kept: FFmpeg leaves it out",)
        if hdr is not None:
            self.format = replace(self.format, color=SDR)
            self._notes += (hdr.note,)
        self._notes += found.notes
        self._loader = FrameLoader(frame_format, self.format.color, self._background, hdr)
        self._scaler = None if self._size is None else Scaler(self._size)
        if self._size is not None:
            self.format = scaled_format(self.format, self._size)
        self._paced: Iterator[Shown] | None = None
        if self._rate is not None:
            self._paced = self._at_rate(time_base * self._rate, start_pts)
            self.format = replace(self.format, time_base=1 / self._rate, frame_rate=self._rate)

    def _begin(self, frames: Iterator[Stamped], beginning: str) -> Stamped:
        """Take the first frame. `beginning`: where that is, for a message."""
        self._frames = frames
        first = next(frames, None)
        if first is None:
            raise SourceError(f"{self._name} has no frames{beginning}")
        _check_side(self._name, first[0].width, first[0].height)
        return first

    def _check_matrix(self) -> None:
        try:
            effective_matrix(self.format.color, *self._stored_size)
        except UsageError as error:
            raise SourceError(f"{self._name}: {error}") from error

    @property
    def notes(self) -> tuple[str, ...]:
        """What was chosen, converted or repaired so far, in words."""
        return self._notes + self._loader.notes + self._decoder.repairs

    @property
    def damage(self) -> str | None:
        """What was wrong where the source was damaged (the last time), or None."""
        return self._decoder.damage or self.tracks.damage

    def __iter__(self) -> Iterator[RawFrame]:
        return self

    def __next__(self) -> RawFrame:
        frame, pts, duration = self._take()
        self.picture_type = _LETTERS.get(frame.pict_type, "")
        if self._converted is None or self._converted[0] is not frame:
            with reading(self._name, "convert the frames of"):
                planes = self._view.apply(self._loader.load(frame))
                if self._scaler is not None:
                    planes = self._scaler.apply(planes)
            self._converted = None if self._paced is None else (frame, planes)
        else:
            planes = self._converted[1]
        return RawFrame(planes, pts, duration)

    def skip(self, frames: int) -> None:
        """Skip this many frames, or what is left; their pixels are not converted. Raises as iterating does."""
        with suppress(StopIteration):
            for _ in range(frames):
                self._take()

    def _take(self) -> Shown:
        if self._taken == self._max_frames:
            raise StopIteration
        shown = self._take_next() if self._paced is None else next(self._paced)
        self._taken += 1
        return shown

    def _at_rate(self, ticks: Fraction, start_pts: int | None) -> Iterator[Shown]:
        """The frames at a constant rate, one in a tick; a tick of the source lasts `ticks` of these."""
        spans = ((frame, pts, self._end_of(pts + lasts)) for frame, pts, lasts in self._all_next())
        for frame, number in at_constant_rate(spans, lambda tick: nearest(tick * ticks)):
            if start_pts is None or number >= start_pts:
                yield frame, number, 1

    def _all_next(self) -> Iterator[Shown]:
        with suppress(StopIteration):
            while True:
                yield self._take_next()

    def _end_of(self, tick: int) -> int:
        return tick if self._end_tick is None else min(tick, self._end_tick)

    def _take_next(self) -> Shown:
        """The source's next frame."""
        if self._next is None and self._is_live:
            self._fetch()
        if self._next is None:
            raise self._failure or StopIteration
        frame, pts = self._next
        if self._end_tick is not None and pts >= self._end_tick:
            raise StopIteration
        self._check_size(frame)
        if self._is_live:
            self._next = None
        else:
            self._fetch()  # the next one, which tells this one's duration
        return frame, pts, self._duration(frame, pts)

    def _duration(self, frame: av.VideoFrame, pts: int) -> int:
        if self._is_live:
            return self._decoder.usual_duration(frame)
        if self._next is not None:
            return self._next[1] - pts
        return self._decoder.last_duration(frame, pts)

    def _fetch(self) -> None:
        """The next frame; what goes wrong there is raised when it is taken."""
        try:
            with self._reading:
                self._next = next(self._frames, None)
        except SourceError as failure:
            self._next, self._failure = None, failure

    def _check_size(self, frame: av.VideoFrame) -> None:
        if (frame.width, frame.height) != self._stored_size:
            width, height = self._stored_size
            raise SourceError(
                f"{self._name} changes its size from {width}x{height} to {frame.width}x{frame.height} "
                f"after {counted(self._taken, 'frame')}; accepted: one size throughout; split it there, or scale it first"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.tracks.close()

    def close(self) -> None:
        """Let go of the pictures; of `tracks` when the block ends, for they may go on longer. A file object stays open, and so does what
        another thread is reading at this moment."""
        self._next = None
        if self._reading.acquire(blocking=False):
            self._source.close()
            self._reading.release()


def _track_source(
    source: OpenSource, found: Found, start: Fraction | None, on_error: OnError
) -> TrackSource:
    if not found.tracks:
        return NoTracks()
    if source.can_open_again:
        return FileTracks(source.file, found, start, on_error)
    return QueuedTracks(source.container, found, source.name)


def _before(number: int, rate: Fraction, time_base: Fraction) -> int:
    """A tick of the source somewhat before this place at a constant rate."""
    return floor((number / rate - _BEFORE_SECONDS) / time_base)


def _check_side(name: str, width: int, height: int) -> None:
    if width > MAX_SIDE or height > MAX_SIDE:
        raise SourceError(
            f"{name} is {width}x{height}; accepted: up to {MAX_SIDE} on each side; scale it first"
        )


def _check_choice(what: str, value: str, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise UsageError(f"{what} is {value!r}; accepted: {', '.join(accepted)}")
