"""What a model of frames is to the rest of streamcodec, whatever it computes with.

Two kinds stand behind it: the default models, whose frames are 4:2:0 planes, native (native_model.py),
where they need numpy alone, or decoded by PyTorch (dct_torch/); and the zoo (zoo_model.py), RGB networks
of PyTorch.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from streamcodec.errors import UsageError
from streamcodec.types import MAX_RUN, FrameFormat, FrameType, Planes, Precision, Preset

__all__ = ["Between", "CodedFrame", "FrameModel", "Reference", "Running"]


class Reference(Protocol):
    """What a model keeps of a decoded frame to code the next one: a value, and opaque but for `planes`."""

    def planes(self) -> Planes:
        """The decoded frame at the video's size, in the model's format: arrays of the caller's own."""
        ...


@dataclass(frozen=True, eq=False)
class Between:
    """What a B-frame is coded with: the decoded frames `back` frames before it and `ahead` frames behind it, each 1..8.

    One of the two was coded from the other, and its motion tells what to expect of the B-frame's:
    `future` with `spanned_by_future`, else `past`, itself a B-frame.
    """

    past: Reference
    future: Reference
    back: int
    ahead: int
    spanned_by_future: bool

    def __post_init__(self) -> None:
        if not (1 <= self.back <= MAX_RUN + 1 and 1 <= self.ahead <= MAX_RUN + 1):
            raise UsageError(
                f"a B-frame lies {self.back} frames behind and {self.ahead} before its references; "
                f"accepted: 1..{MAX_RUN + 1}"
            )


@dataclass(frozen=True)
class Running:
    """How a frame is computed. `precision`: of PyTorch's networks. `preset`: of the native encoder.

    `threads`: CPU threads of the native models; as many give the same bytes and pixels.
    """

    precision: Precision = "fp32"
    preset: Preset = "medium"
    threads: int = 1


@dataclass(frozen=True, eq=False)
class CodedFrame:
    """`payload`: bytes of the frame packet. `reference`: what the next frame is coded with."""

    payload: bytes
    reference: Reference

    @cached_property
    def planes(self) -> Planes:
        """What every decoder shows, in the model's format."""
        return self.reference.planes()


class FrameModel(Protocol):
    """Codes I-frames (`role` "I") or P-frames ("P"), and with `codes_b_frames` B-frames too.

    `name` and `id` (16 bytes, a hash of all numbers in it) are what streams name. `device`: where it
    decodes, "cpu", "cuda", ...; `encode_device`: where it encodes. `has_one_rate`: the quality has no
    effect.
    """

    @property
    def name(self) -> str: ...
    @property
    def id(self) -> bytes: ...
    @property
    def role(self) -> FrameType: ...
    @property
    def codes_b_frames(self) -> bool: ...
    @property
    def frame_format(self) -> FrameFormat: ...
    @property
    def device(self) -> str: ...
    @property
    def encode_device(self) -> str: ...
    @property
    def has_one_rate(self) -> bool: ...

    def between(self, two: Between) -> Reference:
        """What `encode` and `decode` take for a B-frame.

        Raises UsageError for frames that do not fit, and if the model codes none.
        """
        ...

    def encode(
        self, planes: Planes, quality: int, reference: Reference | None, running: Running
    ) -> CodedFrame:
        """Code a frame of the model's format; `quality` 0..63. The caller has checked both.

        `reference` is None for "I", else what this codec made of the frame before, or of two by
        `between`; its size is the frame's. Raises UsageError for a reference of another kind or size,
        StreamCodecError where memory runs out.
        """
        ...

    def decode(
        self, payload: bytes, size: tuple[int, int], reference: Reference | None, running: Running
    ) -> Reference:
        """Decode a payload of at least one byte; `size` is (height, width).

        Raises CorruptStreamError if it does not decode, and as `encode` does.
        """
        ...
