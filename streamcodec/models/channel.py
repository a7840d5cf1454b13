"""The one way by which symbols leave a model or enter it."""

from typing import Protocol

import numpy as np
from torch import Tensor

from streamcodec.tables import PROBABILITY_BITS, TableData, escape_bits

__all__ = ["CountingChannel", "SymbolChannel"]


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


class CountingChannel:
    """An encoder's end that writes nothing and counts: the ideal cost of the symbols with the model's tables, for measurements.

    bits: cost so far. symbols: how many came. coded: how many of them were not certain.
    """

    def __init__(self, tables: TableData) -> None:
        self._cdf, self._length, self._offset = (
            array.astype(np.int64) for array in (tables.quantized_cdf, tables.cdf_length, tables.offset)
        )
        self.bits, self.symbols, self.coded = 0.0, 0, 0

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        if symbols is None:
            raise TypeError("a counting channel has nothing to read; the model must be given its input")
        rows, values = (tensor.detach().cpu().numpy().ravel() for tensor in (indexes, symbols))
        self.symbols += len(rows)
        uncertain = self._length[rows] > 2
        rows, values = rows[uncertain], values[uncertain].astype(np.int64)
        self.coded += len(rows)
        escape, entry = self._length[rows] - 2, values - self._offset[rows]
        below, above = entry < 0, entry >= escape
        entry = np.where(below | above, escape, entry)
        self.bits += float((PROBABILITY_BITS - np.log2(self._cdf[rows, entry + 1] - self._cdf[rows, entry])).sum())
        self.bits += float(escape_bits(-(values - self._offset[rows])[below], above=False).sum())
        self.bits += float(escape_bits((values - self._offset[rows] - escape + 1)[above], above=True).sum())
        return symbols
