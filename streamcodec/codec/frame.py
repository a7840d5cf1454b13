"""One frame to bytes and back. The decoder's half is written once, in the models' `code`; the encoder runs it too.

Payload of a frame packet:

    offset  size  field
    0       1     quality, 0..63: position between the model's gain rows
    1       ...   the entropy coder's bytes (native/): every symbol of the frame in the order of the model's `code`

A frame without a reference is coded by the intra model, one with a reference by the inter model. The reference is the decoded
frame before it, snapped to 8 bits and cropped to the video's size, so that the next frame needs nothing but pixels that are shown.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from streamcodec.codec.channel import DecoderChannel, EncoderChannel
from streamcodec.codec.loaded import Codec, LoadedModel
from streamcodec.errors import CorruptStreamError, ModelError, StreamCodecError, UsageError
from streamcodec.models import ImageModel, InterModel, SymbolChannel
from streamcodec.types import MAX_SIDE, QUALITIES, check_quality
from streamcodec.video import flow_hint, gray_from_rgb

__all__ = ["CodedFrame", "decode_frame", "encode_frame"]

STRIDE = 16  # the latents are at 1/16 of the frame: it is padded to a multiple


@dataclass(frozen=True)
class CodedFrame:
    """`payload`: bytes of the frame packet. `reconstruction`: (3, H, W) uint8, what every decoder shows, and the next reference."""

    payload: bytes
    reconstruction: Tensor


def encode_frame(codec: Codec, frame: Tensor, reference: Tensor | None, quality: int) -> CodedFrame:
    """Code `frame` (3, H, W) uint8, given the decoded frame before it (same shape) or None for an I-frame.

    Raises UsageError for another shape, dtype or quality, StreamCodecError if memory runs out.
    """
    _check_frame("frame", frame)
    _check_reference(reference, _size(frame))
    check_quality(quality)
    model = codec.model_for(reference)
    channel = EncoderChannel(model.tables, model.contexts)
    reconstruction = _code(codec, model, channel, quality, frame, reference, _size(frame))
    return CodedFrame(bytes([quality]) + channel.finish(), reconstruction)


def decode_frame(codec: Codec, payload: bytes, reference: Tensor | None, size: tuple[int, int]) -> Tensor:
    """Decode one payload to (3, H, W) uint8; `size` is (height, width).

    Symbols come before pixels: of a size that the payload does not pay for, little more than the symbols is allocated.
    Raises CorruptStreamError if the payload does not decode, UsageError for a reference of another shape, StreamCodecError if memory
    runs out.
    """
    if not payload:
        raise CorruptStreamError("frame payload is empty; at least the quality byte was expected")
    if payload[0] >= QUALITIES:
        raise CorruptStreamError(f"frame payload has quality {payload[0]}; accepted: 0..{QUALITIES - 1}")
    _check_size(size)
    _check_reference(reference, size)
    model = codec.model_for(reference)
    channel = DecoderChannel(model.tables, payload[1:], model.contexts)
    reconstruction = _code(codec, model, channel, payload[0], None, reference, size)
    channel.finish()
    return reconstruction


def _code(
    codec: Codec,
    loaded: LoadedModel,
    channel: SymbolChannel,
    quality: int,
    frame: Tensor | None,
    reference: Tensor | None,
    size: tuple[int, int],
) -> Tensor:
    model = loaded.model
    q = quality / (QUALITIES - 1) * max(model.gain_rows - 1, 0)
    with _memory_for(size), _arithmetic(codec):
        x = None if frame is None else _to_input(frame, codec.device)
        if reference is None:
            if not isinstance(model, ImageModel):
                raise ModelError(f"{loaded.name} does not code I-frames")
            padded = (_round_up(size[0]), _round_up(size[1]))
            x_hat = model.code(x, padded, q, channel)
        else:
            if not isinstance(model, InterModel):
                raise ModelError(f"{loaded.name} does not code P-frames")
            hint = _hint(frame, reference, codec.device) if frame is not None and model.wants_flow_hint else None
            x_hat = model.code(x, _to_input(reference, codec.device), q, channel, hint)
        pixels = _to_pixels(x_hat, size)
    return torch.from_numpy(pixels.numpy())  # an ordinary tensor, which callers may change: it is not one of inference mode


@contextmanager
def _arithmetic(codec: Codec) -> Iterator[None]:
    """The codec's precision, whatever the caller computes in. cuDNN's flags belong to the whole process: only where cuDNN runs."""
    exact_cudnn = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with (
        torch.inference_mode(),
        torch.autocast(codec.device.type, dtype=torch.bfloat16, enabled=codec.precision == "bf16"),
        exact_cudnn if codec.device.type == "cuda" else nullcontext(),
    ):
        yield


@contextmanager
def _memory_for(size: tuple[int, int]) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)) and "DefaultCPUAllocator" not in str(error):
            raise
        raise StreamCodecError(f"memory does not suffice for a frame of {size[1]}x{size[0]}: {error}") from error


def _to_input(frame: Tensor, device: torch.device) -> Tensor:
    """(3, H, W) uint8 -> (1, 3, H', W') float in [0, 1], sides padded to multiples of 16 by repeating the last row and column."""
    height, width = _size(frame)
    x = frame.to(device)[None].float() / 255
    return F.pad(x, (0, _round_up(width) - width, 0, _round_up(height) - height), mode="replicate")


def _to_pixels(x_hat: Tensor, size: tuple[int, int]) -> Tensor:
    snapped = (x_hat[0, :, : size[0], : size[1]].float().clamp(0, 1) * 255).round()
    return snapped.to("cpu", torch.uint8).contiguous()


def _hint(frame: Tensor, reference: Tensor, device: torch.device) -> Tensor:
    """(1, 2, H'/4, W'/4): displacement in pixels from `frame` to `reference`, at the padded size."""
    flow = flow_hint(_luma(frame), _luma(reference))
    return torch.from_numpy(flow)[None].to(device)


def _luma(frame: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) uint8 RGB -> (H', W') uint8 luma, padded like the model's input."""
    height, width = _size(frame)
    luma = gray_from_rgb(frame.cpu().contiguous().numpy())
    return np.pad(luma, ((0, _round_up(height) - height), (0, _round_up(width) - width)), mode="edge")


def _check_frame(what: str, frame: Tensor) -> None:
    if frame.dtype != torch.uint8 or frame.ndim != 3 or frame.shape[0] != 3:
        raise UsageError(f"{what} is {tuple(frame.shape)} {frame.dtype}; accepted: (3, H, W) torch.uint8 RGB")
    height, width = _size(frame)
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise UsageError(f"{what} is {width}x{height} pixels; accepted: 1..{MAX_SIDE} on each side")


def _check_reference(reference: Tensor | None, size: tuple[int, int]) -> None:
    if reference is not None:
        _check_frame("reference", reference)
        if _size(reference) != size:
            raise UsageError(f"reference is {reference.shape[-1]}x{reference.shape[-2]}; accepted: the frame's size, {size[1]}x{size[0]}")


def _check_size(size: tuple[int, int]) -> None:
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(side, int) and 1 <= side <= MAX_SIDE for side in size):
        raise UsageError(f"frame size is {size!r}; accepted: (height, width), each 1..{MAX_SIDE}")


def _size(frame: Tensor) -> tuple[int, int]:
    return frame.shape[-2], frame.shape[-1]


def _round_up(side: int) -> int:
    return -(-side // STRIDE) * STRIDE
