"""Videos in and out through FFmpeg (PyAV), colour, and the two cheap looks at pictures that the encoder needs."""

from streamcodec.video.color import gray_from_rgb, to_rgb, to_yuv420
from streamcodec.video.decoder import OnError
from streamcodec.video.flow import flow_hint
from streamcodec.video.reader import VideoReader
from streamcodec.video.scenecut import DEFAULT_THRESHOLD, SceneCutDetector
from streamcodec.video.writer import VideoWriter

__all__ = [
    "DEFAULT_THRESHOLD",
    "OnError",
    "SceneCutDetector",
    "VideoReader",
    "VideoWriter",
    "flow_hint",
    "gray_from_rgb",
    "to_rgb",
    "to_yuv420",
]
