"""A neural video codec that one can install and rely on.

    streamcodec.encode("in.mp4", "out.ssf", quality=32)
    streamcodec.decode("out.ssf", "back.mp4")
    for frame in streamcodec.open("out.ssf"):
        frame.planes, frame.array  # Y, U and V; (3, H, W) uint8 RGB
        frame.data  # the same as a tensor, if PyTorch is there

Importing the package loads neither NumPy nor FFmpeg: a name does so when it is first used. PyTorch is loaded only for what needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from streamcodec._version import __version__
from streamcodec.errors import (
    CorruptStreamError,
    FormatError,
    FrameIndexError,
    ModelError,
    NotInstalledError,
    OutputError,
    SourceError,
    StreamCodecError,
    TruncatedStreamError,
    UnsupportedStreamError,
    UsageError,
)

if TYPE_CHECKING:
    from streamcodec.codec import Codec, EncodedGop, decode_gop, encode_gop
    from streamcodec.parts.encode import encode_part
    from streamcodec.parts.file import PartReport, check_part
    from streamcodec.parts.identity import SourceIdentity, identify
    from streamcodec.parts.join import join_parts
    from streamcodec.parts.plan import PlannedGop, VideoPlan
    from streamcodec.parts.planning import plan_video
    from streamcodec.stream.dataset import VideoDataset
    from streamcodec.stream.decode import DecodeReport, decode
    from streamcodec.stream.encode import EncodeReport, encode
    from streamcodec.stream.encoder import Encoder
    from streamcodec.stream.frames import Frame, FrameBatch
    from streamcodec.stream.image import ImageReport, decode_image, encode_image
    from streamcodec.stream.options import EncodeOptions
    from streamcodec.stream.search.predict import Prediction
    from streamcodec.stream.search.search import SearchReport, search
    from streamcodec.stream.target import Target
    from streamcodec.stream.verify import verify
    from streamcodec.stream.video import Video, open
    from streamcodec.weights import load_codec

__all__ = [
    "Codec",
    "CorruptStreamError",
    "DecodeReport",
    "EncodeOptions",
    "EncodeReport",
    "EncodedGop",
    "Encoder",
    "FormatError",
    "Frame",
    "FrameBatch",
    "FrameIndexError",
    "ImageReport",
    "ModelError",
    "NotInstalledError",
    "OutputError",
    "PartReport",
    "PlannedGop",
    "Prediction",
    "SearchReport",
    "SourceError",
    "SourceIdentity",
    "StreamCodecError",
    "Target",
    "TruncatedStreamError",
    "UnsupportedStreamError",
    "UsageError",
    "Video",
    "VideoDataset",
    "VideoPlan",
    "__version__",
    "check_part",
    "decode",
    "decode_gop",
    "decode_image",
    "encode",
    "encode_gop",
    "encode_image",
    "encode_part",
    "identify",
    "join_parts",
    "load_codec",
    "open",
    "plan_video",
    "search",
    "verify",
]

_LAZY = {
    "streamcodec.codec": (
        "Codec",
        "EncodedGop",
        "decode_gop",
        "encode_gop",
    ),
    "streamcodec.stream.dataset": ("VideoDataset",),
    "streamcodec.stream.decode": (
        "DecodeReport",
        "decode",
    ),
    "streamcodec.stream.encode": (
        "EncodeReport",
        "encode",
    ),
    "streamcodec.stream.encoder": ("Encoder",),
    "streamcodec.stream.search.predict": ("Prediction",),
    "streamcodec.stream.frames": (
        "Frame",
        "FrameBatch",
    ),
    "streamcodec.parts.identity": (
        "SourceIdentity",
        "identify",
    ),
    "streamcodec.stream.image": (
        "ImageReport",
        "decode_image",
        "encode_image",
    ),
    "streamcodec.parts.join": ("join_parts",),
    "streamcodec.stream.options": ("EncodeOptions",),
    "streamcodec.parts.file": (
        "PartReport",
        "check_part",
    ),
    "streamcodec.parts.encode": ("encode_part",),
    "streamcodec.parts.plan": (
        "PlannedGop",
        "VideoPlan",
    ),
    "streamcodec.parts.planning": ("plan_video",),
    "streamcodec.stream.search.search": (
        "SearchReport",
        "search",
    ),
    "streamcodec.stream.target": ("Target",),
    "streamcodec.stream.verify": ("verify",),
    "streamcodec.stream.video": (
        "Video",
        "open",
    ),
    "streamcodec.weights": ("load_codec",),
}
_HOME = {name: module for module, names in _LAZY.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'streamcodec' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
