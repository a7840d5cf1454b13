"""A whole stream back to a video file."""

import os
import time
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Unpack

from streamcodec.checks import check_range
from streamcodec.errors import SourceError
from streamcodec.files import ByteSource
from streamcodec.stream.options import OpenSettings
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.stream.video import Video, open
from streamcodec.types import RawFrame
from streamcodec.video import VideoWriter

__all__ = ["DecodeReport", "decode"]


@dataclass(frozen=True)
class DecodeReport:
    """What was decoded. `seconds` is wall time."""

    frames: int
    width: int
    height: int
    seconds: float

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
    with open(source, **settings) as video:
        started = time.monotonic()
        shown = replace(video.header.video, width=video.size[1], height=video.size[0])
        expected = (
            None
            if start_seconds or duration_seconds is not None
            else _expected(source, video, max_frames)
        )
        selected = islice(video.between(start_seconds, duration_seconds), max_frames)
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
        return DecodeReport(done, video.size[1], video.size[0], time.monotonic() - started)


def _expected(source: ByteSource, video: Video, max_frames: int | None) -> int | None:
    """How many frames will come. A pipe is not asked: it would have to end first."""
    if not isinstance(source, (str, os.PathLike)) or not Path(source).is_file():
        return max_frames
    return min(len(video), max_frames or len(video))
