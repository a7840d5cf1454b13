"""The one way by which symbols leave a model or enter it."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamcodec._native import ContextModel, Tables
from streamcodec.context import ContextData
from streamcodec.errors import ModelError
from streamcodec.models.exact_plan import FRACTION_BITS
from streamcodec.tables import PROBABILITY_BITS, TableData, escape_bits

__all__ = ["CountingChannel", "SymbolChannel", "from_positions", "to_positions", "values_at_positions"]

MAX_VALUE = 2.0**18
NOTHING_TO_READ = "a counting channel has nothing to read; the model must be given its input"


class SymbolChannel(Protocol):
    """One end of a stream of symbols. An encoder's end writes what it is given, a decoder's end reads what was written.

    A model calls `code` in the same order with the same indexes on both sides, whatever the device, precision or
    number of threads: the indexes come from the symbols before them, by exact integer arithmetic (exact.py).
    """

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        """Write `symbols` and return them, or read them if None; elements in C order.

        indexes: int32, any shape: row of the model's `tables()` for each symbol. symbols: int32, same shape. A row that
        is certain (its cdf_length is 2) codes nothing: its symbol must be the row's offset, and is read as such.
        """
        ...

    def code_in_context(self, values: Tensor | None, features: Tensor, context: int = 0) -> Tensor:
        """Write a latent whose probabilities come from what was written of it before, or read it if None; both return y_hat.

        values: (1, M, h, w) float. features: (1, F, h, w) int32, in units of 2^-FRACTION_BITS, within +-LIMIT (exact_plan.py).
        context: which of the model's `contexts()`. y_hat: (1, M, h, w) float32, the same on both sides, on the device of `features`.
        """
        ...


def to_positions(x: Tensor) -> NDArray[np.int32]:
    """(1, C, h, w) int32 -> (h, w, C), contiguous, as the native coder takes it."""
    return x.detach()[0].permute(1, 2, 0).to("cpu", torch.int32).contiguous().numpy()


def values_at_positions(values: Tensor) -> NDArray[np.int32]:
    """(1, M, h, w) float -> (h, w, M) in units of 2^-FRACTION_BITS, within +-MAX_VALUE. ModelError for NaN."""
    if values.isnan().any():
        raise ModelError("a latent holds NaN; the weights are damaged, or the input is far outside of [0, 1]")
    return to_positions((values.double().clamp(-MAX_VALUE, MAX_VALUE) * 2**FRACTION_BITS).round())


def from_positions(y_hat: NDArray[np.int32], device: torch.device) -> Tensor:
    """(h, w, M) in units of 2^-FRACTION_BITS -> (1, M, h, w) float32, exact where its magnitude is up to 4096."""
    return (torch.from_numpy(y_hat).to(device).permute(2, 0, 1)[None].float() * 2.0**-FRACTION_BITS).contiguous()


class CountingChannel:
    """An encoder's end that writes nothing and counts: the ideal cost of the symbols with the model's tables, for measurements.

    contexts: of a model that has some. bits: cost so far. symbols: how many came. coded: how many of them were not certain.
    """

    def __init__(self, tables: TableData, contexts: Sequence[ContextData] = ()) -> None:
        self._native = Tables(tables.quantized_cdf, tables.cdf_length, tables.offset)
        self._contexts = [ContextModel(*context.arguments()) for context in contexts]
        self._cdf, self._length, self._offset = (
            array.astype(np.int64) for array in (tables.quantized_cdf, tables.cdf_length, tables.offset)
        )
        self.bits, self.symbols, self.coded = 0.0, 0, 0

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        if symbols is None:
            raise TypeError(NOTHING_TO_READ)
        self._count(*(tensor.detach().cpu().numpy().ravel() for tensor in (symbols, indexes)))
        return symbols

    def code_in_context(self, values: Tensor | None, features: Tensor, context: int = 0) -> Tensor:
        if values is None:
            raise TypeError(NOTHING_TO_READ)
        model, positions = self._contexts[context], to_positions(features)
        y_hat, symbols, indexes = model.choose(self._native, values_at_positions(values), positions)
        self._count(symbols.ravel(), indexes.ravel())
        return from_positions(y_hat, features.device)

    def _count(self, values: NDArray[np.int32], rows: NDArray[np.integer[Any]]) -> None:
        self.symbols += len(rows)
        uncertain = self._length[rows] > 2
        rows, symbols = rows[uncertain], values[uncertain].astype(np.int64)
        self.coded += len(rows)
        escape, entry = self._length[rows] - 2, symbols - self._offset[rows]
        below, above = entry < 0, entry >= escape
        entry = np.where(below | above, escape, entry)
        self.bits += float((PROBABILITY_BITS - np.log2(self._cdf[rows, entry + 1] - self._cdf[rows, entry])).sum())
        self.bits += float(escape_bits(-(symbols - self._offset[rows])[below], above=False).sum())
        self.bits += float(escape_bits((symbols - self._offset[rows] - escape + 1)[above], above=True).sum())
