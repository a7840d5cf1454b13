"""Pictures and motion fields to test with."""

import numpy as np
from numpy.typing import NDArray

from streamcodec._native import MotionField, MotionTables, Tables
from streamcodec.motion import default_tables


def motion_tables() -> tuple[Tables, MotionTables]:
    data = default_tables()
    tables = Tables(data.quantized_cdf, data.cdf_length, data.offset)
    return tables, MotionTables(tables)


def texture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth random picture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = sum(
        np.sin(2 * np.pi * (a * y + b * x) + c)
        for a, b, c in zip(*rng.uniform(-0.09, 0.09, (2, 24)), rng.uniform(0, 7, 24), strict=True)
    )
    return (127.5 + 14 * waves).clip(0, 255).astype(np.uint8)


def random_field(
    rows: int, columns: int, *, reach: int = 40, modes: int = 3, seed: int = 0
) -> MotionField:
    """Areas that are alike and areas that are not; every mode, filter and kind of split."""
    rng = np.random.default_rng(seed)

    def grid(highest: int) -> NDArray[np.uint8]:
        cells = rng.integers(0, highest, (rows, columns))
        cells[rng.random((rows, columns)) < 0.5] = 0
        return cells.astype(np.uint8)

    def vectors() -> NDArray[np.int16]:
        whole = rng.integers(-reach, reach + 1, (rows, columns, 2))
        whole[rng.random((rows, columns)) < 0.5] = whole[0, 0]
        return whole.repeat(2, 0).repeat(2, 1).astype(np.int16)

    mode, previous, key = grid(modes), vectors(), vectors()
    split = (rng.random((rows, columns)) < 0.3).repeat(2, 0).repeat(2, 1)
    previous[split] += rng.integers(-3, 4, (int(split.sum()), 2)).astype(np.int16)
    key[split & (mode == 1).repeat(2, 0).repeat(2, 1)] -= 2
    return MotionField(mode, grid(3), previous.clip(-1023, 1023), key.clip(-1023, 1023))


def same_fields(a: MotionField, b: MotionField) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("modes", "filters", "previous", "key")
    )
