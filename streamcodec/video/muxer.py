"""Frames -> an encoder of FFmpeg's -> MP4, MOV, Matroska or WebM."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.format import VideoFormat as PixelFormat
from av.video.stream import VideoStream

from streamcodec.errors import OutputError, StreamCodecError
from streamcodec.tracks import Chapter, Track, TrackPacket
from streamcodec.types import UNSPECIFIED, ColorSpec, RawFrame, VideoFormat
from streamcodec.video.encoders import CONTAINERS, EncoderChoice
from streamcodec.video.matroska_shape import set_sample_aspect_ratio
from streamcodec.video.pixels import FULL, LIMITED, RGB_MATRIX, FrameMaker
from streamcodec.video.times.timing import MAX_STEP, PacketTimer, Ticks
from streamcodec.video.tracks.write import TrackMuxer, common_ticks

__all__ = ["MuxerSink", "keeps_rotation", "pipe_sink", "stores_lengths"]

_TRACK_LENGTHS = ("mp4", "mov")  # the muxers that store the length of a track
_ASPECT_INSIDE = ("libx264", "libx265")  # in their own headers, exactly


def keeps_rotation() -> bool:
    """Whether this PyAV can write a display matrix (from 18 on)."""
    return hasattr(VideoStream, "set_display_rotation")


def stores_lengths(target: Path) -> bool:
    """Whether a video file of this name stores how long each frame lasts, in ticks (MP4, MOV)."""
    return CONTAINERS.get(target.suffix.lower()) in _TRACK_LENGTHS


def pipe_sink(
    pipe: int, video: VideoFormat, tracks: Sequence[Track], chapters: Sequence[Chapter]
) -> "MuxerSink":
    """Matroska with uncompressed 4:2:0 into a pipe, by its descriptor; it begins at 0. The sample aspect ratio is not in it.

    Raises OutputError, also where the system has no /dev/fd.
    """
    encoder = EncoderChoice("rawvideo", "yuv420p", {})
    square = replace(video, sample_aspect_ratio=Fraction(1))
    name = Path("the player's input.mkv")
    return MuxerSink(
        Path(f"/dev/fd/{pipe}"), name, square, encoder, {}, tracks, chapters, keep_offset=False
    )


class MuxerSink:
    """Writes one video stream to `part`, and beside it the packets of `tracks`; messages call it `name`.

    Timestamps and durations are kept by MP4 and MOV, in ticks of `time_base` (None = the video's); Matroska and WebM round them to
    milliseconds. A video that starts before 0 is moved to 0, without `keep_offset` any. Raises OutputError if MP4 or MOV cannot store a
    pause in these ticks, if the container does not take the encoder, if the encoder does not open, or if the disk is full.
    """

    def __init__(
        self,
        part: Path,
        name: Path,
        video: VideoFormat,
        encoder: EncoderChoice,
        metadata: dict[str, str],
        tracks: Sequence[Track] = (),
        chapters: Sequence[Chapter] = (),
        *,
        keep_offset: bool = True,
        time_base: Fraction | None = None,
    ) -> None:
        self._ticks = Ticks(video.time_base, time_base or video.time_base)
        video = replace(video, time_base=time_base or video.time_base)
        self._part, self._name, self._encoder, self._video = part, name, encoder, video
        self._color = _written_color(video.color, encoder.pixel_format)
        self._maker = FrameMaker(encoder.pixel_format, video.color)
        self._has_lengths = stores_lengths(name)
        self._timer = PacketTimer(sums_durations=self._has_lengths, keeps_offset=keep_offset)
        self._last_pts: int | None = None
        if encoder.name == "libsvtav1":
            os.environ.setdefault("SVT_LOG", "1")  # errors only: it would write to the terminal
        muxer = CONTAINERS[name.suffix.lower()]
        ticks = str(
            video.time_base.denominator
        )  # so that MP4 keeps the times, and where the first one is, as they are
        settings = (
            {
                "video_track_timescale": ticks,
                "movie_timescale": str(common_ticks(video.time_base.denominator, tracks)),
            }
            if muxer in _TRACK_LENGTHS
            else {}
        )
        with self._muxing("open"):
            self._container: OutputContainer = av.open(
                f"file:{part}", "w", format=muxer, container_options=settings
            )
        try:
            with self._muxing(f"write {encoder.name} to"):
                self._stream = self._add_stream(metadata)
            self._tracks = TrackMuxer(
                self._container, name, tracks, chapters, begins_at_zero=not keep_offset
            )
        except BaseException:
            self.discard()
            raise

    def _add_stream(self, metadata: dict[str, str]) -> VideoStream:
        video = self._video
        self._container.metadata.update(metadata)
        stream = self._container.add_stream(
            self._encoder.name, rate=video.frame_rate or 25, options=dict(self._encoder.options)
        )
        assert isinstance(stream, VideoStream)  # the encoder was looked up as one for video
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = (
            video.width,
            video.height,
            self._encoder.pixel_format,
        )
        context.time_base = stream.time_base = video.time_base
        context.sample_aspect_ratio = video.sample_aspect_ratio
        context.color_primaries, context.color_trc = self._color.primaries, self._color.transfer
        context.colorspace, context.color_range = (
            self._color.matrix,
            FULL if self._color.full_range else LIMITED,
        )
        if video.rotation_degrees:
            stream.set_display_rotation(video.rotation_degrees)
        context.open()
        return stream

    def write(self, frame: RawFrame) -> None:
        made = self._maker.make(frame)
        pts, duration = self._ticks.of(frame.pts, frame.duration)
        self._check_step(pts, duration)
        with self._muxing(f"keep the time {frame.pts} x {self._video.time_base} s in"):
            made.pts, made.time_base = (
                self._timer.admit(pts, duration),
                self._video.time_base,
            )
        made.colorspace, made.color_range = (
            self._color.matrix,
            FULL if self._color.full_range else LIMITED,
        )
        self._tracks.shift = self._timer.shift * self._video.time_base
        with self._muxing("encode to"):
            self._mux(self._stream.encode(made))

    def _check_step(self, pts: int, duration: int) -> None:
        step = max(duration, 0 if self._last_pts is None else pts - self._last_pts)
        self._last_pts = pts
        time_base = self._video.time_base
        if self._has_lengths and step * time_base.numerator > MAX_STEP:
            raise OutputError(
                f"{self._name} cannot store a pause of {float(step * time_base):.1f} s in ticks of 1/{time_base.denominator} s; "
                f"accepted: up to {MAX_STEP / time_base.denominator:.1f} s; write .mkv"
            )

    def write_packet(self, packet: TrackPacket) -> None:
        """A packet of one of the tracks, after the first frame; a track's packets in their order."""
        with self._muxing("copy the sound and subtitles to"):
            self._tracks.write(packet)

    def finish(self) -> None:
        with self._muxing("finish"):
            self._mux(self._stream.encode(None))
            last = self._timer.release_last()
            if last is not None:
                self._tracks.write_video(last)
            self._tracks.start()
            self._container.close()
            ratio = self._video.sample_aspect_ratio
            is_matroska = CONTAINERS[self._name.suffix.lower()] in ("matroska", "webm")
            if ratio != 1 and is_matroska and self._encoder.name not in _ASPECT_INSIDE:
                set_sample_aspect_ratio(self._part, ratio)

    def discard(self) -> None:
        with contextlib.suppress(av.error.FFmpegError, OSError, ValueError, OverflowError):
            self._container.close()

    def _mux(self, packets: "list[Packet[VideoStream]]") -> None:
        for packet in packets:
            ready = self._timer.release(packet)
            if ready is not None:
                self._tracks.write_video(ready)

    @contextmanager
    def _muxing(self, doing: str) -> Iterator[None]:
        try:
            yield
        except StreamCodecError:  # one is a ValueError too
            raise
        except (av.error.FFmpegError, OSError, ValueError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if isinstance(error, OverflowError):
                reason = "a time is beyond 64 bits"
            raise OutputError(
                f"cannot {doing} {self._name} ({self._encoder.name}, {self._encoder.pixel_format}): {reason}"
            ) from error


def _written_color(color: ColorSpec, pixel_format: str) -> ColorSpec:
    """The tags for this pixel format: RGB has matrix 0 and full range, YUV cannot have matrix 0."""
    if PixelFormat(pixel_format).is_rgb:
        return replace(color, matrix=RGB_MATRIX, full_range=True)
    return replace(color, matrix=UNSPECIFIED) if color.matrix == RGB_MATRIX else color
