import math

import numpy as np
import pytest
from numpy.typing import NDArray

from streamcodec.entropy.tables import (
    CERTAIN,
    Table,
    TableData,
    escape_bits,
    fit_table,
    stack_tables,
)
from streamcodec.errors import UsageError


def _gaussian(scale: float) -> tuple[NDArray[np.float64], int]:
    """Probabilities of the integers under N(0, scale), and the first of them."""
    last = math.ceil(10 * scale + 4)
    pmf = [
        0.5
        * (math.erfc((abs(v) - 0.5) / scale / 2**0.5) - math.erfc((abs(v) + 0.5) / scale / 2**0.5))
        for v in range(-last, last + 1)
    ]
    return np.array(pmf), -last


def _cost_bits(table: Table, pmf: NDArray[np.float64], first: int) -> float:
    """Expected bits of a symbol, written from the definition: frequency, and for escapes the gamma code too."""
    values = len(table.cdf) - 2
    frequencies = np.diff(table.cdf) / 2**14
    total = 0.0
    for i, p in enumerate(pmf.tolist()):
        position = first + i - table.offset
        if 0 <= position < values:
            total -= p * math.log2(frequencies[position])
        else:
            code = 2 * (position - values) + 1 if position >= values else -2 * position
            total += p * (2 * math.floor(math.log2(code)) + 1 - math.log2(frequencies[-1]))
    return total


@pytest.mark.parametrize("scale", [0.15, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0, 30.0, 64.0])
def test_fitted_table_is_near_the_entropy(scale: float) -> None:
    pmf, first = _gaussian(scale)
    cost = _cost_bits(fit_table(pmf, first), pmf, first)
    entropy = -float(pmf[pmf > 0] @ np.log2(pmf[pmf > 0]))
    assert entropy <= cost <= entropy * 1.0003 + 0.0002


@pytest.mark.parametrize("scale", [0.11, 0.5, 3.0])
def test_fitted_table_is_cheaper_than_narrower_and_wider_ones(scale: float) -> None:
    pmf, first = _gaussian(scale)
    table = fit_table(pmf, first)
    cost = _cost_bits(table, pmf, first)
    start, values = table.offset - first, len(table.cdf) - 2
    for low in (start - 2, start, start + 1):
        for high in (start + values - 1, start + values, start + values + 2):
            if low >= high:
                continue
            part = fit_table(np.append(pmf[low:high], 1e-9), first + low)
            if (part.offset, len(part.cdf)) != (table.offset, len(table.cdf)):
                assert cost <= _cost_bits(part, pmf, first) + 1e-4


def test_fitted_table_covers_one_value() -> None:
    table = fit_table(np.array([1.0]), 42)
    assert table.offset == 42
    assert table.cdf.tolist() == [0, 16383, 16384]


def test_fitted_table_gives_missing_probability_to_the_escape() -> None:
    assert fit_table(np.array([0.25, 0.25]), 0).cdf.tolist() == [0, 4096, 8192, 16384]


def test_fitted_table_of_a_wide_flat_distribution() -> None:
    table = fit_table(np.full(5000, 1 / 5000), -2500)
    assert len(table.cdf) == 5002
    assert set(np.diff(table.cdf)[:-1].tolist()) == {3, 4}


@pytest.mark.parametrize("pmf", [[], [0.0, 0.0], [-0.1, 0.5], [math.nan], [math.inf], [[0.5, 0.5]]])
def test_fit_table_fails(pmf: list[float]) -> None:
    with pytest.raises(UsageError, match="pmf must be"):
        fit_table(np.array(pmf, np.float64), 0)


def test_fit_table_fails_for_peaks_too_far_apart() -> None:
    pmf = np.zeros(40000)
    pmf[[0, -1]] = 0.5
    with pytest.raises(UsageError, match="peaks"):
        fit_table(pmf, 0)


def test_escape_bits() -> None:
    assert escape_bits(np.array([1, 2, 3, 4]), above=True).tolist() == [1, 3, 5, 5]
    assert escape_bits(np.array([1, 2, 3, 4]), above=False).tolist() == [3, 5, 5, 7]


def test_tables_stack_and_join() -> None:
    first = stack_tables([CERTAIN, fit_table(np.array([0.5, 0.5]), 3)])
    second = stack_tables([fit_table(np.array([0.2, 0.3, 0.5]), -1)])
    joined = TableData.join(first, second)
    assert joined.rows == 3
    assert joined.quantized_cdf.shape == (3, 5)
    assert joined.cdf_length.tolist() == [2, 4, 5]
    assert joined.offset.tolist() == [0, 3, -1]
    assert joined.certain.tolist() == [True, False, False]
    assert joined.table(2).cdf.tolist() == second.quantized_cdf[0].tolist()
    assert CERTAIN.is_certain
    assert not joined.table(1).is_certain


def test_stack_tables_fails() -> None:
    with pytest.raises(UsageError, match="no tables"):
        stack_tables([])
    with pytest.raises(UsageError, match="65536"):
        stack_tables([CERTAIN] * 65537)


@pytest.mark.parametrize(
    "cdf", [[0], [1, 16384], [0, 16385], [0, 5, 5, 16384], [0, 9, 5, 16384], [[0, 16384]]]
)
def test_table_fails(cdf: list[int]) -> None:
    with pytest.raises(UsageError, match="cdf is"):
        Table(np.array(cdf, np.int32), 0)


def test_table_fails_for_another_dtype_or_offset() -> None:
    with pytest.raises(UsageError, match="int64"):
        Table(np.array([0, 16384]), 0)
    with pytest.raises(UsageError, match="offset"):
        Table(CERTAIN.cdf, 2**31 - 1)
    with pytest.raises(UsageError, match="offset"):
        Table(CERTAIN.cdf, -(2**31) - 1)


@pytest.mark.parametrize(
    ("cdf", "length", "offset"),
    [
        ([[0, 16384]], [2, 2], [0, 0]),
        ([[0, 16384]], [2], [[0]]),
        ([0, 16384], [2], [0]),
        ([[0, 16384]], [3], [0]),
        ([[0, 16384]], [1], [0]),
        ([[0, 65536]], [2], [0]),
    ],
)
def test_table_data_fails(cdf: list[int], length: list[int], offset: list[int]) -> None:
    with pytest.raises(UsageError):
        TableData(np.array(cdf, np.int32), np.array(length, np.int32), np.array(offset, np.int32))
