"""Videos to streams and back, and streams as sequences of frames."""

from streamcodec.stream.dataset import VideoDataset
from streamcodec.stream.decode import DecodeReport, decode
from streamcodec.stream.encode import EncodeReport, encode
from streamcodec.stream.encoder import Encoder
from streamcodec.stream.frames import Frame, FrameBatch, VideoMetadata
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.verify import VerifyReport, verify
from streamcodec.stream.video import Video, open

__all__ = [
    "DecodeReport",
    "EncodeOptions",
    "EncodeReport",
    "Encoder",
    "Frame",
    "FrameBatch",
    "VerifyReport",
    "Video",
    "VideoDataset",
    "VideoMetadata",
    "decode",
    "encode",
    "open",
    "verify",
]
