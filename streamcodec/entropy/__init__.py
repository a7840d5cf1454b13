"""Entropy coding: integer symbols and table indexes to bytes and back, by interleaved rANS in C++ (native/src/stream.hpp)."""

from streamcodec._native import PROBABILITY_BITS, Decoder, Encoder, Tables, instruction_set, instruction_sets

__all__ = ["PROBABILITY_BITS", "Decoder", "Encoder", "Tables", "instruction_set", "instruction_sets"]
