"""The default models: 4:2:0 planes in and out, all of it in C++ and in integers (native/)."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from streamcodec.codec.model import CodedFrame, Reference, Running
from streamcodec.errors import StreamCodecError, UsageError
from streamcodec.types import FrameFormat, FrameType, Planes

__all__ = ["NativeModel", "load_native_model"]


class NativeCoder(Protocol):
    """What the classes of the compiled module have in common."""

    def encode(
        self,
        planes: Planes,
        quality: int,
        reference: Any,
        *,
        threads: int,
        preset: str,
    ) -> tuple[bytes, Reference]: ...

    def decode(self, payload: bytes, size: tuple[int, int], reference: Any, *, threads: int) -> Reference: ...


class NativeModel:
    """A FrameModel (model.py) around an object of the compiled module."""

    frame_format: FrameFormat = "yuv420"
    device = "cpu"
    has_one_rate = False

    def __init__(self, name: str, model_id: bytes, role: FrameType, coder: NativeCoder) -> None:
        self.name, self.id, self.role, self._coder = name, model_id, role, coder

    def encode(self, planes: Planes, quality: int, reference: Reference | None, running: Running) -> CodedFrame:
        """As FrameModel has it."""
        contiguous = tuple(np.ascontiguousarray(plane) for plane in planes)
        try:
            payload, decoded = self._coder.encode(contiguous, quality, reference, threads=running.threads, preset=running.preset)
        except MemoryError as error:
            raise _too_large(planes[0].shape) from error
        except TypeError as error:
            raise _wrong_reference(reference) from error
        return CodedFrame(payload, decoded)

    def decode(self, payload: bytes, size: tuple[int, int], reference: Reference | None, running: Running) -> Reference:
        """As FrameModel has it."""
        try:
            return self._coder.decode(payload, size, reference, threads=running.threads)
        except MemoryError as error:
            raise _too_large(size) from error
        except TypeError as error:
            raise _wrong_reference(reference) from error


def load_native_model(path: Path) -> NativeModel:
    """The model in a weights file of the default kind. Raises ModelError if it is missing, damaged or something else."""
    from streamcodec.codec.dct_weights import load_dct_weights

    weights = load_dct_weights(path)
    return NativeModel(path.stem, weights.id, "I" if weights.kind == "intra" else "P", weights.native())


def _too_large(size: tuple[int, ...]) -> StreamCodecError:
    return StreamCodecError(f"memory does not suffice for a frame of {size[1]}x{size[0]}")


def _wrong_reference(reference: object) -> UsageError:
    kind = type(reference).__name__
    return UsageError(f"reference is a {kind}; accepted: what the frame before was coded to")
