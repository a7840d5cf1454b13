"""What the models accept: frames whose sides are multiples of 16, since their latents lie at 1/16."""

from torch import Tensor

from streamcodec.errors import UsageError

__all__ = ["STRIDE", "check_frames", "check_pair", "latent_size"]

STRIDE = 16


def latent_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of the frame -> of its latents."""
    return size[0] // STRIDE, size[1] // STRIDE


def check_frames(x: Tensor, stride: int = STRIDE, size: tuple[int, int] | None = None) -> None:
    """Raise UsageError unless x is (N, 3, H, W) float with sides that are multiples of `stride`, and of `size` (height, width) if given."""
    if x.ndim != 4 or x.shape[1] != 3 or not x.is_floating_point():
        raise UsageError(
            f"frames are {tuple(x.shape)} {x.dtype}; accepted: (N, 3, H, W) float RGB in [0, 1]"
        )
    if min(x.shape) < 1 or x.shape[2] % stride or x.shape[3] % stride:
        raise UsageError(
            f"frames are {x.shape[3]}x{x.shape[2]}; accepted: multiples of {stride}, so pad them by replication"
        )
    if size is not None and (x.shape[0] != 1 or (x.shape[2], x.shape[3]) != size):
        raise UsageError(
            f"frame to code is {tuple(x.shape)}; accepted: (1, 3, {size[0]}, {size[1]})"
        )


def check_pair(x: Tensor | None, reference: Tensor) -> None:
    """Raise UsageError unless `reference` is a batch of frames, as check_frames has it, and x (if there is one) has its shape."""
    check_frames(reference)
    if x is not None and x.shape != reference.shape:
        raise UsageError(
            f"reference is {tuple(reference.shape)}; accepted: the frame's shape, {tuple(x.shape)}"
        )
