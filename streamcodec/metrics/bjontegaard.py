"""BD-rate: how many bits more or less one codec needs than another for the same quality, as a mean over the qualities both reach.

G. Bjontegaard, "Calculation of average PSNR differences between RD-curves", VCEG-M33, 2001; with piecewise cubic interpolation of the
logarithm of the rate over the quality, as JVET's reports have it (JCTVC-L1100 and after): F. N. Fritsch, R. E. Carlson, "Monotone piecewise
cubic interpolation", 1980, with the slopes of Fritsch and Butland, 1984 (PCHIP).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError

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


def bd_rate(anchor: RateCurve, test: RateCurve) -> BdRate:
    """The mean of log(rate of `test` / rate of `anchor`) over the range of quality that both curves span, as a percentage.

    Raises UsageError if the ranges of quality do not overlap.
    """
    spans = [(curve.qualities[0], curve.qualities[-1]) for curve in (anchor, test)]
    low, high = max(start for start, _ in spans), min(end for _, end in spans)
    if low >= high:
        (a, b), (c, d) = spans
        raise UsageError(
            f"curves of qualities {a:.4g}..{b:.4g} and {c:.4g}..{d:.4g}; accepted: ranges that overlap"
        )
    knots = np.unique(np.concatenate([[low, high], anchor.qualities, test.qualities]))
    knots = knots[(low <= knots) & (knots <= high)]
    start, end = knots[:-1], knots[1:]
    ends_and_middle = np.stack([start, (start + end) / 2, end])
    difference = pchip(test.qualities, test.log_rates, ends_and_middle) - pchip(
        anchor.qualities, anchor.log_rates, ends_and_middle
    )
    areas = (
        (end - start) / 6 * (np.array([1, 4, 1]) @ difference)
    )  # Simpson's rule, exact for a cubic
    return BdRate(
        percent=100 * math.expm1(areas.sum() / (high - low)), low=float(low), high=float(high)
    )


def pchip(x: Array, y: Array, at: Array) -> Array:
    """The interpolant of y (K,) over rising x (K,), K >= 3, at points within x's range, of any shape: monotone where y is."""
    slopes = _slopes(x, y)
    left = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    width = x[left + 1] - x[left]
    t = (at - x[left]) / width
    rise, fall = t * t * (3 - 2 * t), t * (1 - t)
    return (
        y[left] * (1 - rise)
        + y[left + 1] * rise
        + width * fall * (slopes[left] * (1 - t) - slopes[left + 1] * t)
    )


def _slopes(x: Array, y: Array) -> Array:
    """At every x: the weighted harmonic mean of the two secants beside it, zero where they differ in sign."""
    step = np.diff(x)
    secant = np.diff(y) / step
    before, after = secant[:-1], secant[1:]
    weight_before, weight_after = step[:-1] + 2 * step[1:], 2 * step[:-1] + step[1:]
    monotone = before * after > 0
    safe_before, safe_after = np.where(monotone, before, 1), np.where(monotone, after, 1)
    inner = np.where(
        monotone,
        (weight_before + weight_after) / (weight_before / safe_before + weight_after / safe_after),
        0,
    )
    first = _end_slope(step[0], step[1], secant[0], secant[1])
    return np.concatenate(
        [[first], inner, [_end_slope(step[-1], step[-2], secant[-1], secant[-2])]]
    )


def _end_slope(step: float, next_step: float, secant: float, next_secant: float) -> float:
    """The parabola through the three points at an end, limited so that the curve keeps its shape."""
    slope = ((2 * step + next_step) * secant - step * next_secant) / (step + next_step)
    if slope * secant <= 0:
        return 0.0
    return 3 * secant if secant * next_secant < 0 and abs(slope) > 3 * abs(secant) else slope
