"""MS-SSIM against its definition, window by window, and as a loss."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from streamcodec.errors import UsageError
from streamcodec.metrics import MIN_SIDE, ms_ssim
from streamcodec.metrics.structure import _compare

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SIZES = [(161, 161), (163, 178), (176, 165)]


def pictures(
    height: int, width: int, noise: float, seed: int = 3
) -> tuple[torch.Tensor, torch.Tensor]:
    """A smooth picture with fine texture, and the same with noise: (1, 3, H, W) in [0, 1]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    smooth = 0.5 + 0.2 * np.sin(x / 17) * np.cos(y / 11) + 0.1 * np.sin(x * y / 97)
    a = np.clip(
        np.stack([smooth, smooth * 0.7, 1 - smooth])
        + 0.03 * rng.standard_normal((3, height, width)),
        0,
        1,
    )
    b = np.clip(a + noise * rng.standard_normal(a.shape), 0, 1)
    return torch.from_numpy(a[None]), torch.from_numpy(b[None])


def slow_ms_ssim(a: NDArray[np.float64], b: NDArray[np.float64], data_range: float) -> float:
    """Of two planes (H, W): every window's weighted means, variances and covariance, as the paper writes them."""
    taps = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / np.outer(taps, taps).sum()
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    result = 1.0
    for scale, weight in enumerate(WEIGHTS):
        luminance, contrast = np.zeros(2)
        count = 0
        for rows_a, rows_b in zip(
            *(np.lib.stride_tricks.sliding_window_view(plane, (11, 11)) for plane in (a, b)),
            strict=True,
        ):
            mean_a, mean_b = ((rows * window).sum((1, 2)) for rows in (rows_a, rows_b))
            off_a, off_b = rows_a - mean_a[:, None, None], rows_b - mean_b[:, None, None]
            variance_a, variance_b, covariance = (
                (product * window).sum((1, 2)) for product in (off_a**2, off_b**2, off_a * off_b)
            )
            cs = (2 * covariance + c2) / (variance_a + variance_b + c2)
            luminance += ((2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1) * cs).sum()
            contrast += cs.sum()
            count += len(cs)
        result *= ((luminance if scale == 4 else contrast) / count) ** weight
        a, b = half(a), half(b)
    return result


def half(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 2x2 samples; of those that are there at an odd edge."""
    height, width = (-(-side // 2) for side in plane.shape)
    return np.array(
        [
            [plane[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean() for x in range(width)]
            for y in range(height)
        ]
    )


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_ms_ssim_is_the_definition(height: int, width: int, noise: float) -> None:
    a, b = pictures(height, width, noise)
    expected = slow_ms_ssim(a[0, 0].numpy(), b[0, 0].numpy(), 1.0)
    assert ms_ssim(a[:, :1], b[:, :1]).item() == pytest.approx(expected, rel=1e-9)
    assert ms_ssim(a[:, :1].float(), b[:, :1].float()).item() == pytest.approx(expected, abs=2e-5)
    assert 0.1 < expected < 0.999


def test_one_scale_is_kornias_ssim() -> None:
    kornia = pytest.importorskip("kornia.metrics")
    a, b = pictures(40, 50, 0.1)
    luminance, contrast = _compare(a, b, 1.0)
    torch.testing.assert_close(
        luminance * contrast, kornia.ssim(a, b, 11, padding="valid"), rtol=0, atol=1e-6
    )


def test_channels_and_pictures_are_on_their_own() -> None:
    first, second = pictures(161, 170, 0.05), pictures(161, 170, 0.2, seed=4)
    a, b = (torch.cat(pair) for pair in zip(first, second, strict=True))
    values = ms_ssim(a, b)
    assert values.shape == (2,)
    assert values[0] > values[1]
    each = [ms_ssim(first[0][:, c : c + 1], first[1][:, c : c + 1]).item() for c in range(3)]
    assert values[0].item() == pytest.approx(np.mean(each), rel=1e-12)


def test_the_range_of_samples_scales_out() -> None:
    a, b = pictures(161, 161, 0.1)
    assert ms_ssim(255 * a, 255 * b, data_range=255).item() == pytest.approx(
        ms_ssim(a, b).item(), rel=1e-9
    )


def test_identical_pictures_give_one_and_inverted_ones_almost_nothing() -> None:
    a, _ = pictures(161, 161, 0)
    assert ms_ssim(a, a).item() == pytest.approx(1, abs=1e-12)
    assert 0 <= ms_ssim(a, 1 - a).item() < 0.01


@pytest.mark.parametrize("other", [lambda a: 1 - a, lambda a: a.clone(), torch.zeros_like])
def test_gradients_are_finite_at_the_ends(other) -> None:
    a = pictures(161, 161, 0)[0].float()
    b = other(a).requires_grad_()
    (1 - ms_ssim(a, b)).sum().backward()
    assert torch.isfinite(b.grad).all()


def test_following_the_gradient_makes_pictures_alike() -> None:
    a, b = (x.float() for x in pictures(161, 161, 0.2))
    b.requires_grad_()
    before = ms_ssim(a, b)
    (gradient,) = torch.autograd.grad(before.sum(), b)
    assert ms_ssim(a, b + gradient * (0.5 / gradient.norm())).item() > before.item() + 0.001


def test_autocast_and_bfloat16_are_computed_in_float32() -> None:
    a, b = (x.bfloat16() for x in pictures(161, 161, 0.05))
    with torch.autocast("cpu", torch.bfloat16):
        value = ms_ssim(a, b)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, ms_ssim(a.double(), b.double()).float(), rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("a", "b", "data_range", "message"),
    [
        (
            (1, 3, MIN_SIDE, MIN_SIDE - 1),
            (1, 3, MIN_SIDE, MIN_SIDE - 1),
            1.0,
            "160x161 pictures; accepted: both sides at least 161",
        ),
        ((1, 3, 161, 161), (1, 1, 161, 161), 1.0, "of one shape"),
        ((3, 161, 161), (3, 161, 161), 1.0, "N, C, H, W"),
        ((0, 3, 161, 161), (0, 3, 161, 161), 1.0, "not empty"),
        ((1, 1, 161, 161), (1, 1, 161, 161), 0.0, "above zero"),
    ],
)
def test_ms_ssim_fails_for_other_pictures(a, b, data_range: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ms_ssim(torch.zeros(a), torch.zeros(b), data_range)


def test_ms_ssim_fails_for_integers() -> None:
    a = torch.zeros((1, 1, 161, 161), dtype=torch.uint8)
    with pytest.raises(UsageError, match=r"torch\.uint8"):
        ms_ssim(a, a)
