"""RawFrame -> a video file, y4m or a folder of pictures, which appears whole or not at all."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Self

from streamcodec.checks import check_path
from streamcodec.errors import OutputError, UsageError
from streamcodec.files import STANDARD_STREAM, replace_on_success
from streamcodec.tracks import Chapter, Track, TrackPacket
from streamcodec.types import FrameFormat, RawFrame, VideoFormat
from streamcodec.video.encoders import CONTAINERS, choose_encoder
from streamcodec.video.muxer import MuxerSink, keeps_rotation
from streamcodec.video.sinks import FrameSink, PngSink, Y4mSink, replace_folder_on_success
from streamcodec.video.tracks.write import check_tracks
from streamcodec.video.turning import turned, turned_format

__all__ = ["VideoWriter", "keeps_tracks"]


class VideoWriter:
    """Writes frames of one format. Used as a context manager, or ended by `close` (keep) or `abort` (leave nothing).

    `target` decides by its name:
    - .mp4, .m4v, .mov, .mkv, .webm: `codec` (default H.264; VP9 in .webm; "ffv1" in .mkv is lossless) at `crf` (default: `DEFAULT_CRF`, 18
      for H.264), `pixel_format` (default: see `encoders`) and further `options` of the encoder. Size, timestamps, durations, sample aspect
      ratio, rotation and colour are kept; `MuxerSink` says what Matroska rounds.
    - .y4m, or "-" for standard output: 4:2:0 at the nominal constant rate, without timestamps.
    - a name without suffix or with a slash behind it, or an existing folder: PNG pictures frame_000000.png, ... With `overwrite` the
      folder may hold other files; only pictures of these names are replaced.
    Where a rotation cannot be stored (y4m, PNG, PyAV before 18) the pictures are turned instead, as a player would show them.

    `tracks` of sound and subtitles are copied into a video file, packet by packet, and keep their times beside those of the frames;
    `chapters` likewise. `keep_offset`: whether a video that starts late does so in the file too; without it, it starts at 0.
    `time_base`: the ticks of an MP4 or MOV file, None = the video's; `storable_time_base` tells which can hold long pauses.

    Raises OutputError if the target exists (and not `overwrite`), cannot be written or encoded, or cannot hold a track, or if no frame was
    written when it is closed; UsageError for arguments that do not go together, a frame of another size or format, or timestamps that do
    not rise.
    """

    def __init__(
        self,
        target: str | os.PathLike[str],
        video: VideoFormat,
        *,
        frame_format: FrameFormat = "rgb",
        codec: str | None = None,
        crf: float | None = None,
        pixel_format: str | None = None,
        options: dict[str, str] | None = None,
        metadata: dict[str, str] | None = None,
        tracks: Sequence[Track] = (),
        chapters: Sequence[Chapter] = (),
        keep_offset: bool = True,
        time_base: Fraction | None = None,
        overwrite: bool = False,
    ) -> None:
        self._name, self._video, self._frame_format = (
            check_path("output", target),
            video,
            frame_format,
        )
        self._last_pts: int | None = None
        self._is_open = True
        wish = _Wish(
            frame_format,
            codec,
            crf,
            pixel_format,
            options or {},
            metadata or {},
            tuple(tracks),
            tuple(chapters),
            keep_offset,
            time_base,
        )
        kind = _kind(self._name)
        if tracks and kind != "container":
            raise UsageError(
                f"{self._name} holds pictures only; accepted with sound or subtitles: {', '.join(CONTAINERS)}"
            )
        if kind != "container" and wish.is_for_encoder():
            raise UsageError(
                f"codec, crf, pixel_format and options are for {', '.join(CONTAINERS)}, not for {self._name}"
            )
        self._turns = (
            0 if kind == "container" and keeps_rotation() else video.rotation_degrees // 90
        )
        with ExitStack() as stack:
            self._sink = _open_sink(
                kind,
                self._name,
                turned_format(video, self._turns),
                wish,
                stack,
                overwrite=overwrite,
            )
            self._stack = stack.pop_all()

    def write(self, frame: RawFrame) -> None:
        """Write the next frame. Raises OutputError or UsageError; then only `abort` makes sense."""
        if not self._is_open:
            raise UsageError(f"{self._name} is closed")
        if (
            frame.size != (self._video.width, self._video.height)
            or frame.format != self._frame_format
        ):
            raise UsageError(
                f"frame is {frame.format} {frame.size}; the video is {self._frame_format} {self._video.width}x{self._video.height}"
            )
        if self._last_pts is not None and frame.pts <= self._last_pts:
            raise UsageError(
                f"frame has pts {frame.pts} after {self._last_pts}; accepted: timestamps that rise"
            )
        self._last_pts = frame.pts
        self._sink.write(turned(frame, self._turns))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the output has no room for, of the frames so far, in words."""
        return self._sink.notes if isinstance(self._sink, Y4mSink) else ()

    def write_packet(self, packet: TrackPacket) -> None:
        """A packet of one of `tracks`, behind the first frame, in the time base of its track; each track's in their order."""
        if not self._is_open or not isinstance(self._sink, MuxerSink):
            raise UsageError(f"{self._name} is closed, or holds pictures only")
        self._sink.write_packet(packet)

    def close(self) -> None:
        """Complete the output and put it in its place; on failure nothing is left. Closing again does nothing."""
        if not self._is_open:
            return
        try:
            if self._last_pts is None:
                raise OutputError(f"no frame was written to {self._name}")
            self._sink.finish()
        except BaseException as error:
            self._leave_nothing(error)
            raise
        self._is_open = False
        self._stack.close()

    def abort(self) -> None:
        """Give up and leave nothing behind (standard output excepted)."""
        if self._is_open:
            self._leave_nothing(OutputError(f"{self._name} was given up"))

    def _leave_nothing(self, error: BaseException) -> None:
        self._is_open = False
        self._sink.discard()
        self._stack.__exit__(type(error), error, error.__traceback__)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.close()
        else:
            self.abort()


