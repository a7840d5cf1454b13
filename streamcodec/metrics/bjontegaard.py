"""BD-rate: how many bits more or less one codec needs than another for the same quality, as a mean over the qualities both reach.

G. Bjontegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001; with piecewise cubic interpolation of the
logarithm of the rate over the quality, as JVET's reports have it (JCTVC-L1100 and after): F. N. Fritsch, R. E. Carlson, "Monotone piecewise
cubic interpolation", 1980, with the slopes of Fritsch and Butland, 1984 (PCHIP). SciPy interpolates; it is part of the extra `report`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import NotInstalledError, UsageError

__all__ = ["BdRate", "RateCurve", "bd_rate"]

MIN_POINTS = 4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RateCurve:
    """Points (rate, quality) of one codec, held in order of rate; rates in any unit above zero, quality in dB or any scale that rises.

    Raises UsageError for fewer than four points, values that are not finite, or a quality that does not rise with the rate.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        points = tuple(sorted((float(rate), float(quality)) for rate, quality in self.points))
        if len(points) < MIN_POINTS:
            raise UsageError(
                f"a rate curve has {len(points)} points; accepted: at least {MIN_POINTS}"
            )
        if not all(
            math.isfinite(rate) and math.isfinite(quality) and rate > 0 for rate, quality in points
        ):
            raise UsageError(
                f"a rate curve has the points {points}; accepted: finite numbers, rates above zero"
            )
        for low, high in pairwise(points):
            if low[0] == high[0] or low[1] >= high[1]:
                raise UsageError(
                    f"a rate curve goes from {low} to {high} (rate, quality); accepted: quality that rises with the rate"
                )
        object.__setattr__(self, "points", points)

    @classmethod
    def of(cls, rates: Sequence[float], qualities: Sequence[float]) -> "RateCurve":
        """From two columns of one length, in any order."""
        if len(rates) != len(qualities):
            raise UsageError(
                f"a rate curve has {len(rates)} rates and {len(qualities)} qualities; accepted: as many of each"
            )
        return cls(tuple(zip(rates, qualities, strict=True)))

    @property
    def qualities(self) -> Array:
        return np.array([quality for _, quality in self.points])

    @property
    def log_rates(self) -> Array:
        return np.log([rate for rate, _ in self.points])


@dataclass(frozen=True)
class BdRate:
    """`percent`: bits that the tested codec needs more (above zero) or less than the anchor, over the qualities `low` to `high`."""

    percent: float
    low: float
    high: float


def _pchip() -> Any:
    """scipy.interpolate.PchipInterpolator."""
    try:
        from scipy.interpolate import PchipInterpolator
    except ImportError as error:
        raise NotInstalledError(
            f"BD-rates need SciPy ({error}): pip install 'streamcodec[report]'"
        ) from error
    return PchipInterpolator


def bd_rate(anchor: RateCurve, test: RateCurve) -> BdRate:
    """The mean of log(rate of `test` / rate of `anchor`) over the range of quality that both curves span, as a percentage.

    Raises UsageError if the ranges of quality do not overlap, NotInstalledError without SciPy.
    """
    interpolant = _pchip()
    spans = [(curve.qualities[0], curve.qualities[-1]) for curve in (anchor, test)]
    low, high = max(start for start, _ in spans), min(end for _, end in spans)
    if low >= high:
        (a, b), (c, d) = spans
        raise UsageError(
            f"curves of qualities {a:.4g}..{b:.4g} and {c:.4g}..{d:.4g}; accepted: ranges that overlap"
        )
    areas = [
        interpolant(curve.qualities, curve.log_rates).integrate(low, high)
        for curve in (test, anchor)
    ]
    difference = float(areas[0] - areas[1]) / (high - low)
    return BdRate(percent=100 * math.expm1(difference), low=float(low), high=float(high))
