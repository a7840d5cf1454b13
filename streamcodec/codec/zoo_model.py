"""The published models: RGB networks of PyTorch as FrameModels. Only this, `channel` and `counting` need it.

Payload behind the quality byte: the entropy coder's bytes, every symbol of the frame in the order of
the model's `code`, which is the decoder's half, written once; the encoder runs it too. The reference
is the decoded frame, snapped to 8 bits, so that the next frame needs nothing but pixels that are shown.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from streamcodec.codec.channel import DecoderChannel, EncoderChannel
from streamcodec.codec.devices import memory_for
from streamcodec.codec.model import Between, CodedFrame, Reference, Running
from streamcodec.entropy.coder import ContextModel, Tables
from streamcodec.errors import ModelError, UsageError
from streamcodec.models import ImageModel, InterModel, SymbolChannel
from streamcodec.types import FrameFormat, FrameType, Planes, Precision

__all__ = ["RgbReference", "ZooModel"]

STRIDE = 16  # the latents are at 1/16 of the frame: it is padded to a multiple


@dataclass(frozen=True, eq=False)
class RgbReference:
    """A decoded frame: one plane (3, H, W) uint8 RGB."""

    rgb: Planes

    def planes(self) -> Planes:
        return (self.rgb[0].copy(),)


@dataclass(frozen=True, eq=False, repr=False)
class ZooModel:
    """A model with its tables and its context models; a FrameModel (model.py). It has one rate: the quality has no effect."""

    frame_format: ClassVar[FrameFormat] = "rgb"
    has_one_rate: ClassVar[bool] = True
    codes_b_frames: ClassVar[bool] = False
    name: str
    id: bytes
    model: ImageModel | InterModel
    tables: Tables
    contexts: tuple[ContextModel, ...] = ()
    device: str = "cpu"

    def __repr__(self) -> str:
        return f"<ZooModel {self.name} on {self.device}>"

    @classmethod
    def of(
        cls, name: str, model_id: bytes, model: ImageModel | InterModel, device: str = "cpu"
    ) -> "ZooModel":
        """Take a model after `update()`, which is on this device; ModelError if its tables are missing or damaged."""
        try:
            data = model.tables()
            contexts = tuple(ContextModel(*context.arguments()) for context in model.contexts())
            tables = Tables(data.quantized_cdf, data.cdf_length, data.offset)
        except UsageError as error:
            raise ModelError(
                f"model {name} has damaged tables or a damaged context model: {error}"
            ) from error
        return cls(name, model_id, model, tables, contexts, device)

    @property
    def encode_device(self) -> str:
        return self.device

    @property
    def role(self) -> FrameType:
        return "I" if isinstance(self.model, ImageModel) else "P"

    def between(self, two: Between) -> Reference:
        """As FrameModel has it: it codes none."""
        raise UsageError(f"{self.name} codes no B-frames")

    def encode(
        self, planes: Planes, quality: int, reference: Reference | None, running: Running
    ) -> CodedFrame:
        """As FrameModel has it."""
        size = _size(planes)
        channel = EncoderChannel(self.tables, self.contexts)
        decoded = self._code(channel, planes, reference, size, running.precision)
        return CodedFrame(bytes([quality]) + channel.finish(), decoded)

    def decode(
        self, payload: bytes, size: tuple[int, int], reference: Reference | None, running: Running
    ) -> RgbReference:
        """As FrameModel has it.

        Symbols come before pixels: of a size that the payload does not pay for, little more than the
        symbols is allocated.
        """
        channel = DecoderChannel(self.tables, payload[1:], self.contexts)
        decoded = self._code(channel, None, reference, size, running.precision)
        channel.finish()
        return decoded

    def _code(
        self,
        channel: SymbolChannel,
        planes: Planes | None,
        reference: Reference | None,
        size: tuple[int, int],
        precision: Precision,
    ) -> RgbReference:
        model = self.model
        with memory_for(size), _arithmetic(torch.device(self.device), precision):
            x = None if planes is None else self._to_input(planes)
            if isinstance(model, ImageModel):
                x_hat = model.code(x, (_round_up(size[0]), _round_up(size[1])), channel)
            else:
                x_hat = model.code(x, self._to_input(_rgb_of(reference, size)), channel)
            return RgbReference((_to_pixels(x_hat, size).numpy(),))

    def _to_input(self, planes: Planes) -> Tensor:
        """(3, H, W) uint8 -> (1, 3, H', W') float in [0, 1].

        Sides are padded to multiples of 16 by repeating the last row and column.
        """
        height, width = _size(planes)
        x = torch.from_numpy(planes[0]).to(self.device)[None].float() / 255
        padding = (0, _round_up(width) - width, 0, _round_up(height) - height)
        return F.pad(x, padding, mode="replicate")


@contextmanager
def _arithmetic(device: torch.device, precision: Precision) -> Iterator[None]:
    """This precision, whatever the caller computes in. cuDNN's flags belong to the process: only where it runs."""
    exact_cudnn = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"),
        exact_cudnn if device.type == "cuda" else nullcontext(),
    ):
        yield


def _rgb_of(reference: Reference | None, size: tuple[int, int]) -> Planes:
    if not isinstance(reference, RgbReference):
        kind = type(reference).__name__
        raise UsageError(f"reference is a {kind}; accepted: what the frame before was coded to")
    height, width = _size(reference.rgb)
    if (height, width) != size:
        raise UsageError(
            f"reference is {width}x{height}; accepted: the frame's size, {size[1]}x{size[0]}"
        )
    return reference.rgb


def _to_pixels(x_hat: Tensor, size: tuple[int, int]) -> Tensor:
    snapped = (x_hat[0, :, : size[0], : size[1]].float().clamp(0, 1) * 255).round()
    return snapped.to("cpu", torch.uint8).contiguous()


def _size(planes: Planes) -> tuple[int, int]:
    return planes[0].shape[-2], planes[0].shape[-1]


def _round_up(side: int) -> int:
    return -(-side // STRIDE) * STRIDE
