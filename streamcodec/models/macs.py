"""How much arithmetic coding takes: multiplications of convolutions and matrix products, counted as they are dispatched.

So nothing is missed that is not a layer: the blur of the references, and the exact scale path with its shifted matrix products, padding
included. Context models, which run in native code, are counted by their layers. Not counted: what is done once per element
(activations, sampling, quantisation). The products themselves are left out, so that counting takes a tenth of a second, not the
seconds of a wide model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from streamcodec.entropy.context import ContextData
from streamcodec.errors import UsageError
from streamcodec.models.base import CompressionModel, ImageModel, InterModel
from streamcodec.models.symbols import SymbolChannel

__all__ = ["CodingCost", "coding_cost", "count_macs"]

SIDE = 256
"""Of the frame that is coded: a multiple of every stride, so that nothing is paid for borders but the exact path's."""

MATRIX_PRODUCTS = ("mm", "bmm", "addmm", "addmm_", "baddbmm", "baddbmm_")


@dataclass(frozen=True)
class CodingCost:
    """Of a model: its parameters, and thousands of multiplications (with an addition each) per pixel of a frame."""

    parameters: int
    encode_kmac: float
    decode_kmac: float


@torch.no_grad()
def coding_cost(model: CompressionModel) -> CodingCost:
    """Code a grey frame and decode it again, counting. ModelError before update(), UsageError if the model codes no frames."""
    size = (SIDE, SIDE)
    frame = torch.full((1, 3, *size), 0.5, device=next(model.parameters()).device)
    if isinstance(model, ImageModel):
        image = model
        encode = _cost(model, lambda channel: image.code(frame, size, channel))
        decode = _cost(model, lambda channel: image.code(None, size, channel))
    elif isinstance(model, InterModel):
        inter = model
        encode = _cost(model, lambda channel: inter.code(frame, frame, channel))
        decode = _cost(model, lambda channel: inter.code(None, frame, channel))
    else:
        raise UsageError(
            f"{type(model).__name__} codes no frames; accepted: an ImageModel or an InterModel"
        )
    per_pixel = 1 / (1000 * SIDE**2)
    return CodingCost(
        sum(parameter.numel() for parameter in model.parameters()),
        encode * per_pixel,
        decode * per_pixel,
    )


def count_macs(work: Callable[[], object]) -> int:
    """Multiplications of all convolutions and matrix products that `work` would run; what it returns is not a result."""
    counter = _Counter()
    with counter:
        work()
    return counter.macs


def _cost(model: CompressionModel, code: Callable[[SymbolChannel], object]) -> int:
    channel = _Zeros(model.contexts())
    return count_macs(lambda: code(channel)) + channel.macs


class _Zeros:
    """A channel whose symbols are all 0, for both ends. `macs`: multiplications of the context models."""

    def __init__(self, contexts: Sequence[ContextData]) -> None:
        self.contexts, self.macs = contexts, 0

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        return torch.zeros_like(indexes) if symbols is None else symbols

    def code_in_context(self, values: Tensor | None, features: Tensor, context: int = 0) -> Tensor:
        data, (height, width) = self.contexts[context], features.shape[-2:]
        self.macs += data.multiplications(height, width)
        return (
            torch.zeros(1, data.channels, height, width, device=features.device)
            if values is None
            else values.float()
        )


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs = 0

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Of a product, only the shape is worked out; its values are all 1 (0 could be divided by)."""
        name = operator.overloadpacket.__name__
        if name != "convolution" and name not in MATRIX_PRODUCTS:
            return operator(*args, **(kwargs or {}))
        shape = operator(*map(_on_meta, args), **(kwargs or {})).shape
        out = args[0] if name.endswith("_") else args[0].new_ones(shape)
        if name == "convolution":
            x, weight, transposed = args[0], args[1], args[6]
            self.macs += weight[0].numel() * (x if transposed else out).numel()
        else:
            factor = args[1] if name.startswith(("add", "badd")) else args[0]
            self.macs += factor.shape[-1] * out.numel()
        return out


def _on_meta(argument: Any) -> Any:
    return argument.to("meta") if isinstance(argument, Tensor) else argument
