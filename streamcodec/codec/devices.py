"""PyTorch's devices: which one to take, and errors where its memory ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from streamcodec.errors import StreamCodecError, UsageError

__all__ = ["choose_device", "memory_for"]


def _usable() -> list[str]:
    """The devices of this machine."""
    return ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]


def choose_device(device: str | None) -> str:
    """`device` if it can be used, "cuda" or "cpu" if it is None; raises UsageError otherwise."""
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, dtype=torch.float64, device=device).cpu()  # which exact integers need
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ValueError) as error:
        raise UsageError(
            f"device is {device!r}, which cannot be used here; accepted: {', '.join(_usable())}"
        ) from error
    return device


@contextmanager
def memory_for(size: tuple[int, int]) -> Iterator[None]:
    """Lack of memory for a frame of (height, width) becomes a StreamCodecError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        known = (MemoryError, torch.cuda.OutOfMemoryError)
        if not isinstance(error, known) and "DefaultCPUAllocator" not in str(error):
            raise
        raise StreamCodecError(
            f"not enough memory for a frame of {size[1]}x{size[0]}: {error}"
        ) from error
