"""The two ends of a frame's symbol stream: tensors on one side, bytes on the other."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamcodec.entropy.coder import ContextModel, SymbolDecoder, SymbolEncoder, Tables
from streamcodec.errors import ModelError
from streamcodec.models.exact.plan import FRACTION_BITS

__all__ = [
    "DecoderChannel",
    "EncoderChannel",
    "from_positions",
    "to_positions",
    "values_at_positions",
]

MAX_THREADS = 16
"""Of a context model: its positions that can be worked on at a time are few."""
MAX_VALUE = 2.0**18
NO_INPUT = "an encoder's model must be given its input"


class EncoderChannel:
    """Writes every symbol that a model codes; `finish` gives the bytes."""

    def __init__(self, tables: Tables, contexts: Sequence[ContextModel] = ()) -> None:
        self._encoder, self._contexts = SymbolEncoder(tables), contexts

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        """Write `symbols` (int32) with the tables' rows `indexes` (int32, same shape) and return them."""
        if symbols is None:
            raise TypeError(NO_INPUT)
        self._encoder.put(
            symbols.to("cpu", torch.int32).contiguous().numpy().ravel(), _rows(indexes)
        )
        return symbols

    def code_in_context(self, values: Tensor | None, features: Tensor, context: int = 0) -> Tensor:
        """Write `values` (1, M, h, w), given features (1, F, h, w), with one of the context models; returns y_hat."""
        if values is None:
            raise TypeError(NO_INPUT)
        model, positions = self._contexts[context], to_positions(features)
        y_hat = model.encode(
            self._encoder, values_at_positions(values), positions, threads=_threads()
        )
        return from_positions(y_hat, features.device)

    def finish(self) -> bytes:
        return self._encoder.finish()


class DecoderChannel:
    """Reads what an EncoderChannel wrote, given the same indexes in the same order.

    Raises CorruptStreamError where the bytes do not fit the indexes.
    """

    def __init__(self, tables: Tables, data: bytes, contexts: Sequence[ContextModel] = ()) -> None:
        self._decoder, self._contexts = SymbolDecoder(tables, data), contexts

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        """Read symbols, int32 in the shape of `indexes`, on the device of `indexes`."""
        read = self._decoder.get(_rows(indexes))
        return torch.from_numpy(read).view(indexes.shape).to(indexes.device)

    def code_in_context(self, values: Tensor | None, features: Tensor, context: int = 0) -> Tensor:
        """Read y_hat (1, M, h, w), given features (1, F, h, w), with one of the context models."""
        y_hat = self._contexts[context].decode(
            self._decoder, to_positions(features), threads=_threads()
        )
        return from_positions(y_hat, features.device)

    def finish(self) -> None:
        """Raise CorruptStreamError unless everything was read."""
        self._decoder.finish()


def to_positions(x: Tensor) -> NDArray[np.int32]:
    """(1, C, h, w) int32 -> (h, w, C), contiguous, as the native coder takes it."""
    return x.detach()[0].permute(1, 2, 0).to("cpu", torch.int32).contiguous().numpy()


def values_at_positions(values: Tensor) -> NDArray[np.int32]:
    """(1, M, h, w) float -> (h, w, M) in units of 2^-FRACTION_BITS, within +-MAX_VALUE. ModelError for NaN."""
    if values.isnan().any():
        raise ModelError(
            "a latent holds NaN; the weights are damaged, or the input is far outside of [0, 1]"
        )
    return to_positions((values.double().clamp(-MAX_VALUE, MAX_VALUE) * 2**FRACTION_BITS).round())


def from_positions(y_hat: NDArray[np.int32], device: torch.device) -> Tensor:
    """(h, w, M) in units of 2^-FRACTION_BITS -> (1, M, h, w) float32, exact where its magnitude is up to 4096."""
    return (
        torch.from_numpy(y_hat).to(device).permute(2, 0, 1)[None].float() * 2.0**-FRACTION_BITS
    ).contiguous()


def _threads() -> int:
    """As many as torch computes with; the native coder takes fewer for small latents."""
    return min(torch.get_num_threads(), MAX_THREADS)


def _rows(indexes: Tensor) -> NDArray[np.uint16]:
    return (
        indexes.to("cpu", torch.uint16).contiguous().numpy().ravel()
    )  # no copy of 4 bytes each on the way: they may be a view
