"""PSNR against its definition."""

import math

import numpy as np
import pytest

from streamcodec.errors import UsageError
from streamcodec.metrics import frame_mse, mse, mse_to_psnr_db, psnr_db, psnr_yuv_db


def test_psnr_is_the_definition_over_all_samples() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 256, (2, 3, 70, 33)).astype(np.uint8)
    error = np.mean((a.astype(np.float64) - b) ** 2)
    assert mse(a, b) == pytest.approx(error, rel=1e-12)
    assert psnr_db(a, b) == pytest.approx(10 * np.log10(255**2 / error), rel=1e-12)


def test_psnr_of_an_error_of_one_is_48_13_db() -> None:
    a = np.zeros((4, 4), np.uint8)
    assert psnr_db(a, a + np.uint8(1)) == pytest.approx(48.1308, abs=1e-4)
    assert psnr_db(a, a + np.uint8(255)) == 0


def test_identical_pictures_are_infinitely_alike() -> None:
    a = np.full((5, 7), 9, np.uint8)
    assert psnr_db(a, a) == math.inf
    assert mse_to_psnr_db(0) == math.inf


def test_yuv_weighs_luma_six_times() -> None:
    zero = [np.zeros((4, 4), np.uint8), np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8)]
    other = [zero[0] + np.uint8(1), zero[1] + np.uint8(2), zero[2] + np.uint8(4)]
    y, u, v = (20 * math.log10(255 / step) for step in (1, 2, 4))
    assert psnr_yuv_db(zero, other) == pytest.approx((6 * y + u + v) / 8)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8)),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.int16)),
        (np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.uint8)),
    ],
)
def test_psnr_fails_for_other_arrays(a: np.ndarray, b: np.ndarray) -> None:
    with pytest.raises(UsageError, match="cannot compare"):
        psnr_db(a, b)


def test_psnr_yuv_fails_for_one_plane() -> None:
    plane = np.zeros((4, 4), np.uint8)
    with pytest.raises(UsageError, match="1 and 1 planes"):
        psnr_yuv_db([plane], [plane])


def test_error_of_a_frame_weighs_luma_six_times() -> None:
    y, u = np.zeros((4, 6), np.uint8), np.zeros((2, 3), np.uint8)
    assert frame_mse((y, u, u), (y + 2, u + 4, u)) == pytest.approx((6 * 4 + 16) / 8)
    rgb = np.zeros((3, 4, 6), np.uint8)
    assert frame_mse((rgb,), (rgb + 3,)) == 9


@pytest.mark.parametrize("planes", [0, 2])
def test_error_of_no_frame_fails(planes: int) -> None:
    with pytest.raises(UsageError, match="planes; accepted"):
        frame_mse((np.zeros((4, 6), np.uint8),) * planes, (np.zeros((4, 6), np.uint8),) * planes)
