"""Rows that are moved by what was coded: the native sums and shifts against the oracle's."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streamcodec import _native
from streamcodec.errors import UsageError

from .any_symbols import native_tables
from .oracle import Oracle, moved
from .pictures import weights_of

ROW, SHIFT = 20, 3


NO_SUMS = np.zeros((96, 4, 8), np.int32)


def adaptation(*, adapts: bool = True) -> _native.RowAdaptation:
    return _native.RowAdaptation(native_tables(weights_of("inter")), adapts=adapts)


def drawn(row: int, count: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Symbols as the table of a row expects them."""
    table = weights_of("inter").tables.table(row)
    frequencies = np.diff(table.cdf)[:-1]
    places = rng.choice(len(frequencies), count, p=frequencies / frequencies.sum())
    return (places + table.offset).astype(np.int32)


@pytest.mark.parametrize("shape", [(1, 5, 3, 96), (2, 7, 9, 96), (1, 65, 64, 96)])
def test_sums_and_moves_are_the_oracles(shape: tuple[int, ...]) -> None:
    """The last shape has more than 4096 positions: every second row of them counts."""
    rng = np.random.default_rng(0)
    share = min(1, 2000 / np.prod(shape))
    rows = (rng.integers(1, 64, shape) * (rng.random(shape) < share)).astype(np.uint8)
    symbols = (2047 ** rng.random(shape) * rng.choice([-1, 1], shape)).astype(np.int32)
    symbols[rows == 0] = 0
    oracle = Oracle(weights_of("inter"))
    before = rng.integers(-3000, 3000, (96, 4, 8))
    _, added = oracle._symbols(rows.astype(np.int64), before, lambda *_: symbols.ravel())
    native = adaptation()
    np.testing.assert_array_equal(native.sums(rows, symbols), added)
    sums = (added + before).astype(np.int32)
    few = rows[:, :3].astype(np.int16)
    given, found = native.move(few, sums)
    np.testing.assert_array_equal(given, few)
    np.testing.assert_array_equal(found, moved(few.astype(np.int64), sums))
    np.testing.assert_array_equal(native.move(few, NO_SUMS)[1], few)
    np.testing.assert_array_equal(native.move(few * 3 - 60, NO_SUMS)[1], (few * 3 - 60).clip(0, 63))


def test_rows_move_to_where_the_symbols_come_from() -> None:
    rows = np.full((1, 48, 48, 96), ROW, np.uint8)
    rows[..., 50:] = 0
    symbols = drawn(ROW + SHIFT, rows.size, np.random.default_rng(1)).reshape(rows.shape)
    symbols[..., 50:] = 0
    native = adaptation()
    shifted = native.move(rows.astype(np.int16), native.sums(rows, symbols))[1].astype(int)
    assert np.abs(shifted[..., :50] - (ROW + SHIFT)).max() <= 2
    assert np.median(shifted[..., :50]) == ROW + SHIFT
    assert not shifted[..., 50:].any()


def test_little_evidence_moves_nothing() -> None:
    rows = np.full((1, 1, 1, 96), 1, np.uint8)
    native = adaptation()
    sums = native.sums(rows, np.zeros(rows.shape, np.int32))
    np.testing.assert_array_equal(native.move(rows.astype(np.int16), sums)[1], rows)


def test_without_adaptation_symbols_add_nothing() -> None:
    rows, symbols = np.full((1, 2, 2, 96), ROW, np.uint8), np.ones((1, 2, 2, 96), np.int32)
    assert adaptation().sums(rows, symbols).any()
    assert not adaptation(adapts=False).sums(rows, symbols).any()


def test_what_does_not_fit_is_refused() -> None:
    native = adaptation()
    rows, symbols = np.ones((1, 2, 2, 96), np.uint8), np.zeros((1, 2, 2, 96), np.int32)
    with pytest.raises(UsageError, match="rows must be"):
        native.move(rows[..., :90].astype(np.int16), NO_SUMS)
    with pytest.raises(UsageError, match="sums must be"):
        native.move(rows.astype(np.int16), NO_SUMS[..., :7].copy())
    with pytest.raises(UsageError, match=r"0\.\.63"):
        native.sums(rows + 63, symbols)
    with pytest.raises(UsageError, match="one shape"):
        native.sums(rows, symbols[:, :1].copy())
    with pytest.raises(UsageError, match="2047"):
        native.sums(rows, symbols + 2048)
