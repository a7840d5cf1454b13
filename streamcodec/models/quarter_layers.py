"""Pieces of the default model: everything runs at 1/4, 1/8 and 1/16 of the frame."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Decoder", "Encoder", "conv3", "initialise"]


def conv3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


@torch.no_grad()
def initialise(module: nn.Module, last: nn.Conv2d, factor: float) -> None:
    """He initialisation of every convolution; the weights of the `last` are smaller by `factor`, which sets the size of the output."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    last.weight.mul_(factor)


class Residual(nn.Module):
    """x + conv(relu(conv(x))), shape unchanged."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv3(channels, channels), conv3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.conv2(F.relu(self.conv1(x)))
        return x + change


class Up(nn.Module):
    """(N, i, H, W) -> (N, o, 2H, 2W), not negative."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 4 * outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(F.pixel_shuffle(self.conv(x), 2))


def residuals(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(channels) for _ in range(count)))


class Encoder(nn.Module):
    """Frames (N, inputs, H, W), H and W multiples of 16 -> latent (N, latent, H/16, W/16).

    `hint` channels (N, hint, H/4, W/4) join at a quarter of the frame. width4 and width8 are the channels at 1/4 and 1/8.
    """

    def __init__(self, inputs: int, width4: int, width8: int, latent: int, hint: int = 0) -> None:
        super().__init__()
        self.head, self.body4 = conv3(16 * inputs + hint, width4), residuals(width4, 1)
        self.down8, self.body8 = conv3(width4, width8, 2), residuals(width8, 1)
        self.down16 = conv3(width8, latent, 2)
        initialise(self, self.down16, 0.8)

    def forward(self, x: Tensor, hint: Tensor | None = None) -> Tensor:
        x = F.pixel_unshuffle(x, 4)
        if hint is not None:
            x = torch.cat((x, hint), 1)
        x = self.body4(F.relu(self.head(x)))
        x = self.body8(F.relu(self.down8(x)))
        latent: Tensor = self.down16(x)
        return latent


class Decoder(nn.Module):
    """Latent (N, latent, h, w) -> (N, outputs, 4h, 4w), a quarter of the frame; `context` (N, context, 4h, 4w) joins there.

    Nothing is computed at the latent's own resolution, where a layer as wide as the latent would cost more than it is worth.
    blocks8 and blocks4 are the residual blocks at 1/8 and 1/4.
    """

    def __init__(self, latent: int, width4: int, width8: int, outputs: int, blocks8: int, blocks4: int, context: int = 0) -> None:
        super().__init__()
        self.up8 = Up(latent, width8)
        self.body8, self.up4 = residuals(width8, blocks8), Up(width8, width4)
        self.fuse = nn.Conv2d(width4 + context, width4, 1) if context else None
        self.body4, self.tail = residuals(width4, blocks4), conv3(width4, outputs)
        initialise(self, self.tail, 0.05)

    def forward(self, y_hat: Tensor, context: Tensor | None = None) -> Tensor:
        x = self.up4(self.body8(self.up8(y_hat)))
        if self.fuse is not None and context is not None:
            x = F.relu(self.fuse(torch.cat((x, context), 1)))
        frame: Tensor = self.tail(self.body4(x))
        return frame
