"""A stream of symbols in a list: what an encoder's end wrote, a decoder's end reads, after a look at whether both asked for the same."""

import torch
from torch import Tensor

from streamcodec.models.channel import CountingChannel
from streamcodec.tables import TableData


class ListEncoder(CountingChannel):
    """`written`: symbols and indexes of every call. `bits`: what they cost."""

    def __init__(self, tables: TableData) -> None:
        super().__init__(tables)
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
        return super().code(symbols, indexes)


class ListDecoder:
    def __init__(self, encoder: ListEncoder) -> None:
        self.left = list(encoder.written)

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        assert symbols is None
        written, expected = self.left.pop(0)
        assert torch.equal(indexes, expected), "the decoder asks for other tables than the encoder"
        return written.contiguous()
