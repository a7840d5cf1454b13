"""Layers that the models share: the bound with Balle's gradient, GDN, QReLU, 5x5 convolutions that halve and double."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["GDN", "LowerBound", "QReLU", "conv", "deconv"]


def conv(channels_in: int, channels_out: int, kernel_size: int = 5, stride: int = 2) -> nn.Conv2d:
    """(N, C_in, H, W) -> (N, C_out, ceil(H / stride), ceil(W / stride))."""
    return nn.Conv2d(channels_in, channels_out, kernel_size, stride, kernel_size // 2)


def deconv(
    channels_in: int, channels_out: int, kernel_size: int = 5, stride: int = 2
) -> nn.ConvTranspose2d:
    """(N, C_in, H, W) -> (N, C_out, H * stride, W * stride)."""
    return nn.ConvTranspose2d(
        channels_in, channels_out, kernel_size, stride, kernel_size // 2, output_padding=stride - 1
    )


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


class NonNegative(nn.Module):
    """Parameters stored as sqrt(value + pedestal), so that their values stay at or above `minimum` and steps shrink near zero."""

    pedestal: Tensor

    def __init__(self, minimum: float) -> None:
        super().__init__()
        pedestal = 2.0**-36
        self.register_buffer("pedestal", torch.tensor([pedestal]))
        self.lower_bound = LowerBound(math.sqrt(minimum + pedestal))

    def stored(self, value: Tensor) -> Tensor:
        """What to keep as the parameter for `value`, >= 0."""
        return torch.sqrt(value + self.pedestal)

    def forward(self, stored: Tensor) -> Tensor:
        bounded: Tensor = self.lower_bound(stored)
        return bounded**2 - self.pedestal


class GDN(nn.Module):
    """Generalised divisive normalisation (Balle et al., ICLR 2016, section 3; exponents 2 and 1/2), (N, C, H, W) to the same.

    x_i / sqrt(beta_i + sum_j gamma_ij x_j^2), or times that root when `inverse`.
    """

    def __init__(self, channels: int, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta_reparam, self.gamma_reparam = NonNegative(1e-6), NonNegative(0)
        self.beta = nn.Parameter(self.beta_reparam.stored(torch.ones(channels)))
        self.gamma = nn.Parameter(self.gamma_reparam.stored(0.1 * torch.eye(channels)))

    def forward(self, x: Tensor) -> Tensor:
        gamma = self.gamma_reparam(self.gamma)[:, :, None, None]
        energy = F.conv2d(x**2, gamma, self.beta_reparam(self.beta))
        return x * (energy.sqrt() if self.inverse else energy.rsqrt())


class _QReLUFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, maximum: int, beta: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.maximum, ctx.beta = maximum, beta
        return x.clamp(0, maximum)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (x,), (grad,) = ctx.saved_tensors, grads
        distance = math.gamma(1 + 1 / ctx.beta) * (2 * x / ctx.maximum - 1).abs()
        inside = (x >= 0) & (x <= ctx.maximum)
        return torch.where(inside, grad, grad * torch.exp(-(distance**ctx.beta))), None, None


class QReLU(nn.Module):
    """Clamps to 0 .. 2 ** bit_depth - 1 (Balle, Johnston, Minnen, ICLR 2019, section 3), any shape.

    Its gradient fades outside of that range, the faster the larger `beta` is, so that clamped values can come back. It does not round
    (nor does CompressAI's): the published ssf2020 weights rely on activations between the integers.
    """

    def __init__(self, bit_depth: int = 8, beta: float = 100) -> None:
        super().__init__()
        self.bit_depth, self.beta = bit_depth, beta

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = _QReLUFunction.apply(x, (1 << self.bit_depth) - 1, self.beta)  # type: ignore[no-untyped-call]
        return y
