"""Frames and GOPs to bytes and back: models of frames, native ones and networks, behind one interface."""

from streamcodec.codec.codec import Codec
from streamcodec.codec.frame import decode_frame, encode_frame, is_b_frame, quality_of
from streamcodec.codec.gop import (
    DecodedGop,
    EncodedGop,
    GopDigest,
    decode_gop,
    encode_gop,
    iter_decode_gop,
)
from streamcodec.codec.model import Between, CodedFrame, FrameModel, Reference, Running
from streamcodec.codec.native_model import NativeModel, load_native_model
from streamcodec.codec.pyramid import decode_run, pyramid
from streamcodec.codec.views import Views

__all__ = [
    "Between",
    "Codec",
    "CodedFrame",
    "DecodedGop",
    "EncodedGop",
    "FrameModel",
    "GopDigest",
    "NativeModel",
    "Reference",
    "Running",
    "Views",
    "decode_frame",
    "decode_gop",
    "decode_run",
    "encode_frame",
    "encode_gop",
    "is_b_frame",
    "iter_decode_gop",
    "load_native_model",
    "pyramid",
    "quality_of",
]
