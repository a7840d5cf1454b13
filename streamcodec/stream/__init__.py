"""Videos to streams and back, and streams as sequences of frames."""

from streamcodec.stream.decode import DecodeReport, decode
from streamcodec.stream.encode import EncodeReport, encode
from streamcodec.stream.encoder import Encoder
from streamcodec.stream.estimate import Prediction
from streamcodec.stream.frames import Frame, FrameBatch, VideoMetadata
from streamcodec.stream.identity import SourceIdentity, identify
from streamcodec.stream.image import ImageReport, decode_image, encode_image
from streamcodec.stream.join import join_parts
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.part_file import PartReport, check_part
from streamcodec.stream.parts import encode_part
from streamcodec.stream.plan import PlannedGop, VideoPlan
from streamcodec.stream.planning import plan_video
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
    "ImageReport",
    "PartReport",
    "PlannedGop",
    "Prediction",
    "SearchReport",
    "SourceIdentity",
    "Target",
    "VerifyReport",
    "Video",
    "VideoMetadata",
    "VideoPlan",
    "check_part",
    "decode",
    "decode_image",
    "encode",
    "encode_image",
    "encode_part",
    "identify",
    "join_parts",
    "open",
    "plan_video",
    "search",
    "verify",
]
