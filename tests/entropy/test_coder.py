"""What the coder's Python surface accepts, gives back and refuses."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from streamcodec.entropy.coder import PROBABILITY_BITS, SymbolDecoder, SymbolEncoder, Tables
from streamcodec.entropy.tables import CERTAIN, fit_table, stack_tables
from streamcodec.errors import CorruptStreamError, TruncatedStreamError, UsageError

Int32 = NDArray[np.int32]
Uint16 = NDArray[np.uint16]


def _laplace(scale: float) -> NDArray[np.float64]:
    pmf = np.exp(-np.abs(np.arange(-60, 61)) / scale)
    return pmf / pmf.sum()


@pytest.fixture(scope="module")
def tables() -> Tables:
    """Row 0 is certain; rows 1..8 widen."""
    data = stack_tables([CERTAIN, *(fit_table(_laplace(0.1 * 1.7**i), -60) for i in range(8))])
    return Tables(data.quantized_cdf, data.cdf_length, data.offset)


def _sample(count: int, seed: int = 0) -> tuple[Int32, Uint16]:
    rng = np.random.default_rng(seed)
    indexes = rng.integers(0, 9, count).astype(np.uint16)
    symbols = np.rint(rng.laplace(0, 0.1 * 1.7 ** (indexes - 1.0)) * (indexes > 0)).astype(np.int32)
    return symbols, indexes


def _encode(tables: Tables, symbols: Int32, indexes: Uint16) -> bytes:
    encoder = SymbolEncoder(tables)
    encoder.put(symbols, indexes)
    return encoder.finish()


@pytest.mark.parametrize("count", [0, 1, 2, 1000, 20000, 600000])
def test_symbols_return(tables: Tables, count: int) -> None:
    symbols, indexes = _sample(count)
    data = _encode(tables, symbols, indexes)
    decoder = SymbolDecoder(tables, data)
    result = decoder.get(indexes)
    decoder.finish()
    assert result.dtype == np.int32
    np.testing.assert_array_equal(result, symbols)


def test_rows_and_probability_bits(tables: Tables) -> None:
    assert tables.rows == 9
    assert PROBABILITY_BITS == 14


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, lambda data: np.frombuffer(data, np.uint8)]
)
def test_data_may_be_any_buffer(tables: Tables, kind: Callable[[bytes], bytes]) -> None:
    symbols, indexes = _sample(100)
    decoder = SymbolDecoder(tables, kind(_encode(tables, symbols, indexes)))
    np.testing.assert_array_equal(decoder.get(indexes), symbols)


@pytest.mark.parametrize("data", ["text", 7, None, np.zeros(8, np.uint8)[::2]])
def test_data_that_is_no_buffer_fails(tables: Tables, data: object) -> None:
    with pytest.raises(UsageError, match="accepted: bytes"):
        SymbolDecoder(tables, data)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "symbols",
    [
        np.zeros(4, np.int64),
        np.zeros(4, np.float32),
        np.zeros(8, np.int32)[::2],
        np.zeros((2, 2), np.int32),
        np.zeros(4, ">i4"),
        [0] * 4,
    ],
)
def test_symbols_of_another_kind_fail(tables: Tables, symbols: Int32) -> None:
    with pytest.raises(
        UsageError, match=r"symbols is .* accepted: a C-contiguous numpy array of int32 with 1 axis"
    ):
        SymbolEncoder(tables).put(symbols, np.zeros(4, np.uint16))


@pytest.mark.parametrize(
    "indexes", [np.zeros(4, np.int32), np.zeros(8, np.uint16)[::2], np.uint16(3), [0] * 4]
)
def test_indexes_of_another_kind_fail(tables: Tables, indexes: Uint16) -> None:
    with pytest.raises(UsageError, match=r"indexes is .* uint16"):
        SymbolEncoder(tables).put(np.zeros(4, np.int32), indexes)
    with pytest.raises(UsageError, match=r"indexes is .* uint16"):
        SymbolDecoder(tables, b"").get(indexes)


def test_unaligned_symbols_fail(tables: Tables) -> None:
    symbols = np.frombuffer(bytes(9), np.uint8)[1:].view(np.int32)
    with pytest.raises(UsageError, match="symbols"):
        SymbolEncoder(tables).put(symbols, np.zeros(2, np.uint16))


def test_one_index_too_few_fails(tables: Tables) -> None:
    with pytest.raises(UsageError, match="4 symbols and 3 indexes"):
        SymbolEncoder(tables).put(np.zeros(4, np.int32), np.zeros(3, np.uint16))


@pytest.mark.parametrize("index", [9, 65535])
def test_an_index_that_is_not_a_row_fails(tables: Tables, index: int) -> None:
    with pytest.raises(UsageError, match=rf"index {index} .* 0\.\.8"):
        SymbolEncoder(tables).put(np.zeros(1, np.int32), np.array([index], np.uint16))
    with pytest.raises(UsageError, match=rf"index {index} .* 0\.\.8"):
        SymbolDecoder(tables, b"").get(np.array([index], np.uint16))


def test_another_symbol_in_a_certain_row_fails(tables: Tables) -> None:
    with pytest.raises(UsageError, match="symbol 1 in a certain row; accepted: 0"):
        SymbolEncoder(tables).put(np.ones(1, np.int32), np.zeros(1, np.uint16))


@pytest.mark.parametrize("value", [-(2**31), -(2**27), -61, 61, 2**27, 2**31 - 1])
def test_values_out_of_the_table_return(tables: Tables, value: int) -> None:
    symbols, indexes = np.array([0, value, 0], np.int32), np.array([1, 5, 1], np.uint16)
    decoder = SymbolDecoder(tables, _encode(tables, symbols, indexes))
    np.testing.assert_array_equal(decoder.get(indexes), symbols)
    decoder.finish()


def test_no_tables_fail() -> None:
    with pytest.raises(TypeError):
        SymbolEncoder(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        SymbolDecoder(None, b"")  # type: ignore[arg-type]


def test_use_after_finish_fails(tables: Tables) -> None:
    encoder = SymbolEncoder(tables)
    assert encoder.finish() == b""
    with pytest.raises(UsageError, match="after finish"):
        encoder.put(np.zeros(0, np.int32), np.zeros(0, np.uint16))
    with pytest.raises(UsageError, match="called twice"):
        encoder.finish()


def test_truncation_at_every_byte_fails(tables: Tables) -> None:
    symbols, indexes = _sample(3000)
    symbols[5:3000:100] = np.where(indexes[5:3000:100] == 0, 0, 12345)
    data = _encode(tables, symbols, indexes)
    for size in range(len(data)):
        with pytest.raises(CorruptStreamError):
            _read(tables, data[:size], indexes)
    with pytest.raises(TruncatedStreamError):
        _read(tables, data[:-2], indexes)


def test_finish_before_the_end_fails(tables: Tables) -> None:
    symbols, indexes = _sample(3000)
    data = _encode(tables, symbols, indexes)
    with pytest.raises(CorruptStreamError):
        _read(tables, data, indexes[:-100])
    with pytest.raises(CorruptStreamError, match="none were asked"):
        _read(tables, data, indexes[:0])


def test_other_indexes_or_more_fail(tables: Tables) -> None:
    symbols, indexes = _sample(3000)
    data = _encode(tables, symbols, indexes)
    with pytest.raises(CorruptStreamError):
        _read(tables, data, np.maximum(indexes, 2))
    with pytest.raises(CorruptStreamError):
        _read(tables, data, np.append(indexes, indexes))


def test_a_failed_decoder_is_of_no_more_use(tables: Tables) -> None:
    decoder = SymbolDecoder(tables, b"")
    with pytest.raises(TruncatedStreamError, match="empty"):
        decoder.get(np.ones(1, np.uint16))
    with pytest.raises(UsageError, match="failed or is finished"):
        decoder.get(np.zeros(1, np.uint16))


def test_random_bytes_give_an_error_or_symbols(tables: Tables) -> None:
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(300):
        data = rng.integers(0, 256, int(rng.integers(1, 300)), np.uint8)
        data[0] = rng.choice([0, 2, 5, 8, 10, 13])
        try:
            _read(tables, data.tobytes(), np.full(500, 4, np.uint16))
        except CorruptStreamError:
            refused += 1
    assert refused >= 295


@pytest.mark.parametrize("lanes", [0, 2, 33])
def test_another_number_of_lanes_fails(tables: Tables, lanes: int) -> None:
    if lanes == 0:
        assert SymbolEncoder(tables, lanes=None).finish() == b""
    else:
        with pytest.raises(UsageError, match=f"lanes is {lanes}; accepted: 1, 4, 32"):
            SymbolEncoder(tables, lanes=lanes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantized_cdf": np.array([[0, 16384], [1, 16384]], np.int32)}, "row 1 .* strictly"),
        ({"cdf_length": np.array([2, 3], np.int32)}, "cdf_length is 3"),
        ({"cdf_length": np.array([2, 2], np.int64)}, "cdf_length is int64"),
        ({"quantized_cdf": np.zeros(4, np.int32)}, "quantized_cdf is int32 with 1 axes"),
        ({"offset": np.zeros(3, np.int32)}, "do not agree"),
        ({"offset": np.array([0, 2**31 - 1], np.int32)}, "leave the range"),
    ],
)
def test_bad_tables_fail(change: dict[str, Int32], message: str) -> None:
    good = {
        "quantized_cdf": np.array([[0, 16384], [0, 16384]], np.int32),
        "cdf_length": np.array([2, 2], np.int32),
        "offset": np.zeros(2, np.int32),
    }
    assert Tables(**good).rows == 2
    with pytest.raises(UsageError, match=message):
        Tables(**(good | change))


def test_two_threads_code_side_by_side(tables: Tables) -> None:
    symbols, indexes = _sample(300000)
    expected = _encode(tables, symbols, indexes)
    results: list[bool] = []

    def work() -> None:
        for _ in range(4):
            data = _encode(tables, symbols, indexes)
            results.append(
                data == expected
                and bool(np.array_equal(SymbolDecoder(tables, data).get(indexes), symbols))
            )

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8


def test_threads_that_share_one_encoder_take_turns(tables: Tables) -> None:
    encoder = SymbolEncoder(tables)
    symbols, indexes = np.zeros(5000, np.int32), np.ones(5000, np.uint16)
    threads = [
        threading.Thread(target=lambda: [encoder.put(symbols, indexes) for _ in range(20)])
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = encoder.finish()
    np.testing.assert_array_equal(_read(tables, data, np.ones(200000, np.uint16)), np.zeros(200000))


def _read(tables: Tables, data: bytes, indexes: Uint16) -> Int32:
    decoder = SymbolDecoder(tables, data)
    symbols = decoder.get(indexes)
    decoder.finish()
    return symbols
