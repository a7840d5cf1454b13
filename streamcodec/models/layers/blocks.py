"""Building blocks of the deeper image models: residual blocks, sub-pixel convolutions, attention (Cheng et al., CVPR 2020, section 3.3).

The names of their parts are the published ones, so that published weights load.
"""

import torch
from torch import Tensor, nn

from streamcodec.models.layers.basic import GDN, conv

__all__ = [
    "AttentionBlock",
    "ResidualBlock",
    "ResidualBlockUpsample",
    "ResidualBlockWithStride",
    "subpel_conv",
]


def subpel_conv(channels_in: int, channels_out: int, factor: int = 2) -> nn.Sequential:
    """(N, C_in, H, W) -> (N, C_out, factor H, factor W): a 3x3 convolution to factor^2 times the channels, spread over the pixels."""
    return nn.Sequential(conv(channels_in, channels_out * factor**2, 3, 1), nn.PixelShuffle(factor))


class ResidualBlock(nn.Module):
    """(N, C_in, H, W) -> (N, C_out, H, W): two 3x3 convolutions, each with a LeakyReLU, around a skip connection."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (
            conv(channels_in, channels_out, 3, 1),
            conv(channels_out, channels_out, 3, 1),
        )
        self.leaky_relu = nn.LeakyReLU()
        self.skip = (
            nn.Identity() if channels_in == channels_out else conv(channels_in, channels_out, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.leaky_relu(self.conv2(self.leaky_relu(self.conv1(x)))) + self.skip(x)
        return out


class ResidualBlockWithStride(nn.Module):
    """(N, C_in, H, W) -> (N, C_out, ceil(H / stride), ceil(W / stride)), with a GDN at its end and a 1x1 convolution around it."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 2) -> None:
        super().__init__()
        self.conv1, self.conv2 = (
            conv(channels_in, channels_out, 3, stride),
            conv(channels_out, channels_out, 3, 1),
        )
        self.leaky_relu = nn.LeakyReLU()
        self.gdn = GDN(channels_out)
        self.skip = conv(channels_in, channels_out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.gdn(self.conv2(self.leaky_relu(self.conv1(x)))) + self.skip(x)
        return out


class ResidualBlockUpsample(nn.Module):
    """(N, C_in, H, W) -> (N, C_out, factor H, factor W): the way back, by sub-pixel convolutions and an inverse GDN."""

    def __init__(self, channels_in: int, channels_out: int, factor: int = 2) -> None:
        super().__init__()
        self.subpel_conv, self.conv = (
            subpel_conv(channels_in, channels_out, factor),
            conv(channels_out, channels_out, 3, 1),
        )
        self.leaky_relu = nn.LeakyReLU()
        self.igdn = GDN(channels_out, inverse=True)
        self.upsample = subpel_conv(channels_in, channels_out, factor)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.igdn(self.conv(self.leaky_relu(self.subpel_conv(x)))) + self.upsample(x)
        return out


class ResidualUnit(nn.Module):
    """(N, C, H, W) to the same: 1x1, 3x3 and 1x1 convolutions, half as wide inside, around a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv = nn.Sequential(
            conv(channels, half, 1, 1),
            nn.ReLU(),
            conv(half, half, 3, 1),
            nn.ReLU(),
            conv(half, channels, 1, 1),
        )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.conv(x) + x)
        return out


class AttentionBlock(nn.Module):
    """(N, C, H, W) to the same: x + trunk(x) * sigmoid(mask(x)), the attention without its non-local block (section 3.3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_a = nn.Sequential(*(ResidualUnit(channels) for _ in range(3)))
        self.conv_b = nn.Sequential(
            *(ResidualUnit(channels) for _ in range(3)), conv(channels, channels, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv_a(x) * torch.sigmoid(self.conv_b(x))
        return out
