"""Both ends of a symbol channel in memory, and what the symbols cost by the tables."""

import numpy as np
import torch
from torch import Tensor

from streamcodec.tables import TableData, escape_bits


class Writer:
    """Keeps what it is given. `symbols` and `indexes`: one int32 tensor per call."""

    def __init__(self) -> None:
        self.symbols: list[Tensor] = []
        self.indexes: list[Tensor] = []

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        assert symbols is not None
        assert symbols.dtype == indexes.dtype == torch.int32
        assert symbols.shape == indexes.shape
        self.symbols.append(symbols.clone())
        self.indexes.append(indexes.clone())
        return symbols

    def bits(self, tables: TableData) -> float:
        """Ideal cost of everything written; the symbol of a certain row must be its offset."""
        return sum(_bits(s.flatten().numpy(), i.flatten().numpy(), tables) for s, i in zip(self.symbols, self.indexes, strict=True))


class Reader:
    """Gives back what a Writer kept, if asked for it with the same indexes."""

    def __init__(self, written: Writer) -> None:
        self.left = list(zip(written.symbols, written.indexes, strict=True))

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        assert symbols is None
        written, expected = self.left.pop(0)
        assert torch.equal(indexes, expected)
        return written.clone()


def _bits(symbols: np.ndarray, rows: np.ndarray, tables: TableData) -> float:
    assert rows.min() >= 0
    assert rows.max() < tables.rows
    bits = 0.0
    for row in np.unique(rows):
        table = tables.table(int(row))
        at = symbols[rows == row].astype(np.int64) - table.offset
        if table.is_certain:
            assert not at.any()
            continue
        values = len(table.cdf) - 2
        inside = (at >= 0) & (at < values)
        cost = 14 - np.log2(np.diff(table.cdf))
        bits += float(cost[np.where(inside, at, values)].sum())
        bits += float(escape_bits(at[at >= values] - values + 1, above=True).sum() + escape_bits(-at[at < 0], above=False).sum())
    return bits
