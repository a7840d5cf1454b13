"""Entropy coding: integer symbols and table indexes to bytes and back, by interleaved rANS in C++ (native/src/coder/stream.hpp).

And with a context model, which finds the indexes, and the means, in integers (native/src/context/context.hpp).
"""

from streamcodec._native import (
    PROBABILITY_BITS,
    ContextModel,
    SymbolDecoder,
    SymbolEncoder,
    Tables,
    instruction_set,
    instruction_sets,
)

__all__ = [
    "PROBABILITY_BITS",
    "ContextModel",
    "SymbolDecoder",
    "SymbolEncoder",
    "Tables",
    "instruction_set",
    "instruction_sets",
]
