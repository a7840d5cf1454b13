"""Opening a source with FFmpeg: what may be opened, which of its tracks is the video, and how what goes wrong is said."""

from streamcodec.video.source.opened import OpenSource
from streamcodec.video.source.opening import (
    STREAM_START,
    Source,
    Tap,
    at_its_position,
    open_container,
    reading,
    source_name,
)
from streamcodec.video.source.tracks import Crop, choose_track

__all__ = [
    "STREAM_START",
    "Crop",
    "OpenSource",
    "Source",
    "Tap",
    "at_its_position",
    "choose_track",
    "open_container",
    "reading",
    "source_name",
]
