"""A stream of symbols in a list: what an encoder's end wrote, a decoder's end reads, after a look at whether both asked for the same."""

import numpy as np
import torch
from torch import Tensor

from streamcodec.tables import TableData, escape_bits


class ListEncoder:
    def __init__(self, tables: TableData) -> None:
        self.tables = tables
        self.written: list[tuple[Tensor, Tensor]] = []

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        assert symbols is not None
        assert symbols.dtype == indexes.dtype == torch.int32
        assert symbols.shape == indexes.shape
        rows = indexes.flatten().numpy()
        assert rows.min() >= 0
        assert rows.max() < self.tables.rows
        certain = self.tables.certain[rows]
        assert (symbols.flatten().numpy()[certain] == self.tables.offset[rows][certain]).all()
        self.written.append((symbols.clone(), indexes.clone()))
        return symbols


class ListDecoder:
    def __init__(self, encoder: ListEncoder) -> None:
        self.left = list(encoder.written)

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        assert symbols is None
        written, expected = self.left.pop(0)
        assert torch.equal(indexes, expected), "the decoder asks for other tables than the encoder"
        return written.contiguous()


def coded_bits(encoder: ListEncoder) -> float:
    """What the symbols cost with the tables' own probabilities, the side stream of the escapes included."""
    cdf, length, offset = (
        array.astype(np.int64) for array in (encoder.tables.quantized_cdf, encoder.tables.cdf_length, encoder.tables.offset)
    )
    bits = 0.0
    for symbols, indexes in encoder.written:
        rows, values = indexes.flatten().numpy(), symbols.flatten().numpy()
        escape, entry = length[rows] - 2, values - offset[rows]
        below, above = (entry < 0) & (escape > 0), (entry >= escape) & (escape > 0)
        entry = np.where(below | above, escape, entry)
        bits += float((14 - np.log2(cdf[rows, entry + 1] - cdf[rows, entry])).sum())
        bits += float(escape_bits((offset[rows] - values)[below], above=False).sum())
        bits += float(escape_bits((values - offset[rows] - escape + 1)[above], above=True).sum())
    return bits
