"""Videos to streams and back, and streams as sequences of frames."""

from streamcodec.stream.dataset import VideoDataset
from streamcodec.stream.decode import DecodeReport, decode
from streamcodec.stream.encode import EncodeReport, encode
from streamcodec.stream.encoder import Encoder
from streamcodec.stream.estimate import Prediction
from streamcodec.stream.frames import Frame, FrameBatch, VideoMetadata
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.search import SearchReport, search
from streamcodec.stream.target import Target
from streamcodec.stream.verify import VerifyReport, verify
from streamcodec.stream.video import Video, open

__all__ = [
    "DecodeReport",
    "EncodeOptions",
    "EncodeReport",
    "Encoder",
    "Frame",
    "FrameBatch",
    "Prediction",
    "SearchReport",
    "Target",
    "VerifyReport",
    "Video",
    "VideoDataset",
    "VideoMetadata",
    "decode",
    "encode",
    "open",
    "search",
    "verify",
]
