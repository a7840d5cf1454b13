"""Closed groups of pictures: an I-frame and the P-frames after it. A GOP depends on nothing outside it."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from streamcodec.codec.frame import CodedFrame, decode_frame, encode_frame
from streamcodec.codec.loaded import Codec
from streamcodec.errors import UsageError

__all__ = ["EncodedGop", "GopDigest", "decode_gop", "encode_gop", "iter_decode_gop", "iter_encode_gop"]


@dataclass(frozen=True)
class EncodedGop:
    """`payloads`: one per frame, the first an I-frame's. `reconstruction`: (T, 3, H, W) uint8, equal to what decoding gives."""

    payloads: tuple[bytes, ...]
    reconstruction: Tensor


class GopDigest:
    """Hash of a GOP's decoded frames: the first 16 bytes of SHA-256 over their (3, H, W) uint8 pixels, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, frame: Tensor) -> None:
        self._hash.update(frame.contiguous().numpy().data)

    def digest(self) -> bytes:
        return self._hash.digest()[:16]


def iter_encode_gop(codec: Codec, frames: Iterable[Tensor], quality: int) -> Iterator[CodedFrame]:
    """Code frames (3, H, W) uint8 one after another, each with the decoded frame before it as reference."""
    reference: Tensor | None = None
    for frame in frames:
        coded = encode_frame(codec, frame, reference if codec.inter is not None else None, quality)
        reference = coded.reconstruction
        yield coded


def iter_decode_gop(codec: Codec, payloads: Iterable[bytes], size: tuple[int, int]) -> Iterator[Tensor]:
    """Decode payloads one after another to (3, H, W) uint8; `size` is (height, width)."""
    reference: Tensor | None = None
    for payload in payloads:
        reference = decode_frame(codec, payload, reference if codec.inter is not None else None, size)
        yield reference


def encode_gop(codec: Codec, frames: Tensor, quality: int) -> EncodedGop:
    """Code one GOP: `frames` (T, 3, H, W) uint8 RGB, T >= 1; `quality` 0..63, higher is better.

    Raises UsageError for another shape, dtype or quality.
    """
    _check_codec(codec)
    if not isinstance(frames, Tensor):
        raise UsageError(f"frames are a {type(frames).__name__}; accepted: a tensor, (T, 3, H, W) uint8")
    if frames.ndim != 4 or frames.shape[0] < 1:
        raise UsageError(f"frames are {tuple(frames.shape)}; accepted: (T, 3, H, W) with T at least 1")
    coded = list(iter_encode_gop(codec, frames, quality))
    return EncodedGop(tuple(frame.payload for frame in coded), torch.stack([frame.reconstruction for frame in coded]))


def decode_gop(codec: Codec, payloads: Iterable[bytes], size: tuple[int, int]) -> Tensor:
    """Decode the first payloads of a GOP (one or more) to (T, 3, H, W) uint8; `size` is (height, width).

    Raises CorruptStreamError if a payload does not decode, UsageError if there is none.
    """
    _check_codec(codec)
    if not isinstance(payloads, Iterable) or isinstance(payloads, (str, bytes)):
        raise UsageError(f"payloads are a {type(payloads).__name__}; accepted: an iterable of bytes, one for each frame")
    frames = list(iter_decode_gop(codec, payloads, size))
    if not frames:
        raise UsageError("a GOP to decode has at least one payload; none came")
    return torch.stack(frames)


def _check_codec(codec: object) -> None:
    if not isinstance(codec, Codec):
        raise UsageError(f"codec is a {type(codec).__name__}; accepted: a Codec, as load_codec() makes it")
