"""The look-up table that features of symbols and coefficients go through."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_table"]


def log_table() -> NDArray[np.int16]:
    """LOG, int16 (4096,): LOG[a] = round(256 ln(1 + a / 16))."""
    table = np.rint(256 * np.log1p(np.arange(4096) / 16))
    return np.asarray(table, np.int16)
