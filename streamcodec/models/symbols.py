"""The one way by which symbols leave a model or enter it."""

from typing import Protocol

from torch import Tensor

__all__ = ["SymbolChannel"]


class SymbolChannel(Protocol):
    """One end of a stream of symbols. An encoder's end writes what it is given, a decoder's end reads what was written.

    A model calls `code` in the same order with the same indexes on both sides, whatever the device, precision or
    number of threads: the indexes come from the symbols before them, by exact integer arithmetic (exact/network.py).
    """

    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        """Write `symbols` and return them, or read them if None; elements in C order.

        indexes: int32, any shape: row of the model's `tables()` for each symbol. symbols: int32, same shape. A row that
        is certain (its cdf_length is 2) codes nothing: its symbol must be the row's offset, and is read as such.
        """
        ...

    def code_in_context(self, values: Tensor | None, features: Tensor, context: int = 0) -> Tensor:
        """Write a latent whose probabilities come from what was written of it before, or read it if None; both return y_hat.

        values: (1, M, h, w) float. features: (1, F, h, w) int32, in units of 2^-FRACTION_BITS, within +-LIMIT (exact/plan.py).
        context: which of the model's `contexts()`. y_hat: (1, M, h, w) float32, the same on both sides, on the device of `features`.
        """
        ...
