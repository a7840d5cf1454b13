"""One frame to bytes and back.

Payload of a frame packet:

    offset  size  field
    0       1     bits 0 to 5: quality, 0..63, without effect where a model has one rate; bit 6: 1 = B-frame;
                  bit 7: 0
    1       ...   what the model writes: native/ for the default models, zoo_model.py for the others

A frame without a reference is coded by the intra model, one with a reference by the inter model, if the
codec has one; a B-frame lies between two references. The reference is a value of the model's own: it comes
out of one call and goes into the next.
"""

import numpy as np

from streamcodec.checks import check_quality
from streamcodec.codec.codec import Codec
from streamcodec.codec.model import Between, CodedFrame, FrameModel, Reference
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.types import MAX_SIDE, QUALITIES, FrameFormat, Planes

__all__ = ["check_planes", "decode_frame", "encode_frame", "is_b_frame", "quality_of"]

_B_FRAME = 0x40


def encode_frame(
    codec: Codec, planes: Planes, reference: Reference | Between | None, quality: int
) -> CodedFrame:
    """Code a frame of the codec's format.

    `reference`: None for an I-frame, what the I- or P-frame before became for a P-frame, Between for a B-frame.
    `planes`: (Y, U, V) or ((3, H, W) RGB,), uint8. Raises UsageError for other planes, reference or
    quality, StreamCodecError if memory runs out.
    """
    check_planes(planes, codec.frame_format)
    check_quality(quality)
    model = codec.model_for(reference)
    coded = model.encode(planes, quality, _seen_by(model, reference), codec.running)
    if isinstance(reference, Between):
        payload = bytes([coded.payload[0] | _B_FRAME]) + coded.payload[1:]
        return CodedFrame(payload, coded.reference)
    return coded


def decode_frame(
    codec: Codec, payload: bytes, reference: Reference | Between | None, size: tuple[int, int]
) -> Reference:
    """Decode one payload; `size` is (height, width). The planes of what is returned are the frame.

    `reference`: of the kind that it was coded with.

    Raises CorruptStreamError if the payload does not decode or is of another kind of frame, UsageError for a
    reference of another size, StreamCodecError if memory runs out.
    """
    if not payload:
        raise CorruptStreamError("frame payload is empty; at least the quality byte was expected")
    is_b, wanted = is_b_frame(payload), isinstance(reference, Between)
    if is_b != wanted:
        kinds = ("an I- or P-frame", "a B-frame")
        raise CorruptStreamError(
            f"frame payload is of {kinds[is_b]}; accepted here: {kinds[wanted]}"
        )
    if is_b and not codec.codes_b_frames:
        raise CorruptStreamError(
            f"frame payload is of a B-frame, which {codec.model_for(reference).name} does not code; "
            "accepted: I- and P-frames"
        )
    if is_b:
        payload = bytes([quality_of(payload)]) + payload[1:]
    if payload[0] >= QUALITIES:
        raise CorruptStreamError(
            f"frame payload has quality {payload[0]}; accepted: 0..{QUALITIES - 1}"
        )
    _check_size(size)
    model = codec.model_for(reference)
    return model.decode(payload, size, _seen_by(model, reference), codec.running)


def is_b_frame(payload: bytes) -> bool:
    """Whether a payload says of itself that it lies between two frames."""
    return bool(payload) and bool(payload[0] & _B_FRAME)


def quality_of(payload: bytes) -> int:
    """The quality that the encoder wrote into a payload, 0..63."""
    return payload[0] & ~_B_FRAME


def _seen_by(model: FrameModel, reference: Reference | Between | None) -> Reference | None:
    """What the model gets; a codec without an inter model codes I-frames only."""
    if isinstance(reference, Between):
        return model.between(reference)
    return reference if model.role == "P" else None


def check_planes(planes: Planes, frame_format: FrameFormat) -> None:
    """Raise UsageError unless the planes are a frame of this format, with sides of 1..MAX_SIDE."""
    arrays = isinstance(planes, tuple) and all(isinstance(plane, np.ndarray) for plane in planes)
    shapes = tuple(plane.shape for plane in planes) if arrays else ()
    wanted = _shapes_for(shapes, frame_format)
    if not shapes or shapes != wanted or any(plane.dtype != np.uint8 for plane in planes):
        found = (
            [f"{plane.dtype} {plane.shape}" for plane in planes]
            if arrays
            else type(planes).__name__
        )
        accepted = "((3, H, W) RGB,)" if frame_format == "rgb" else "(Y, U, V) of 4:2:0"
        raise UsageError(f"frame is {found}; accepted: {accepted}, arrays of uint8")
    height, width = shapes[0][-2:]
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise UsageError(f"frame is {width}x{height} pixels; accepted: 1..{MAX_SIDE} on each side")


def _shapes_for(
    shapes: tuple[tuple[int, ...], ...], frame_format: FrameFormat
) -> tuple[tuple[int, ...], ...]:
    """What the shapes should be, by the size of the first plane; () where that cannot be."""
    if not shapes or len(shapes[0]) != (3 if frame_format == "rgb" else 2):
        return ()
    height, width = shapes[0][-2:]
    half = ((height + 1) // 2, (width + 1) // 2)
    return ((3, height, width),) if frame_format == "rgb" else ((height, width), half, half)


def _check_size(size: tuple[int, int]) -> None:
    pair = isinstance(size, (tuple, list)) and len(size) == 2
    if not pair or not all(isinstance(side, int) and 1 <= side <= MAX_SIDE for side in size):
        raise UsageError(f"frame size is {size!r}; accepted: (height, width), each 1..{MAX_SIDE}")
