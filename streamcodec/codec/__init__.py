"""Frames and GOPs to bytes and back: models and entropy coding joined."""

from streamcodec.codec.frame import CodedFrame, decode_frame, encode_frame
from streamcodec.codec.gop import EncodedGop, GopDigest, decode_gop, encode_gop, iter_decode_gop, iter_encode_gop
from streamcodec.codec.loaded import Codec, LoadedModel

__all__ = [
    "Codec",
    "CodedFrame",
    "EncodedGop",
    "GopDigest",
    "LoadedModel",
    "decode_frame",
    "decode_gop",
    "encode_frame",
    "encode_gop",
    "iter_decode_gop",
    "iter_encode_gop",
]
