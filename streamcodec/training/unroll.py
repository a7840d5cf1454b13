"""P-frames of one step, each on the reconstruction of the one before, with gradients that flow from the last to the first."""

from collections.abc import Iterator

from torch import Tensor

from streamcodec.models import QuarterFlow
from streamcodec.training.chains import lay, snap_straight_through
from streamcodec.training.config import TrainConfig
from streamcodec.training.loss import Cost, flow_cost

__all__ = ["walk_unrolled"]


def walk_unrolled(
    model: QuarterFlow, frames: Iterator[tuple[Tensor, Tensor]], references: Tensor, q: Tensor, config: TrainConfig
) -> tuple[list[Cost], Tensor]:
    """Code `config.unroll` P-frames. `frames` gives frames (N, 3, S, S) and hints (N, 2, S/4, S/4); references (N, 3, S, S), q (N,).

    A reference is snapped to 8 bits as in the codec, with the gradient let through. Returns what each frame cost, and x_hat
    (N, 3, S, S) of the last.
    """
    costs: list[Cost] = []
    x_hat = references
    while len(costs) < config.unroll:
        pictures, hints = next(frames)
        reference = lay(snap_straight_through(x_hat) if costs else references, config)
        output = model(pictures, reference, q, hints)
        costs.append(flow_cost(output, pictures, q, config))
        x_hat = output["x_hat"]
    return costs, x_hat
