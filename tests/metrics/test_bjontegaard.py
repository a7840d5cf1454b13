"""BD-rate: values known in advance, and numerical integration."""

import math
import sys

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from streamcodec.errors import NotInstalledError, UsageError
from streamcodec.metrics import RateCurve, bd_rate

ANCHOR = RateCurve(((85.95, 31.42), (157.11, 34.24), (309.58, 37.18), (686.76, 40.28)))
TEST = RateCurve(((112.75, 31.24), (204.93, 34.17), (407.8, 37.21), (893.34, 40.39)))


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 2.5])
def test_a_constant_factor_of_bits_is_the_bd_rate(factor: float) -> None:
    test = RateCurve(tuple((factor * rate, quality) for rate, quality in ANCHOR.points))
    result = bd_rate(ANCHOR, test)
    assert result.percent == pytest.approx(100 * (factor - 1), abs=1e-9)
    assert (result.low, result.high) == (31.42, 40.28)


def test_a_straight_line_of_log_rate_is_exact_between_and_beyond_the_points() -> None:
    qualities = np.array([30.0, 31, 34, 36, 40])
    anchor = RateCurve.of(np.exp(0.2 * qualities).tolist(), qualities.tolist())
    test = RateCurve.of(
        (0.8 * np.exp(0.2 * (qualities + 1.7))).tolist(), (qualities + 1.7).tolist()
    )
    result = bd_rate(anchor, test)
    assert result.percent == pytest.approx(-20, abs=1e-9)
    assert (result.low, result.high) == (31.7, 40)


def test_bd_rate_is_the_integral_over_the_overlap() -> None:
    """Summed over a fine grid of the interpolant's values."""
    result = bd_rate(ANCHOR, TEST)
    edges = np.linspace(result.low, result.high, 200_001)
    middles = (edges[:-1] + edges[1:]) / 2
    test, anchor = (
        PchipInterpolator(curve.qualities, curve.log_rates)(middles) for curve in (TEST, ANCHOR)
    )
    mean = float((test - anchor).mean())
    assert result.percent == pytest.approx(100 * math.expm1(mean), abs=1e-6)
    assert result.percent == pytest.approx(31.37987820239754, abs=1e-9)


def test_exchanging_the_codecs_inverts_the_ratio() -> None:
    there, back = bd_rate(ANCHOR, TEST).percent, bd_rate(TEST, ANCHOR).percent
    assert (1 + there / 100) * (1 + back / 100) == pytest.approx(1, abs=1e-12)


def test_points_may_come_in_any_order() -> None:
    assert RateCurve(ANCHOR.points[::-1]) == ANCHOR


def test_without_scipy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.interpolate", None)
    with pytest.raises(NotInstalledError, match=r"pip install 'streamcodec\[report\]'"):
        bd_rate(ANCHOR, TEST)


def test_bd_rate_fails_without_overlap() -> None:
    better = RateCurve(tuple((rate, quality + 20) for rate, quality in ANCHOR.points))
    with pytest.raises(
        UsageError, match=r"31\.42\.\.40\.28 and 51\.42\.\.60\.28; accepted: ranges that overlap"
    ):
        bd_rate(ANCHOR, better)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (ANCHOR.points[:3], "3 points; accepted: at least 4"),
        (((1, 30), (2, 32), (3, 31), (4, 35)), r"from \(2\.0, 32\.0\) to \(3\.0, 31\.0\)"),
        (((1, 30), (2, 32), (2, 33), (4, 35)), "rises with the rate"),
        (((0, 30), (2, 32), (3, 33), (4, 35)), "rates above zero"),
        (((1, 30), (2, 32), (3, 33), (4, math.inf)), "finite"),
    ],
)
def test_a_curve_fails_for_other_points(
    points: tuple[tuple[float, float], ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        RateCurve(points)


def test_a_curve_fails_for_columns_of_two_lengths() -> None:
    with pytest.raises(UsageError, match="4 rates and 3 qualities"):
        RateCurve.of([1, 2, 3, 4], [1, 2, 3])
