"""A slow coder in plain Python, written from the specification in native/src/coder/stream.hpp alone, against the fast one.

It works on lists and whole numbers, one step after the other, and is the oracle for the bytes of a stream.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamcodec.entropy.coder import SymbolDecoder, SymbolEncoder, Tables, instruction_sets
from streamcodec.entropy.tables import CERTAIN, Table, TableData, stack_tables

LANES = {0: 1, 2: 4, 5: 32}


def slow_encode(tables: list[Table], symbols: list[int], indexes: list[int], lanes: int) -> bytes:
    coded = [
        (tables[index], symbol)
        for symbol, index in zip(symbols, indexes, strict=True)
        if not tables[index].is_certain
    ]
    if not coded:
        return b""
    states = [2**15] * lanes
    words: list[int] = []
    for i in reversed(range(len(coded))):
        table, symbol = coded[i]
        start, stop = _interval(table, _position(table, symbol))
        x = states[i % lanes]
        while x >= (stop - start) * 2**17:
            words.insert(0, x % 2**16)
            x //= 2**16
        states[i % lanes] = x // (stop - start) * 2**14 + x % (stop - start) + start
    escapes = [
        _escape_code(table, symbol)
        for table, symbol in coded
        if _position(table, symbol) == len(table.cdf) - 2
    ]
    side = "".join(_bits(x.bit_length() - 16, 4) + _bits(x, x.bit_length() - 1) for x in states)
    side += "".join(
        "0" * (c.bit_length() - 1) + "1" + _bits(c, c.bit_length() - 1) for c in escapes
    )
    side_bytes = bytes(int(side[i : i + 8][::-1], 2) for i in range(0, len(side), 8))
    head = bytes([{n: b for b, n in LANES.items()}[lanes] + 8 * bool(escapes)]) + (
        _leb128(len(side_bytes)) if escapes else b""
    )
    return head + side_bytes + b"".join(word.to_bytes(2, "little") for word in words)


def slow_decode(tables: list[Table], data: bytes, indexes: list[int]) -> list[int]:
    """Decodes sound streams; fails somehow for others."""
    if not data:
        return [tables[index].offset for index in indexes]
    lanes, has_escapes, at = LANES[data[0] & 7], bool(data[0] & 8), 1
    if has_escapes:
        while data[at] >= 128:
            at += 1
        at += 1
    bits = iter("".join(f"{byte:08b}"[::-1] for byte in data[at:]))

    def take(count: int) -> int:
        return int("".join(next(bits) for _ in range(count))[::-1] or "0", 2)

    states, state_bits = [], 0
    for _ in range(lanes):
        k = take(4)
        states.append(2 ** (15 + k) + take(15 + k))
        state_bits += 19 + k
    words_at = at + (_length(data[1:at]) if has_escapes else -(-state_bits // 8))
    words = [int.from_bytes(data[i : i + 2], "little") for i in range(words_at, len(data), 2)]
    symbols, i = [], 0
    for index in indexes:
        table = tables[index]
        if table.is_certain:
            symbols.append(table.offset)
            continue
        x = states[i % lanes]
        position = max(p for p in range(len(table.cdf) - 1) if table.cdf[p] <= x % 2**14)
        start, stop = _interval(table, position)
        x = (stop - start) * (x // 2**14) + x % 2**14 - start
        if x < 2**15:
            x = x * 2**16 + words.pop(0)
        states[i % lanes] = x
        if position == len(table.cdf) - 2:
            zeros = 0
            while next(bits) == "0":
                zeros += 1
            code = 2**zeros + take(zeros)
            last = table.offset + len(table.cdf) - 3
            symbols.append(last + (code + 1) // 2 if code % 2 else table.offset - code // 2)
        else:
            symbols.append(table.offset + position)
        i += 1
    assert words == []
    assert states == [2**15] * lanes
    return symbols


def _position(table: Table, symbol: int) -> int:
    values = len(table.cdf) - 2
    return symbol - table.offset if 0 <= symbol - table.offset < values else values


def _interval(table: Table, position: int) -> tuple[int, int]:
    return int(table.cdf[position]), int(table.cdf[position + 1])


def _escape_code(table: Table, symbol: int) -> int:
    last = table.offset + len(table.cdf) - 3
    return 2 * (symbol - last) - 1 if symbol > last else 2 * (table.offset - symbol)


def _bits(number: int, count: int) -> str:
    return "".join(str(number >> bit & 1) for bit in range(count))


def _leb128(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number % 128 + 128]) + _leb128(number // 128)


def _length(data: bytes) -> int:
    return sum(byte % 128 << 7 * i for i, byte in enumerate(data))


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    edges = draw(st.sets(st.integers(1, 2**14 - 1), max_size=12))
    if not edges:
        return Table(CERTAIN.cdf, draw(st.integers(-3, 3)))
    cdf = np.array([0, *sorted(edges), 2**14], np.int32)
    return Table(cdf, draw(st.integers(-(2**31), 2**31 - 1 - len(cdf)) | st.integers(-20, 20)))


@st.composite
def _streams(draw: st.DrawFn) -> tuple[list[Table], list[int], list[int]]:
    tables = draw(st.lists(_tables(), min_size=1, max_size=5))
    indexes = draw(st.lists(st.integers(0, len(tables) - 1), max_size=150))
    int32 = st.integers(-(2**31), 2**31 - 1)
    symbols = []
    for index in indexes:
        near = st.integers(tables[index].offset, tables[index].offset + len(tables[index].cdf) - 2)
        symbols.append(
            tables[index].offset if tables[index].is_certain else draw(near | near | near | int32)
        )
    return tables, symbols, indexes


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 4, 32])
@settings(deadline=None, max_examples=60, derandomize=True)
@given(stream=_streams())
def test_fast_and_slow_coder_write_and_read_the_same(
    lanes: int, stream: tuple[list[Table], list[int], list[int]]
) -> None:
    tables, symbols, indexes = stream
    data = slow_encode(tables, symbols, indexes, lanes)
    assert slow_decode(tables, data, indexes) == symbols
    native = _native(stack_tables(tables))
    for instruction_set in instruction_sets():
        encoder = SymbolEncoder(native, lanes=lanes, instruction_set=instruction_set)
        encoder.put(np.array(symbols, np.int32), np.array(indexes, np.uint16))
        assert encoder.finish() == data
        decoder = SymbolDecoder(native, data, instruction_set=instruction_set)
        assert decoder.get(np.array(indexes, np.uint16)).tolist() == symbols
        decoder.finish()


def test_slow_coder_reads_a_long_stream_with_lanes_chosen_by_number() -> None:
    rng = np.random.default_rng(0)
    tables = [
        CERTAIN,
        *(
            Table(np.array([0, 9000 + 100 * i, 15000, 16000, 16384], np.int32), -1)
            for i in range(8)
        ),
    ]
    indexes = rng.integers(0, 9, 20000).astype(np.uint16)
    symbols = np.where(
        indexes == 0, 0, rng.choice([-1, 0, 1, 2, -300], 20000, p=[0.6, 0.3, 0.08, 0.01, 0.01])
    ).astype(np.int32)
    encoder = SymbolEncoder(_native(stack_tables(tables)))
    encoder.put(symbols, indexes)
    data = encoder.finish()
    assert LANES[data[0] & 7] == 4
    assert slow_decode(tables, data, indexes.tolist()) == symbols.tolist()
    assert slow_encode(tables, symbols.tolist(), indexes.tolist(), 4) == data


def _native(data: TableData) -> Tables:
    return Tables(data.quantized_cdf, data.cdf_length, data.offset)
