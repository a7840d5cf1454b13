"""Streams of format version 1, byte for byte. They must decode, and be written, like this for ever."""

import numpy as np
import pytest

from streamcodec.entropy.coder import SymbolDecoder, SymbolEncoder, Tables, instruction_sets

CDF = np.array(
    [[0, 16384, 0, 0, 0], [0, 2000, 14000, 16000, 16384], [0, 8192, 16383, 16384, 0]], np.int32
)
LENGTH = np.array([2, 5, 4], np.int32)
OFFSET = np.array([0, -1, 100], np.int32)

INDEXES = np.array([1, 0, 2, 1, 1, 2, 0, 1, 2, 1, 1, 2], np.uint16)
SYMBOLS = np.array([0, 0, 100, 1, -1, 101, 0, 0, 101, 7, -(2**31), 102], np.int32)

GOLDEN = {
    1: "080cb2151e07000000e8ffffff0fa046ff3f",
    4: "0a17b6ebaaff8948ec22ba9e20c0000c07000000e8ffffff0f",
    32: (
        "0d5900a10a008081cd610006080210805005014801fc5501fc95ffff0000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000007000000080feffffff"
    ),
}


@pytest.fixture(scope="module")
def tables() -> Tables:
    return Tables(CDF, LENGTH, OFFSET)


@pytest.mark.parametrize("lanes", GOLDEN)
@pytest.mark.parametrize("instruction_set", instruction_sets())
def test_golden_stream(tables: Tables, lanes: int, instruction_set: str) -> None:
    golden = bytes.fromhex(GOLDEN[lanes])
    encoder = SymbolEncoder(tables, lanes=lanes, instruction_set=instruction_set)
    encoder.put(SYMBOLS, INDEXES)
    assert encoder.finish().hex() == golden.hex()
    decoder = SymbolDecoder(tables, golden, instruction_set=instruction_set)
    np.testing.assert_array_equal(decoder.get(INDEXES), SYMBOLS)
    decoder.finish()


@pytest.mark.parametrize("instruction_set", instruction_sets())
def test_golden_stream_without_escapes(tables: Tables, instruction_set: str) -> None:
    golden = bytes.fromhex(
        "05597c1d90c5d701597c1d90c5d701597c1d90c5d701597c1d90c5d701597c1d90c5d701597c1d90c5d701597c1d90c5"
        "d701597c1d90c5d701597c1d90c5d701597c1d90c5d70148079e443af0e4819ad7076a5e5705f85705f857c9d957c9d9"
        "63d13c008be6015881cdc30a6c1e"
    )
    symbols, indexes = SYMBOLS[:8].repeat(30), INDEXES[:8].repeat(30)
    encoder = SymbolEncoder(tables, lanes=32, instruction_set=instruction_set)
    encoder.put(symbols, indexes)
    assert encoder.finish().hex() == golden.hex()
    decoder = SymbolDecoder(tables, golden, instruction_set=instruction_set)
    np.testing.assert_array_equal(decoder.get(indexes), symbols)
    decoder.finish()
