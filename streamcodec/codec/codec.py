"""A codec as a value: the models that code I- and P-frames, and how they compute."""

from dataclasses import dataclass

from streamcodec.checks import check_precision, check_preset
from streamcodec.codec.model import Between, FrameModel, Reference, Running
from streamcodec.errors import UsageError
from streamcodec.runtime import threads
from streamcodec.types import FrameFormat, Precision, Preset

__all__ = ["Codec"]


@dataclass(frozen=True, eq=False)
class Codec:
    """`inter` None codes I-frames only. `precision`: arithmetic of PyTorch's networks; the native models have one.

    `preset`: how much a native encoder tries.
    """

    intra: FrameModel
    inter: FrameModel | None
    precision: Precision = "fp32"
    preset: Preset = "medium"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        check_preset(self.preset)
        if self.intra.role != "I":
            raise UsageError(f"intra model is {self.intra.name}, which does not code I-frames")
        if self.inter is not None and self.inter.role != "P":
            raise UsageError(f"inter model is {self.inter.name}, which does not code P-frames")
        if self.inter is not None and self.inter.frame_format != self.intra.frame_format:
            raise UsageError(
                f"intra model {self.intra.name} codes {self.intra.frame_format}, "
                f"inter model {self.inter.name} {self.inter.frame_format}; accepted: two of one format"
            )

    @property
    def frame_format(self) -> FrameFormat:
        """Of the frames that go in and come out."""
        return self.intra.frame_format

    @property
    def codes_b_frames(self) -> bool:
        """Whether frames can lie between two others that they are predicted from."""
        return self.inter is not None and self.inter.codes_b_frames

    @property
    def device(self) -> str:
        """Where its models decode: "cpu", "cuda", ..."""
        return self.intra.device

    @property
    def encode_device_type(self) -> str:
        """Where they encode: "cpu" or "cuda", without the number of the device."""
        return self.intra.encode_device.partition(":")[0]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user who encodes should know of it, a line each."""
        if self.intra.encode_device == self.intra.device:
            return ()
        return (
            f"{self.intra.name} decodes on {self.device}; it encodes on the CPU, to the same bytes",
        )

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Of its models, in hex: with the release and the settings they decide a stream's bytes."""
        models = (self.intra, self.inter)
        return tuple(model.id.hex() for model in models if model is not None)

    @property
    def running(self) -> Running:
        """How a frame is computed now, in this process."""
        return Running(self.precision, self.preset, threads())

    def model_for(self, reference: Reference | Between | None) -> FrameModel:
        """The model that codes a frame after this reference: the intra model without one, or without an inter model."""
        return self.intra if reference is None or self.inter is None else self.inter
