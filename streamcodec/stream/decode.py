"""A whole stream back to a video file."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Unpack

from streamcodec.checks import check_range
from streamcodec.container import Index, Loss, Losses, describe_losses
from streamcodec.errors import SourceError
from streamcodec.files import ByteSource
from streamcodec.stream.frames import Frame
from streamcodec.stream.options import OpenSettings
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.stream.video import Video, open
from streamcodec.types import RawFrame
from streamcodec.video import VideoWriter

__all__ = ["DecodeReport", "decode"]


@dataclass(frozen=True)
class DecodeReport:
    """What was decoded. `seconds` is wall time. `lost`: frames of the stream that are lost to damage; `concealed`: how many of `frames`
    stand in the place of lost ones. `damage`: a sentence on what is lost, None = nothing.
    """

    frames: int
    width: int
    height: int
    seconds: float
    lost: tuple[Loss, ...] = ()
    concealed: int = 0
    damage: str | None = None

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
    overwrite: bool = False,
    progress: Progress | None = None,
    **settings: Unpack[OpenSettings],
) -> DecodeReport:
    """Decode an .ssf stream into a video. The planes of a 4:2:0 stream become the video's without a conversion.

    `source` and `settings`: as for `streamcodec.open`. `out`: an mp4, mkv, mov or webm file, a .y4m file,
    a folder for PNG pictures, or "-" for y4m on standard output. `codec`, `crf`, `codec_options`: FFmpeg's encoder (default H.264), its
    quality (lower is better) and further options of that encoder.
    `start_seconds`, `duration_seconds` and `max_frames` choose a part. `progress`: as for `streamcodec.encode`.

    Raises UsageError, SourceError, OutputError, CorruptStreamError or UnsupportedStreamError; then nothing is left at `out`.
    """
    check_range(start_seconds, duration_seconds, max_frames)
    on_damage = settings.get("on_damage", "raise")
    whole = not start_seconds and duration_seconds is None
    if (
        on_damage == "skip" and not whole
    ):  # what is lost of a range is told by what would stand there
        settings = {**settings, "on_damage": "conceal"}
    with open(source, **settings) as video:
        started = time.monotonic()
        shown = replace(video.header.video, width=video.size[1], height=video.size[0])
        expected = _expected(source, video, max_frames) if whole else None
        tally = _Tally(keeps_concealed=on_damage != "skip", whole=whole)
        range_ = tally.kept(video.between(start_seconds, duration_seconds))
        selected = islice(range_, max_frames)
        writer = VideoWriter(
            out, shown, frame_format=video.header.frame_format, codec=codec, crf=crf, options=codec_options,
            metadata=dict(video.header.metadata), overwrite=overwrite,
        )  # fmt: skip
        done = 0
        with writer, overlapped(selected) as frames:
            for done, frame in enumerate(frames, 1):
                writer.write(RawFrame(frame.planes, frame.pts, frame.duration))
                if progress is not None:
                    progress(done, expected)
            if done == 0:
                raise SourceError("the stream has no frames in the range that was asked for")
        lost = () if on_damage == "raise" else tally.lost(video.index, done == max_frames)
        return DecodeReport(
            done,
            video.size[1],
            video.size[0],
            time.monotonic() - started,
            lost,
            tally.concealed,
            describe_losses(lost, video.index.frame_count) if lost else None,
        )


class _Tally:
    """Notes which frames are lost, as frames go by. `whole`: they are those of the whole stream."""

    def __init__(self, *, keeps_concealed: bool, whole: bool) -> None:
        self._keeps, self._whole = keeps_concealed, whole
        self._losses = Losses() if whole else None
        self._behind = 0
        self.concealed = 0

    def kept(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            if self._losses is None:
                self._losses = Losses(frame.index)
            self._behind = frame.index + 1
            if not frame.concealed:
                self._losses.found(frame.index)
            elif not self._keeps:
                continue
            self.concealed += frame.concealed
            yield frame

    def lost(self, index: Index, stopped_early: bool) -> tuple[Loss, ...]:
        if self._losses is None:
            return ()
        at_end = self._whole and not stopped_early
        self._losses.ends(index.frame_count if at_end else self._behind)
        return self._losses.named(index)


def _expected(source: ByteSource, video: Video, max_frames: int | None) -> int | None:
    """How many frames will come. A pipe is not asked: it would have to end first."""
    if not isinstance(source, (str, os.PathLike)) or not Path(source).is_file():
        return max_frames
    return min(len(video), max_frames or len(video))
