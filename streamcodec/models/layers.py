"""Layers that the models share: the bound with Balle's gradient, GDN, 5x5 convolutions that halve and double, QReLU."""

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["LowerBound"]


class _LowerBoundFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: Tensor) -> Tensor:
        ctx.save_for_backward(x, bound)
        return torch.max(x, bound)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        x, bound = ctx.saved_tensors
        (grad,) = grads
        return grad * ((x >= bound) | (grad < 0)), None


class LowerBound(nn.Module):
    """max(x, bound), any shape. A gradient that would push x up passes below the bound too, so that x can come back."""

    bound: Tensor

    def __init__(self, bound: float) -> None:
        super().__init__()
        self.register_buffer("bound", torch.tensor([float(bound)]))

    def forward(self, x: Tensor) -> Tensor:
        bounded: Tensor = _LowerBoundFunction.apply(x, self.bound)  # type: ignore[no-untyped-call]
        return bounded
