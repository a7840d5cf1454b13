"""A stream of symbols in a list: what an encoder's end wrote, a decoder's end reads, after a look at whether both asked for the same."""

from collections.abc import Sequence

import torch
from torch import Tensor

from streamcodec._native import ContextModel, SymbolDecoder, SymbolEncoder, Tables
from streamcodec.codec.channel import from_positions, to_positions, values_at_positions
from streamcodec.codec.counting import CountingChannel
from streamcodec.entropy.context import ContextData
from streamcodec.entropy.tables import TableData
from streamcodec.models.base import CompressionModel


class ListEncoder(CountingChannel):
    """`written`: symbols and indexes of every call; `written_in_context`: bytes of the native coder and features. `bits`: what all cost."""

    def __init__(self, tables: TableData, contexts: Sequence[ContextData] = ()) -> None:
        super().__init__(tables, contexts)
        self.tables = tables
        self.native = Tables(tables.quantized_cdf, tables.cdf_length, tables.offset)
        self.models = [ContextModel(*context.arguments()) for context in contexts]
        self.written: list[tuple[Tensor, Tensor]] = []
        self.written_in_context: list[tuple[bytes, Tensor]] = []

    @classmethod
    def of(cls, model: CompressionModel) -> "ListEncoder":
        return cls(model.tables(), model.contexts())

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

    def code_in_context(self, values: Tensor | None, features: Tensor, context: int = 0) -> Tensor:
        assert values is not None
        assert features.dtype == torch.int32
        encoder = SymbolEncoder(self.native)
        y_hat = self.models[context].encode(
            encoder, values_at_positions(values), to_positions(features)
        )
        self.written_in_context.append((encoder.finish(), features.clone()))
        counted = super().code_in_context(values, features, context)
        assert torch.equal(counted, from_positions(y_hat, features.device))
        return counted


class ListDecoder:
    def __init__(self, encoder: ListEncoder) -> None:
        self.encoder, self.left, self.left_in_context = (
            encoder,
            list(encoder.written),
            list(encoder.written_in_context),
        )

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        assert symbols is None
        written, expected = self.left.pop(0)
        assert torch.equal(indexes, expected), "the decoder asks for other tables than the encoder"
        return written.contiguous()

    def code_in_context(self, values: Tensor | None, features: Tensor, context: int = 0) -> Tensor:
        assert values is None
        written, expected = self.left_in_context.pop(0)
        assert torch.equal(features, expected), "the decoder has other features than the encoder"
        decoder = SymbolDecoder(self.encoder.native, written)
        y_hat = self.encoder.models[context].decode(decoder, to_positions(features))
        decoder.finish()
        return from_positions(y_hat, features.device)
