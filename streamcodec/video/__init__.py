"""Videos in and out through FFmpeg (PyAV), pictures through OpenCV, colour, and the two cheap looks at pictures that the encoder needs."""

from streamcodec.video.color import gray_from_rgb, to_rgb, to_yuv420
from streamcodec.video.decoder import OnError
from streamcodec.video.flow import flow_hint
from streamcodec.video.picture_header import PICTURE_SUFFIXES
from streamcodec.video.pictures import DEFAULT_JPEG_QUALITY, Picture, picture_kind, read_picture, to_jpeg, to_png
from streamcodec.video.reader import VideoReader
from streamcodec.video.scenecut import DEFAULT_THRESHOLD, SceneCutDetector
from streamcodec.video.turning import turned
from streamcodec.video.writer import VideoWriter

__all__ = [
    "DEFAULT_JPEG_QUALITY",
    "DEFAULT_THRESHOLD",
    "PICTURE_SUFFIXES",
    "OnError",
    "Picture",
    "SceneCutDetector",
    "VideoReader",
    "VideoWriter",
    "flow_hint",
    "gray_from_rgb",
    "picture_kind",
    "read_picture",
    "to_jpeg",
    "to_png",
    "to_rgb",
    "to_yuv420",
    "turned",
]
