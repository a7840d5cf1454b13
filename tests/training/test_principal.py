"""Transforms from principal components: a linear transform code written into the networks."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from streamcodec.models.quarter import QuarterHyperprior
from streamcodec.models.quarter_layers import Decoder, Encoder
from streamcodec.training.hyperprior import carry_means, start_hyperprior
from streamcodec.training.principal import decompose, quantiser_steps, start_transform


def smooth_frames(count: int, seed: int = 3) -> Tensor:
    """(N, 3, 64, 64) in about [-0.5, 0.5], without detail finer than 8 pixels."""
    torch.manual_seed(seed)
    return F.interpolate(torch.rand(count, 3, 8, 8) - 0.5, size=(64, 64), mode="bicubic", align_corners=False)


@pytest.mark.parametrize("context", [0, 8])
def test_started_transforms_give_back_what_the_components_hold(context: int) -> None:
    frames = smooth_frames(20)
    encoder, decoder = Encoder(3, 60, 40, 30), Decoder(30, 52, 40, 48, blocks8=2, blocks4=1, context=context)
    cascade = decompose(F.pixel_unshuffle(frames, 4), 40, 30, carry=12)
    start_transform(encoder, decoder, cascade, torch.full((30,), 0.1))
    new = smooth_frames(4, seed=4)
    extra = (torch.randn(4, context, 16, 16).relu(),) if context else ()
    with torch.no_grad():
        back = F.pixel_shuffle(decoder(encoder(new), *extra), 4)
    error = (back - new).square().mean() / new.square().mean()
    assert error < 0.02


def test_latents_are_decorrelated_and_in_units_of_the_step() -> None:
    frames = smooth_frames(40)
    encoder, decoder = Encoder(3, 48, 40, 30), Decoder(30, 48, 40, 48, blocks8=1, blocks4=1)
    cascade = decompose(F.pixel_unshuffle(frames, 4), 40, 30, carry=12)
    start_transform(encoder, decoder, cascade, steps := torch.linspace(0.1, 0.4, 30))
    with torch.no_grad():
        y = encoder(frames).transpose(0, 1).flatten(1)
    covariance = y @ y.T / y.shape[1]
    torch.testing.assert_close(covariance.diagonal().sqrt(), cascade.at16.sigma / steps, rtol=0.05, atol=0.05)
    assert covariance.clone().fill_diagonal_(0).abs().max() < 1e-3 * covariance.max()


def test_steps_balance_rate_and_distortion() -> None:
    lambdas = torch.tensor([0.0025, 0.05])
    steps = quantiser_steps(lambdas)
    bits = 1e-3  # per component, of 256 pixels to a block
    error = steps**2 / 12
    change = lambdas * 255**2 * error * (1 - 2 ** (-2 * bits)) / 256
    torch.testing.assert_close(change, torch.full((2,), bits / 256), rtol=0.01, atol=0)


def test_hyperprior_starts_with_gains_for_the_steps() -> None:
    hyperprior = QuarterHyperprior(6, 4, gain_rows=3)
    steps = torch.tensor([0.4, 0.2, 0.1])
    start_hyperprior(hyperprior, torch.tensor([30.0, 3.0, 0.5]), steps)
    assert hyperprior.gains is not None
    gain, inverse_gain = hyperprior.gains(torch.tensor([0.0, 1.0, 2.0]))
    torch.testing.assert_close(gain[:, 0, 0, 0], 0.2 / steps)
    torch.testing.assert_close(gain * inverse_gain, torch.ones_like(gain))
    assert hyperprior.estimate(torch.randn(1, 6, 4, 4)).y_hat.isfinite().all()


def test_steps_for_other_rows_fail() -> None:
    with pytest.raises(ValueError, match="2 steps for 3 rows"):
        start_hyperprior(QuarterHyperprior(6, 4, gain_rows=3), torch.ones(2), torch.tensor([0.4, 0.2]))


def test_carried_means_follow_smooth_latents() -> None:
    torch.manual_seed(2)
    hyperprior = QuarterHyperprior(6, 8, gain_rows=3)
    start_hyperprior(hyperprior, torch.tensor([30.0, 20.0]), torch.tensor([0.4, 0.2, 0.1]))
    carry_means(hyperprior, 2)
    rows, columns = torch.meshgrid(torch.arange(24.0), torch.arange(32.0), indexing="ij")
    y = torch.zeros(1, 6, 24, 32)
    y[0, :2] = torch.stack((2 * columns - rows - 20, 7 - columns))
    with torch.no_grad():
        z = hyperprior.hyper_analysis(y)
        means = hyperprior.means(z, (24, 32))
    assert means is not None
    inside = (..., slice(0, 2), slice(8, -8), slice(8, -8))  # nothing is behind the border
    torch.testing.assert_close(means[inside], y[inside], atol=1e-3, rtol=0)


def test_more_means_than_channels_fail() -> None:
    with pytest.raises(ValueError, match="5 means need 10 hyperprior channels; there are 8"):
        carry_means(QuarterHyperprior(6, 8, gain_rows=3), 5)
