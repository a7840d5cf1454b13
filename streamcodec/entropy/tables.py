"""Probability tables as integers: what the entropy coder codes with, and how they are fitted to a distribution.

A table is a row of cumulative frequencies that starts at 0, rises strictly and ends at 16384 (14 bits). A row of n + 2 entries
codes the n values offset, offset + 1, ... and, as its last symbol, the escape for any other value. A row of two entries,
[0, 16384], is *certain*: it has no escape, its symbol is always `offset` and is not coded at all.

Tables are made once, when a model is exported, and travel as data with its weights, so decoding evaluates no density.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError

__all__ = [
    "CERTAIN",
    "MAX_ROWS",
    "PROBABILITY_BITS",
    "Table",
    "TableData",
    "escape_bits",
    "fit_table",
    "stack_tables",
]

PROBABILITY_BITS = 14
"""Cumulative frequencies of a table end at 2 ** PROBABILITY_BITS = 16384."""

MAX_ROWS = 65536
"""Largest number of rows in one TableData: an index is a uint16."""

_TOTAL = 1 << PROBABILITY_BITS
_TAIL_EXPONENTS = np.arange(
    8.0, 28.0, 0.5
)  # tails are cut where the pmf falls below 2 ** -exponent; the cheapest cut wins


@dataclass(frozen=True)
class Table:
    """One row: `cdf` int32 (n + 2,) rising strictly from 0 to 16384, and `offset`, the value of the first symbol."""

    cdf: NDArray[np.int32]
    offset: int

    def __post_init__(self) -> None:
        if self.cdf.dtype != np.int32 or self.cdf.ndim != 1:
            raise UsageError(f"cdf is {self.cdf.dtype} {self.cdf.shape}; accepted: int32 (n,)")
        _check_row(self.cdf, self.offset)

    @property
    def is_certain(self) -> bool:
        return len(self.cdf) == 2


@dataclass(frozen=True)
class TableData:
    """K rows in one array: `quantized_cdf` int32 (K, L), where row k uses its first `cdf_length[k]` entries; `offset` int32 (K,).

    The layout is CompressAI's (`_quantized_cdf`, `_cdf_length`, `_offset`), at 14 bits instead of 16.
    """

    quantized_cdf: NDArray[np.int32]
    cdf_length: NDArray[np.int32]
    offset: NDArray[np.int32]

    def __post_init__(self) -> None:
        arrays = (self.quantized_cdf, self.cdf_length, self.offset)
        shapes = tuple(array.shape for array in arrays)
        rows = len(self.cdf_length) if self.cdf_length.ndim == 1 else 0
        if (
            any(array.dtype != np.int32 for array in arrays)
            or not _shapes_agree(shapes)
            or not 1 <= rows <= MAX_ROWS
        ):
            dtypes = tuple(str(array.dtype) for array in arrays)
            raise UsageError(
                f"tables have {dtypes} {shapes}; accepted: int32 (K, L), (K,), (K,) with K in 1..{MAX_ROWS} and L >= 2"
            )
        for k in range(rows):
            length = int(self.cdf_length[k])
            if not 2 <= length <= self.quantized_cdf.shape[1]:
                raise UsageError(
                    f"row {k} has cdf_length {length}; accepted: 2..{self.quantized_cdf.shape[1]}"
                )
            _check_row(self.quantized_cdf[k, :length], int(self.offset[k]))

    @property
    def rows(self) -> int:
        return len(self.cdf_length)

    @property
    def certain(self) -> NDArray[np.bool_]:
        """bool (K,): which rows are certain, so that their symbols are not coded."""
        return np.equal(self.cdf_length, 2)

    def table(self, row: int) -> Table:
        return Table(self.quantized_cdf[row, : self.cdf_length[row]].copy(), int(self.offset[row]))

    @staticmethod
    def join(*parts: "TableData") -> "TableData":
        """The rows of all parts, in order; rows of the second part start at index `parts[0].rows`, and so on."""
        return stack_tables([part.table(row) for part in parts for row in range(part.rows)])


def stack_tables(tables: Sequence[Table]) -> TableData:
    """Put tables into one TableData, padded with zeros to the longest. Raises UsageError for none or more than 65536."""
    if not tables:
        raise UsageError("no tables to stack; accepted: 1 or more")
    lengths = np.array([len(table.cdf) for table in tables], np.int32)
    cdfs = np.zeros((len(tables), int(lengths.max())), np.int32)
    for row, table in zip(cdfs, tables, strict=True):
        row[: len(table.cdf)] = table.cdf
    return TableData(cdfs, lengths, np.array([table.offset for table in tables], np.int32))


def fit_table(pmf: NDArray[np.float64], first_value: int) -> Table:
    """Fit a table to the probabilities of the values first_value, first_value + 1, ...; `pmf` is float64 (n,), each >= 0.

    What `pmf` lacks to a sum of 1 counts as probability beyond both ends; a sum above 1 is scaled down. The table
    covers the sub-range with the smallest expected cost in bits, escapes included. Every frequency is at least 1.
    """
    if (
        pmf.ndim != 1
        or len(pmf) == 0
        or not np.all(np.isfinite(pmf))
        or np.any(pmf < 0)
        or pmf.sum() <= 0
    ):
        raise UsageError("a pmf must be one-dimensional, finite, not negative and not all zero")
    pmf = pmf.astype(np.float64) / max(1.0, float(pmf.sum()))
    candidates = [_fit_range(pmf, start, stop) for start, stop in _ranges(pmf)]
    _, start, frequencies = min(candidates, key=lambda candidate: candidate[0])
    cdf = np.concatenate(([0], np.cumsum(frequencies))).astype(np.int32)
    return Table(cdf, first_value + start)


def escape_bits(distance: NDArray[np.int64], above: bool) -> NDArray[np.float64]:
    """Bits that the side stream spends on values `distance` >= 1 steps beyond the table's last (`above`) or first value, float64 (n,)."""
    code = 2 * (distance - 1) + (1 if above else 2)  # from 1 up; Elias gamma
    return 2 * np.floor(np.log2(code)) + 1


