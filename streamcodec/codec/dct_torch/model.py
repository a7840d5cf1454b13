"""The default models with a device of PyTorch, as FrameModels: they decode there. Encoding is the native models'."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import torch

from streamcodec import _native
from streamcodec.codec.dct_torch.decoder import InterDecoder, IntraDecoder
from streamcodec.codec.dct_torch.reference import TorchBetween, TorchReference
from streamcodec.codec.dct_weights import DctWeights, load_dct_weights
from streamcodec.codec.devices import memory_for
from streamcodec.codec.model import Between, CodedFrame, Reference, Running
from streamcodec.codec.native_model import NativeModel, native_model_of, other_kind
from streamcodec.types import FrameFormat, FrameType, Planes

__all__ = ["TorchModel", "load_torch_model"]


class TorchModel:
    """A FrameModel (codec/model.py) on `device`. What it decodes is the native model's, to the last bit.

    The encoder is the native one: the search of motion and the choice of symbols go step by step, which is
    work for a CPU.
    """

    frame_format: ClassVar[FrameFormat] = "yuv420"
    has_one_rate: ClassVar[bool] = False
    encode_device: ClassVar[str] = NativeModel.encode_device

    def __init__(self, name: str, weights: DctWeights, device: str) -> None:
        kind = IntraDecoder if weights.kind == "intra" else InterDecoder
        self._native = native_model_of(name, weights)  # which checks the numbers
        self._decoder = kind(weights, torch.device(device))
        self.name, self.id, self.device = name, self._native.id, device

    def __repr__(self) -> str:
        return f"<TorchModel {self.name} on {self.device}>"

    @property
    def role(self) -> FrameType:
        return self._native.role

    @property
    def codes_b_frames(self) -> bool:
        return self._native.codes_b_frames

    def between(self, two: Between) -> Reference:
        """As FrameModel has it; if one of the two was just encoded, on the CPU."""
        past, future = two.past, two.future
        if isinstance(past, TorchReference) and isinstance(future, TorchReference):
            between = TorchBetween(past, future, two.back, two.ahead, two.spanned_by_future)
            return TorchReference.of_b_frame(between)
        return self._native.between(replace(two, past=_native_of(past), future=_native_of(future)))

    def encode(
        self, planes: Planes, quality: int, reference: Reference | None, running: Running
    ) -> CodedFrame:
        """As FrameModel has it, on the CPU."""
        before = None if reference is None else _native_of(reference)
        return self._native.encode(planes, quality, before, running)

    def decode(
        self, payload: bytes, size: tuple[int, int], reference: Reference | None, running: Running
    ) -> Reference:
        """As FrameModel has it; after a frame that was just encoded, on the CPU."""
        if isinstance(reference, _native.Reference):
            return self._native.decode(payload, size, reference, running)
        if not (reference is None or isinstance(reference, TorchReference)):
            raise other_kind(reference)
        with memory_for(size), torch.inference_mode():
            return self._decoder.decode(payload, size, reference)


def _native_of(reference: Reference) -> Reference:
    return reference.native() if isinstance(reference, TorchReference) else reference


def load_torch_model(path: Path, device: str) -> TorchModel:
    """The model in a weights file of the default kind; the device can be used.

    Raises ModelError if the file is missing, damaged or something else.
    """
    return TorchModel(path.stem, load_dct_weights(path), device)
