"""Colour conversion against the closed form of ITU-T H.273, in both directions."""

from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from streamcodec.errors import UsageError
from streamcodec.metrics import psnr_db
from streamcodec.types import ColorSpec
from streamcodec.video.color import (
    effective_matrix,
    gray_from_rgb,
    subsample_chroma,
    to_rgb,
    to_yuv420,
    to_yuv444,
    upsample_chroma,
)

MATRICES = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def exact_rgb(planes: NDArray[np.uint8], matrix: int, full_range: bool) -> NDArray[np.float64]:
    red, blue = MATRICES[matrix]
    y, u, v = planes.astype(np.float64)
    y, u, v = (
        (y / 255, (u - 128) / 255, (v - 128) / 255)
        if full_range
        else ((y - 16) / 219, (u - 128) / 224, (v - 128) / 224)
    )
    r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.clip(np.round(255 * np.stack([r, g, b])), 0, 255)


def exact_yuv(rgb: NDArray[np.uint8], matrix: int, full_range: bool) -> NDArray[np.float64]:
    red, blue = MATRICES[matrix]
    r, g, b = rgb.astype(np.float64) / 255
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    scaled = (
        (255 * y, 255 * u + 128, 255 * v + 128)
        if full_range
        else (219 * y + 16, 224 * u + 128, 224 * v + 128)
    )
    return np.clip(np.round(np.stack(scaled)), 0, 255)


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
def test_flat_420_colours_match_the_formula(matrix: int, full_range: bool) -> None:
    yuv = np.random.default_rng(matrix).integers(0, 256, (200, 3)).astype(np.uint8)
    for y, u, v in yuv:
        planes = (
            np.full((4, 6), y, np.uint8),
            np.full((2, 3), u, np.uint8),
            np.full((2, 3), v, np.uint8),
        )
        rgb = to_rgb(planes, ColorSpec(matrix=matrix, full_range=full_range))
        wanted = exact_rgb(np.array([y, u, v])[:, None, None], matrix, full_range)
        assert rgb.shape == (3, 4, 6)
        assert np.abs(rgb - wanted).max() <= 1


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
def test_every_pixel_matches_the_formula_in_444(matrix: int, full_range: bool) -> None:
    color = ColorSpec(matrix=matrix, full_range=full_range)
    samples = np.random.default_rng(matrix).integers(0, 256, (3, 61, 67)).astype(np.uint8)
    y, u, v = samples
    assert np.abs(to_rgb((y, u, v), color) - exact_rgb(samples, matrix, full_range)).max() <= 1
    assert (
        np.abs(np.stack(to_yuv444(samples, color)) - exact_yuv(samples, matrix, full_range)).max()
        <= 1
    )


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", [1, 2, 6, 9])
def test_round_trip_of_rgb_is_close(synthetic: ModuleType, matrix: int, full_range: bool) -> None:
    color = ColorSpec(matrix=matrix, full_range=full_range)
    rgb = synthetic.moving_frame(0, 97, 65)
    assert psnr_db(rgb, to_rgb(to_yuv420(rgb, color), color)) > 44


def test_round_trip_of_420_is_closer_still(synthetic: ModuleType) -> None:
    color = ColorSpec(matrix=1)
    planes = to_yuv420(synthetic.moving_frame(3, 97, 65), color)
    for before, after in zip(planes, to_yuv420(to_rgb(planes, color), color), strict=True):
        assert psnr_db(before, after) > 52


def test_chroma_sits_on_even_columns_and_between_rows() -> None:
    ramp = np.tile(
        np.arange(20, 180, 8, dtype=np.uint8), (10, 1)
    )  # 4 levels for each column of luma
    luma = np.zeros((20, 40), np.uint8)
    across = upsample_chroma((luma, ramp, ramp))[1]
    assert np.abs(across[:, 4:-4].astype(int) - np.arange(20, 180, 4)[4:-4]).max() == 0
    down = upsample_chroma((luma.T.copy(), ramp.T.copy(), ramp.T.copy()))[1]
    wanted = (20 + 4 * (np.arange(40) - 0.5))[:, None]
    assert np.abs(down[4:-4] - wanted[4:-4]).max() <= 0.5
    assert np.array_equal(subsample_chroma((luma, across, across))[1][:, 2:-2], ramp[:, 2:-2])


@pytest.mark.parametrize("size", [(1, 1), (1, 8), (8, 1), (2, 3), (5, 5), (33, 18)])
def test_every_size_converts(size: tuple[int, int]) -> None:
    height, width = size
    rgb = np.full((3, height, width), 77, np.uint8)
    planes = to_yuv420(rgb, ColorSpec())
    assert planes[1].shape == planes[2].shape == ((height + 1) // 2, (width + 1) // 2)
    assert np.abs(to_rgb(planes, ColorSpec()).astype(int) - 77).max() <= 1


def test_unspecified_matrix_goes_by_size() -> None:
    assert effective_matrix(ColorSpec(), 854, 480) == 6
    assert effective_matrix(ColorSpec(), 960, 720) == 1
    assert effective_matrix(ColorSpec(), 1280, 544) == 1
    assert effective_matrix(ColorSpec(matrix=9), 64, 64) == 9
    assert effective_matrix(ColorSpec(matrix=0), 64, 64) == 6


def test_a_matrix_that_follows_from_known_primaries_is_converted() -> None:
    assert effective_matrix(ColorSpec(primaries=1, matrix=12), 64, 64) == 1
    assert effective_matrix(ColorSpec(primaries=9, matrix=12), 64, 64) == 9


@pytest.mark.parametrize("full_range", [False, True])
def test_ycgco_matches_the_formula(full_range: bool) -> None:
    """H.273 8.3, equations 38 to 40, from RGB of the same range."""
    rgb = np.random.default_rng(8).integers(0, 256, (3, 40, 50)).astype(np.uint8)
    r, g, b = rgb.astype(float) if full_range else 16 + rgb * (219 / 255)
    wanted = np.stack([(r + 2 * g + b) / 4, (2 * g - r - b) / 4 + 128, (r - b) / 2 + 128])
    color = ColorSpec(matrix=8, full_range=full_range)
    planes = to_yuv444(rgb, color)
    assert np.abs(np.stack(planes) - wanted.clip(0, 255)).max() <= 1
    assert np.abs(to_rgb(planes, color).astype(int) - rgb).max() <= 3


@pytest.mark.parametrize("matrix", [3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 255])
def test_a_matrix_that_is_not_known_is_refused_by_name(matrix: int) -> None:
    planes = (np.zeros((4, 4), np.uint8), *np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(UsageError, match=rf"colour matrix is {matrix} \(.+\), which is not conv"):
        to_rgb(planes, ColorSpec(matrix=matrix))


def test_gray_is_luma() -> None:
    rgb = np.array([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255], np.uint8).reshape(3, 2, 2)
    assert np.abs(gray_from_rgb(rgb).astype(int).ravel() - [76, 150, 29, 255]).max() <= 1


def test_wrong_chroma_size_fails() -> None:
    with pytest.raises(UsageError, match="chroma plane"):
        to_rgb(
            (np.zeros((8, 8), np.uint8), np.zeros((3, 4), np.uint8), np.zeros((4, 4), np.uint8)),
            ColorSpec(),
        )