def _ranges(pmf: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Sub-ranges [start, stop) worth trying: the pmf without its tails, for a ladder of thresholds."""
    ranges = set()
    for threshold in [*2.0**-_TAIL_EXPONENTS, float(pmf.max())]:
        inside = np.flatnonzero(pmf >= threshold)
        if len(inside) and inside[-1] - inside[0] + 2 <= _TOTAL:
            ranges.add((int(inside[0]), int(inside[-1]) + 1))
    if not ranges:
        raise UsageError(
            f"the pmf has peaks more than {_TOTAL} values apart; accepted: peaks that fit into one table"
        )
    return sorted(ranges)


def _fit_range(
    pmf: NDArray[np.float64], start: int, stop: int
) -> tuple[float, int, NDArray[np.int64]]:
    """Expected bits per symbol, `start`, and frequencies (stop - start + 1,) of a table over pmf[start:stop] and the escape."""
    below, inside, above = pmf[:start], pmf[start:stop], pmf[stop:]
    beyond = max(0.0, 1.0 - float(pmf.sum())) / 2
    bypass_below = np.append(below[::-1], beyond) @ escape_bits(
        np.arange(1, start + 2), above=False
    )
    bypass_above = np.append(above, beyond) @ escape_bits(np.arange(1, len(above) + 2), above=True)
    escape = float(below.sum() + above.sum()) + 2 * beyond
    weights = np.append(inside, escape)
    frequencies = _frequencies(weights)
    coded = weights @ (PROBABILITY_BITS - np.log2(frequencies))
    return float(coded + bypass_below + bypass_above), start, frequencies


def _frequencies(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Integers >= 1 with sum 16384 that code `weights` (n,) in the fewest bits: proportional, then the rest where it saves most."""
    forced = np.zeros(len(weights), np.bool_)
    scale = float(_TOTAL)
    while np.any(small := ~forced & (weights * scale < 1)):
        forced |= small
        if np.all(forced):
            break
        scale = (_TOTAL - int(forced.sum())) / float(weights[~forced].sum())
    frequencies = np.where(forced, 1, np.floor(weights * scale)).astype(np.int64)
    while (rest := _TOTAL - int(frequencies.sum())) > 0:
        gain = weights * np.log2(1 + 1 / frequencies)
        frequencies[np.argsort(-gain, kind="stable")[:rest]] += 1
    return frequencies


def _check_row(cdf: NDArray[np.int32], offset: int) -> None:
    if len(cdf) < 2 or cdf[0] != 0 or cdf[-1] != _TOTAL or np.any(cdf[:-1] >= cdf[1:]):
        raise UsageError(
            f"cdf is {cdf[:4]}..{cdf[-2:]} of length {len(cdf)}; accepted: rising strictly from 0 to {_TOTAL}"
        )
    if not -(2**31) <= offset <= 2**31 - len(cdf):
        raise UsageError(f"offset is {offset}; accepted: every value of the table must be an int32")


def _shapes_agree(shapes: tuple[tuple[int, ...], ...]) -> bool:
    cdf, length, offset = shapes
    return len(cdf) == 2 and len(length) == 1 and length == offset == cdf[:1] and cdf[1] >= 2


CERTAIN = Table(np.array([0, _TOTAL], np.int32), 0)
"""The row for a symbol that is always 0 and is therefore not coded."""
