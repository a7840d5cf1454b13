"""The default models: 4:2:0 planes in and out, all of it in C++ and in integers (native/)."""

from pathlib import Path

import numpy as np

from streamcodec import _native
from streamcodec.codec.dct_weights import DctWeights, load_dct_weights
from streamcodec.codec.model import Between, CodedFrame, Reference, Running
from streamcodec.errors import StreamCodecError, UsageError
from streamcodec.types import FrameFormat, FrameType, Planes

__all__ = ["NativeModel", "load_native_model", "native_model_of", "other_kind"]

NativeCoder = _native.IntraModel | _native.InterModel


class NativeModel:
    """A FrameModel (model.py) around an object of the compiled module."""

    frame_format: FrameFormat = "yuv420"
    device = "cpu"
    encode_device = "cpu"
    has_one_rate = False

    def __init__(self, name: str, model_id: bytes, role: FrameType, coder: NativeCoder) -> None:
        self.name, self.id, self._coder = name, model_id, coder
        self.role: FrameType = role

    def __repr__(self) -> str:
        return f"<NativeModel {self.name}>"

    @property
    def codes_b_frames(self) -> bool:
        return self.role == "P"

    def between(self, two: Between) -> Reference:
        """As FrameModel has it."""
        if not self.codes_b_frames:
            raise UsageError(f"{self.name} codes no B-frames")
        past, future = _own(two.past), _own(two.future)
        return past.between(
            future, back=two.back, ahead=two.ahead, spanned_by_future=two.spanned_by_future
        )

    def encode(
        self, planes: Planes, quality: int, reference: Reference | None, running: Running
    ) -> CodedFrame:
        """As FrameModel has it."""
        y, u, v = (np.ascontiguousarray(plane) for plane in planes)
        before = None if reference is None else _own(reference)
        try:
            payload, decoded = self._coder.encode(
                (y, u, v), quality, before, threads=running.threads, preset=running.preset
            )
        except MemoryError as error:
            raise _too_large(y.shape) from error
        return CodedFrame(payload, decoded)

    def decode(
        self, payload: bytes, size: tuple[int, int], reference: Reference | None, running: Running
    ) -> Reference:
        """As FrameModel has it."""
        before = None if reference is None else _own(reference)
        try:
            return self._coder.decode(payload, size, before, threads=running.threads)
        except MemoryError as error:
            raise _too_large(size) from error


def load_native_model(path: Path) -> NativeModel:
    """The model in a weights file of the default kind. Raises ModelError if it is missing, damaged or something else."""
    return native_model_of(path.stem, load_dct_weights(path))


def native_model_of(name: str, weights: DctWeights) -> NativeModel:
    """The model with these weights. Raises ModelError for numbers that are not accepted."""
    return NativeModel(name, weights.id, "I" if weights.kind == "intra" else "P", weights.native())


def other_kind(reference: object) -> UsageError:
    """What to raise for a reference that no model of this kind made."""
    return UsageError(
        f"reference is a {type(reference).__name__}; accepted: what the frame before was coded to"
    )


def _own(reference: Reference) -> _native.Reference:
    if isinstance(reference, _native.Reference):
        return reference
    raise other_kind(reference)


def _too_large(size: tuple[int, ...]) -> StreamCodecError:
    return StreamCodecError(f"not enough memory for a frame of {size[1]}x{size[0]}")
