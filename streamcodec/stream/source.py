"""Which part of a source is encoded."""

import os
from dataclasses import asdict, dataclass
from typing import BinaryIO

from streamcodec.types import FrameFormat
from streamcodec.video import OnError, VideoReader

__all__ = ["Part"]


@dataclass(frozen=True)
class Part:
    """From `start_seconds` on, at most `duration_seconds` and `max_frames` (None = to the end); `on_error`: what to do at damage."""

    start_seconds: float = 0.0
    duration_seconds: float | None = None
    max_frames: int | None = None
    on_error: OnError = "raise"

    @property
    def is_whole(self) -> bool:
        """Whether nothing is cut away."""
        return not self.start_seconds and self.duration_seconds is None and self.max_frames is None

    def reader(
        self, source: str | os.PathLike[str] | BinaryIO, frame_format: FrameFormat
    ) -> VideoReader:
        """A reader of this part; raises as VideoReader does."""
        return VideoReader(source, frame_format=frame_format, **asdict(self))
