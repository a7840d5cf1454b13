"""Probability tables of motion symbols: a first guess, and the estimate from counted symbols.

Rows and their alphabets: native/src/motion/syntax.hpp, `_native.motion_alphabets()`. Every row codes its whole
alphabet; its last symbol is the escape.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamcodec._native import MotionTables, Tables, motion_alphabets
from streamcodec.entropy.tables import PROBABILITY_BITS, Table, TableData, stack_tables
from streamcodec.errors import UsageError

__all__ = ["bootstrap_tables", "default_motion_tables", "default_tables", "tables_from_counts"]

_COUNTS = Path(__file__).with_name("counts.npz")

_TOTAL = 1 << PROBABILITY_BITS
_KINDS, _MODES, _FILTERS, _CHOICES = 6, 3, 3, 5


def bootstrap_tables() -> TableData:
    """Tables to search and count with as long as there are no counts."""
    return stack_tables(
        [_table(_guess(int(count)), int(first)) for first, count in motion_alphabets()]
    )


def default_tables() -> TableData:
    """Tables estimated from clips that the codec had coded (tools/count_motion.py)."""
    with np.load(_COUNTS) as data:
        return tables_from_counts(data["counts"].astype(np.int64))


@cache
def default_motion_tables() -> MotionTables:
    """The same, to search and code motion with."""
    data = default_tables()
    return MotionTables(Tables(data.quantized_cdf, data.cdf_length, data.offset))


def tables_from_counts(counts: NDArray[np.int64], prior: float = 8.0) -> TableData:
    """Tables for counts int64 (rows, places), as MotionField.counts() has them, summed over fields.

    A row with few counts keeps `prior` counts' worth of the row's mean over the classes of quality and of the guess.
    """
    alphabets = motion_alphabets()
    if counts.ndim != 2 or len(counts) != len(alphabets) or np.any(counts < 0):
        raise UsageError(
            f"counts are {counts.shape}; accepted: ({len(alphabets)}, places), none below 0"
        )
    classes = 4
    mean = counts.reshape(classes, -1, counts.shape[1]).sum(0)
    tables = []
    for row, (first, count) in enumerate(alphabets.tolist()):
        places = [*range(count), counts.shape[1] - 1]
        guess, pooled, own = _guess(count), mean[row % len(mean)][places], counts[row][places]
        pooled = (pooled + prior * guess) / (pooled.sum() + prior)
        tables.append(_table((own + prior * pooled) / (own.sum() + prior), first))
    return stack_tables(tables)


def _guess(count: int) -> NDArray[np.float64]:
    """Probabilities (count + 1,) of a row with `count` values and the escape."""
    if count == _KINDS:
        weights = np.array([60.0, 12, 6, 4, 12, 6])
    elif count == _CHOICES:
        weights = np.array([40.0, 15, 10, 10, 35])
    elif count == _MODES:
        weights = np.array([70.0, 10, 20])
    else:
        middle = np.abs(np.arange(count) - count // 2)
        weights = 1 / (1.0 + middle) ** 1.3
    weights = np.append(weights, weights.sum() * (0.01 if count > _KINDS else 1e-6))
    return np.asarray(weights / weights.sum(), np.float64)


def _table(pmf: NDArray[np.float64], first: int) -> Table:
    """Frequencies of at least 1 that sum to 16384, in proportion to `pmf`."""
    shares = pmf / pmf.sum() * (_TOTAL - len(pmf))
    frequencies = 1 + np.floor(shares).astype(np.int64)
    rest = _TOTAL - int(frequencies.sum())
    frequencies[np.argsort(np.floor(shares) - shares, kind="stable")[:rest]] += 1
    return Table(np.concatenate(([0], np.cumsum(frequencies))).astype(np.int32), first)
