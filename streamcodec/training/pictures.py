"""What the models make of a few fixed crops, to look at while they learn."""

import torch
import torch.nn.functional as F
from torch import Tensor

from streamcodec.training.chains import lay, snap, to_frames
from streamcodec.training.data import View
from streamcodec.training.loop import Trainer

__all__ = ["flow_wheel", "picture_sheet"]

CROPS = 4
FULL_COLOUR_PIXELS = 8.0
"""Length of a displacement that is drawn in full colour."""


@torch.no_grad()
def picture_sheet(trainer: Trainer) -> Tensor:
    """(3, CROPS * S, 4 * S) float in [0, 1]: a row for each crop; source, prediction, flow and reconstruction of a P-frame on an I-frame.

    At the middle gain row. Where only the image model is trained: source and reconstruction of the I-frame. Nothing that
    training depends on is changed, chance included.
    """
    config, device = trainer.config, trainer.device
    views = [View(clip * max(len(trainer.source) // CROPS, 1), 0, 0, config.crop, False) for clip in range(CROPS)]
    first, second = (to_frames([trainer.source.frame(view, t) for view in views], config, device) for t in (0, 1))
    q = torch.full((CROPS,), (config.gain_rows - 1) / 2, device=device)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        heads = trainer.image(first, q)["x_hat"]
        if not config.flow_batch:
            return _sheet([first, heads])
        hints = torch.stack([torch.from_numpy(trainer.source.hint(view, 1, 1)) for view in views]).to(device)
        output = trainer.flow(second, lay(snap(heads.float()), config), q, hints)
    flow = F.interpolate(flow_wheel(output["flow"]), scale_factor=4)
    return _sheet([second, output["prediction"], flow, output["x_hat"]])


def flow_wheel(flow: Tensor) -> Tensor:
    """Displacements (N, 2, H, W) in pixels -> colours (N, 3, H, W) in [0, 1]: hue by direction, white where nothing moves."""
    x, y = flow.float().unbind(1)
    strength = (torch.hypot(x, y) / FULL_COLOUR_PIXELS).clamp(max=1)
    sixths = torch.atan2(y, x) * (3 / torch.pi)  # -3 .. 3
    channels = [2 - torch.remainder(sixths - hue + 3, 6).sub(3).abs() for hue in (0, 2, -2)]
    return 1 - strength[:, None] * (1 - torch.stack(channels, 1).clamp(0, 1))


def _sheet(columns: list[Tensor]) -> Tensor:
    """Batches (N, 3, S, S) side by side, the samples below each other."""
    return torch.cat([column.float().clamp(0, 1).cpu() for column in columns], 3).transpose(0, 1).flatten(1, 2)
