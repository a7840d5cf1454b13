"""Frames and GOPs to bytes and back: models of frames, native ones and networks, behind one interface."""

from streamcodec.codec.codec import Codec
from streamcodec.codec.frame import decode_frame, encode_frame
from streamcodec.codec.gop import (
    DecodedGop,
    EncodedGop,
    GopDigest,
    decode_gop,
    encode_gop,
    iter_decode_gop,
    iter_encode_gop,
)
from streamcodec.codec.model import CodedFrame, FrameModel, Reference, Running
from streamcodec.codec.native_model import NativeModel, load_native_model
from streamcodec.codec.views import Views

__all__ = [
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
    "encode_frame",
    "encode_gop",
    "iter_decode_gop",
    "iter_encode_gop",
    "load_native_model",
]
