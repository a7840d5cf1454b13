"""Videos in and out through FFmpeg (PyAV), pictures through Pillow, and colour.

Each name is imported when it is first used, so that colour needs neither PyAV nor Pillow.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamcodec.video.color import gray_from_rgb, rgb_of, to_rgb, to_yuv420, yuv420_of
    from streamcodec.video.muxer import pipe_sink, stores_lengths
    from streamcodec.video.pictures import (
        DEFAULT_JPEG_QUALITY,
        PICTURE_SUFFIXES,
        Picture,
        picture_kind,
        read_picture,
        to_jpeg,
        to_png,
    )
    from streamcodec.video.reader import VideoReader
    from streamcodec.video.times.timing import storable_time_base
    from streamcodec.video.tracks.read import NoTracks, TrackSource, open_tracks
    from streamcodec.video.turning import turned
    from streamcodec.video.writer import VideoWriter, keeps_tracks

__all__ = [
    "DEFAULT_JPEG_QUALITY",
    "PICTURE_SUFFIXES",
    "NoTracks",
    "Picture",
    "TrackSource",
    "VideoReader",
    "VideoWriter",
    "gray_from_rgb",
    "keeps_tracks",
    "open_tracks",
    "picture_kind",
    "pipe_sink",
    "read_picture",
    "rgb_of",
    "storable_time_base",
    "stores_lengths",
    "to_jpeg",
    "to_png",
    "to_rgb",
    "to_yuv420",
    "turned",
    "yuv420_of",
]

_LAZY = {
    "color": ("gray_from_rgb", "rgb_of", "to_rgb", "to_yuv420", "yuv420_of"),
    "muxer": ("pipe_sink", "stores_lengths"),
    "pictures": (
        "DEFAULT_JPEG_QUALITY",
        "PICTURE_SUFFIXES",
        "Picture",
        "picture_kind",
        "read_picture",
        "to_jpeg",
        "to_png",
    ),
    "reader": ("VideoReader",),
    "tracks.read": ("NoTracks", "TrackSource", "open_tracks"),
    "times.timing": ("storable_time_base",),
    "turning": ("turned",),
    "writer": ("VideoWriter", "keeps_tracks"),
}
_HOME = {name: module for module, names in _LAZY.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
