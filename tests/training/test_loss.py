"""Losses: MSE and MS-SSIM, each with its range of lambda."""

import pytest
import torch

from streamcodec.errors import UsageError
from streamcodec.metrics import ms_ssim
from streamcodec.training.loss import figures_of, flow_cost, image_cost, lambdas, ssim_lambdas

from .small_runs import small_config

SIDE = 176


def pictures(seed: int) -> torch.Tensor:
    return torch.rand((2, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(seed))


def yuv_error(difference: torch.Tensor) -> torch.Tensor:
    """Mean square of BT.709's luma plus half of that of either colour difference."""
    red, green, blue = difference.unbind(1)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    parts = luma.square() + 0.5 * ((blue - luma) / 1.8556).square() + 0.5 * ((red - luma) / 1.5748).square()
    return parts.mean((1, 2))


def test_ranges_of_lambda_end_where_the_config_says() -> None:
    config = small_config(lambda_low=0.001, lambda_high=0.1, ssim_lambda_low=2.0, ssim_lambda_high=200.0)
    q = torch.tensor([0.0, 1.0, 2.0])
    torch.testing.assert_close(lambdas(q, config), torch.tensor([0.001, 0.01, 0.1]))
    torch.testing.assert_close(ssim_lambdas(q, config), torch.tensor([2.0, 20.0, 200.0]))


@pytest.mark.parametrize("loss", ["mse", "ms-ssim"])
def test_loss_is_rate_and_weighted_distortion(loss: str) -> None:
    config = small_config(loss=loss, crop=SIDE, prediction_weight=0.25)
    x, prediction = pictures(0), pictures(1)
    x_hat = (0.9 * x).requires_grad_()
    q = torch.tensor([0.0, 2.0])
    likelihoods = {"motion": {"y": torch.full((2, 1, 11, 11), 0.5)}, "residual": {"y": torch.full((2, 2, 11, 11), 0.25)}}
    output = {"x_hat": x_hat, "prediction": prediction, "flow": torch.zeros(2, 2, 44, 44), "likelihoods": likelihoods}
    cost = flow_cost(output, x, q, config)  # type: ignore[arg-type]
    if loss == "mse":
        expected = lambdas(q, config) * 255**2 * (yuv_error(x_hat - x) + 0.25 * yuv_error(prediction - x))
    else:
        expected = ssim_lambdas(q, config) * ((1 - ms_ssim(x_hat, x)) + 0.25 * (1 - ms_ssim(prediction, x)))
    torch.testing.assert_close(cost.loss, expected + (1 + 4) / 256)
    (gradient,) = torch.autograd.grad(cost.loss.sum(), x_hat)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


def test_figures_tell_ms_ssim_where_it_is_trained() -> None:
    x = pictures(0)
    output = {"x_hat": x.roll(1, 3), "likelihoods": {"y": torch.ones(2, 1, 11, 11)}}
    q = torch.zeros(2)
    figures = figures_of("image", [image_cost(output, x, q, small_config(loss="ms-ssim", crop=SIDE))])  # type: ignore[arg-type]
    torch.testing.assert_close(figures["image_ms_ssim"], ms_ssim(x.roll(1, 3), x).mean())
    assert "image_ms_ssim" not in figures_of("image", [image_cost(output, x, q, small_config())])  # type: ignore[arg-type]


def test_crop_too_small_for_ms_ssim_fails() -> None:
    with pytest.raises(UsageError, match="crop is 160; accepted: 161 or more"):
        small_config(loss="ms-ssim", crop=160)


@pytest.mark.parametrize("fields", [{"loss": "l1"}, {"ssim_lambda_low": 0.0}, {"ssim_lambda_high": 0.5}, {"compile": 1}])
def test_bad_values_fail(fields: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(fields))):
        small_config(**fields)
