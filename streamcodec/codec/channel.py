"""The two ends of a frame's symbol stream: tensors on one side, bytes on the other."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamcodec.entropy import Decoder, Encoder, Tables

__all__ = ["DecoderChannel", "EncoderChannel"]


class EncoderChannel:
    """Writes every symbol that a model codes; `finish` gives the bytes."""

    def __init__(self, tables: Tables) -> None:
        self._encoder = Encoder(tables)

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        """Write `symbols` (int32) with the tables' rows `indexes` (int32, same shape) and return them."""
        if symbols is None:
            raise TypeError("an encoder's model must be given its input")
        self._encoder.put(symbols.to("cpu", torch.int32).contiguous().numpy().ravel(), _rows(indexes))
        return symbols

    def finish(self) -> bytes:
        return self._encoder.finish()


class DecoderChannel:
    """Reads what an EncoderChannel wrote, given the same indexes in the same order.

    Raises CorruptStreamError where the bytes do not fit the indexes.
    """

    def __init__(self, tables: Tables, data: bytes) -> None:
        self._decoder = Decoder(tables, data)

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        """Read symbols, int32 in the shape of `indexes`, on the device of `indexes`."""
        read = self._decoder.get(_rows(indexes))
        return torch.from_numpy(read).view(indexes.shape).to(indexes.device)

    def finish(self) -> None:
        """Raise CorruptStreamError unless everything was read."""
        self._decoder.finish()


def _rows(indexes: Tensor) -> NDArray[np.uint16]:
    return indexes.to("cpu", torch.uint16).contiguous().numpy().ravel()  # no copy of 4 bytes each on the way: they may be a view
