"""What symbols cost, without writing them: for measurements."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from streamcodec.codec.channel import from_positions, to_positions, values_at_positions
from streamcodec.entropy.coder import ContextModel, Tables
from streamcodec.entropy.context import ContextData
from streamcodec.entropy.tables import PROBABILITY_BITS, TableData, escape_bits

__all__ = ["CountingChannel"]

NOTHING_TO_READ = "a counting channel has nothing to read; the model must be given its input"


class CountingChannel:
    """An encoder's end that writes nothing and counts: the ideal cost of the symbols with the model's tables, for measurements.

    contexts: of a model that has some. bits: cost so far. symbols: how many came. coded: how many of them were not certain.
    """

    def __init__(self, tables: TableData, contexts: Sequence[ContextData] = ()) -> None:
        self._native = Tables(tables.quantized_cdf, tables.cdf_length, tables.offset)
        self._contexts = [ContextModel(*context.arguments()) for context in contexts]
        self._cdf, self._length, self._offset = (
            array.astype(np.int64)
            for array in (tables.quantized_cdf, tables.cdf_length, tables.offset)
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
        self.bits += float(
            (PROBABILITY_BITS - np.log2(self._cdf[rows, entry + 1] - self._cdf[rows, entry])).sum()
        )
        self.bits += float(escape_bits(-(symbols - self._offset[rows])[below], above=False).sum())
        self.bits += float(
            escape_bits((symbols - self._offset[rows] - escape + 1)[above], above=True).sum()
        )
