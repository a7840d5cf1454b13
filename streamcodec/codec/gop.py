"""Closed groups of pictures: an I-frame and the P- and B-frames after it. A GOP depends on nothing outside it."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamcodec.codec.codec import Codec
from streamcodec.codec.frame import check_planes, decode_frame, encode_frame, is_b_frame
from streamcodec.codec.model import Between, CodedFrame, Reference
from streamcodec.codec.pyramid import decode_run
from streamcodec.codec.views import Views
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.text import counted, human_bytes
from streamcodec.types import MAX_RUN, ColorSpec, Planes

__all__ = [
    "DecodedGop",
    "EncodedGop",
    "GopDigest",
    "decode_gop",
    "encode_gop",
    "iter_decode_gop",
]


@dataclass(frozen=True, eq=False, repr=False)
class DecodedGop(Views):
    """T decoded frames: `planes` ((T, H, W) and so on), `array` and `data` (T, 3, H, W) (Views)."""

    planes: Planes
    color: ColorSpec = field(default_factory=ColorSpec)

    def __len__(self) -> int:
        return len(self.planes[0])

    def __repr__(self) -> str:
        height, width = self.planes[0].shape[-2:]
        return f"<DecodedGop of {counted(len(self), 'frame')}: {width}x{height}>"


@dataclass(frozen=True, eq=False, repr=False)
class EncodedGop:
    """`payloads`: one per frame, the first an I-frame's. `reconstruction`: equal to what decoding gives."""

    payloads: tuple[bytes, ...]
    reconstruction: DecodedGop

    def __repr__(self) -> str:
        size = human_bytes(sum(map(len, self.payloads)))
        return f"<EncodedGop of {counted(len(self.payloads), 'frame')}: {size}>"


class GopDigest:
    """Hash of a GOP's decoded frames: the first 16 bytes of SHA-256 over their planes, in order.

    Of an rgb stream these are the (3, H, W) uint8 pixels of every frame, of a yuv420 one Y, U and V.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, planes: Planes) -> None:
        for plane in planes:
            self._hash.update(np.ascontiguousarray(plane).data)

    def digest(self) -> bytes:
        return self._hash.digest()[:16]


def _encoded(codec: Codec, frames: Iterable[Planes], quality: int) -> Iterator[CodedFrame]:
    """Frames of the codec's format: an I-frame, and P-frames each with the one before as reference."""
    reference: Reference | None = None
    for planes in frames:
        coded = encode_frame(codec, planes, reference, quality)
        reference = coded.reference
        yield coded


def iter_decode_gop(
    codec: Codec, payloads: Iterable[bytes], size: tuple[int, int]
) -> Iterator[Reference]:
    """Decode the payloads of a GOP, or the first of them, in order of display; `size` is (height, width).

    A B-frame is given after the payload of the next frame that is none. Raises CorruptStreamError.
    """
    anchor: Reference | None = None
    run: list[bytes] = []

    def decode(at: int, two: Between) -> Reference:
        return decode_frame(codec, run[at - 1], two, size)

    for payload in payloads:
        if is_b_frame(payload):
            _check_run(anchor, len(run) + 1)
            run.append(payload)
            continue
        before, anchor = anchor, decode_frame(codec, payload, anchor, size)
        if before is not None:
            yield from decode_run(len(run), before, anchor, decode)
        run.clear()
        yield anchor
    if run:
        raise CorruptStreamError(
            "the last frame is a B-frame; accepted: one that needs none behind it"
        )


def _check_run(anchor: Reference | None, length: int) -> None:
    if anchor is None:
        raise CorruptStreamError("the first frame of a GOP is a B-frame; accepted: an I-frame")
    if length > MAX_RUN:
        raise CorruptStreamError(
            f"there are {length} or more B-frames in a row; accepted: up to {MAX_RUN}"
        )


def encode_gop(
    codec: Codec, frames: Any, quality: int, *, color: ColorSpec | None = None
) -> EncodedGop:
    """Code one GOP of T >= 1 frames, without B-frames; `quality` 0..63, higher is better.

    `frames`: (T, 3, H, W) uint8 RGB, an array or a tensor; or (Y, U, V), arrays (T, H, W), (T, h, w),
    (T, h, w) of 4:2:0. What the codec does not code (`codec.frame_format`) is converted by `color`.
    Raises UsageError for another shape, dtype or quality.
    """
    _check_codec(codec)
    color = color or ColorSpec()
    coded = list(_encoded(codec, _as_coded(codec, frames, color), quality))
    payloads = tuple(frame.payload for frame in coded)
    return EncodedGop(payloads, _stack([frame.planes for frame in coded], color))


def decode_gop(
    codec: Codec,
    payloads: Iterable[bytes],
    size: tuple[int, int],
    *,
    color: ColorSpec | None = None,
) -> DecodedGop:
    """Decode the first payloads of a GOP (one or more); `size` is (height, width).

    `color`: what the RGB views are made by, of planes. Raises CorruptStreamError if a payload does not
    decode, UsageError if there is none.
    """
    _check_codec(codec)
    if not isinstance(payloads, Iterable) or isinstance(payloads, (str, bytes)):
        kind = type(payloads).__name__
        raise UsageError(
            f"payloads are a {kind}; accepted: an iterable of bytes, one for each frame"
        )
    frames = [reference.planes() for reference in iter_decode_gop(codec, payloads, size)]
    if not frames:
        raise UsageError("a GOP to decode has at least one payload; none came")
    return _stack(frames, color or ColorSpec())


def _stack(frames: list[Planes], color: ColorSpec) -> DecodedGop:
    return DecodedGop(tuple(np.stack(plane) for plane in zip(*frames, strict=True)), color)


def _as_coded(codec: Codec, frames: Any, color: ColorSpec) -> Iterator[Planes]:
    """The frames one by one, in the codec's format."""
    several = frames if isinstance(frames, tuple) else (frames,)
    arrays = tuple(_as_array(plane) for plane in several)
    dimensions = {1: (4,), 3: (3, 3, 3)}.get(len(arrays))
    lengths = {len(array) for array in arrays if array.ndim}
    if tuple(array.ndim for array in arrays) != dimensions or len(lengths) != 1 or 0 in lengths:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise UsageError(
            f"frames are {shapes}; accepted: (T, 3, H, W) or a tuple of Y, U, V, with T at least 1"
        )
    for planes in zip(*arrays, strict=True):
        yield _converted(planes, codec, color)


def _converted(planes: Planes, codec: Codec, color: ColorSpec) -> Planes:
    check_planes(planes, "rgb" if len(planes) == 1 else "yuv420")
    if (len(planes) == 1) == (codec.frame_format == "rgb"):
        return planes
    from streamcodec.video.color import three, to_rgb, to_yuv420

    return to_yuv420(planes[0], color) if len(planes) == 1 else (to_rgb(three(planes), color),)


def _as_array(frames: Any) -> NDArray[Any]:
    if isinstance(frames, np.ndarray):
        return frames
    if hasattr(frames, "detach") and hasattr(frames, "cpu"):  # a tensor
        if str(frames.dtype) != "torch.uint8":
            raise UsageError(f"frames are {frames.dtype}; accepted: uint8")
        array: NDArray[Any] = frames.detach().cpu().numpy()
        return array
    kind = type(frames).__name__
    raise UsageError(f"frames are a {kind}; accepted: (T, 3, H, W) uint8, an array or a tensor")


def _check_codec(codec: object) -> None:
    if not isinstance(codec, Codec):
        kind = type(codec).__name__
        raise UsageError(f"codec is a {kind}; accepted: a Codec, as load_codec() makes it")