@dataclass(frozen=True)
class _Wish:
    """What the caller asked for, for outputs that are encoded."""

    frame_format: FrameFormat
    codec: str | None
    crf: float | None
    pixel_format: str | None
    options: dict[str, str]
    metadata: dict[str, str] = field(default_factory=dict)
    tracks: tuple[Track, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    keep_offset: bool = True
    time_base: Fraction | None = None

    def is_for_encoder(self) -> bool:
        return bool(self.options) or any(
            value is not None for value in (self.codec, self.crf, self.pixel_format)
        )


def keeps_tracks(target: str | os.PathLike[str]) -> bool:
    """Whether a target of this name is a video file, which can hold sound and subtitles. Raises OutputError for an unknown suffix."""
    return _kind(check_path("output", target)) == "container"


def _kind(name: str) -> str:
    suffix = Path(name).suffix.lower()
    if name == STANDARD_STREAM:
        return "stdout"
    if name.endswith(("/", os.sep)) or not suffix or os.path.isdir(name):  # noqa: PTH112 (any name is allowed to ask for)
        return "folder"
    if suffix in CONTAINERS:
        return "container"
    if suffix == ".y4m":
        return "y4m"
    raise OutputError(
        f"cannot write {name}; accepted: {', '.join(CONTAINERS)}, .y4m, a folder for PNG pictures, or - for y4m"
    )


def _open_sink(
    kind: str, name: str, video: VideoFormat, wish: _Wish, stack: ExitStack, *, overwrite: bool
) -> FrameSink:
    path = Path(name)
    if kind == "stdout":
        return Y4mSink(None, video)
    if kind == "folder":
        return PngSink(
            stack.enter_context(replace_folder_on_success(path, overwrite=overwrite)), video
        )
    if kind == "y4m":
        return Y4mSink(stack.enter_context(replace_on_success(path, overwrite=overwrite)), video)
    encoder = choose_encoder(
        wish.codec,
        suffix=path.suffix.lower(),
        size=(video.width, video.height),
        frame_format=wish.frame_format,
        crf=wish.crf,
        pixel_format=wish.pixel_format,
        options=wish.options,
    )
    check_tracks(path, wish.tracks)
    part = stack.enter_context(replace_on_success(path, overwrite=overwrite))
    return MuxerSink(
        part,
        path,
        video,
        encoder,
        wish.metadata,
        wish.tracks,
        wish.chapters,
        keep_offset=wish.keep_offset,
        time_base=wish.time_base,
    )
