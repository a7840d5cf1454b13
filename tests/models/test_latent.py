"""Coding and estimating a latent, on a small hyperprior with random weights."""

import pytest
import torch
from torch import Tensor, nn

from streamcodec.errors import ModelError
from streamcodec.models.base import CompressionModel
from streamcodec.models.quarter import QuarterHyperprior

from .channels import ListDecoder, ListEncoder

CHANNELS, HYPER, SIZE = 6, 4, (5, 7)


class Latents(CompressionModel):
    """Two latents that share the Gaussian rows, as in a model for P-frames; rounded plainly (test_decide.py has the other)."""

    def __init__(self) -> None:
        super().__init__()
        self.gain_rows = 3
        self.first = QuarterHyperprior(CHANNELS, HYPER, 3, bit_worth=0)
        self.second = QuarterHyperprior(CHANNELS, HYPER, 3, row=HYPER, bit_worth=0)


@pytest.fixture(scope="module")
def model() -> Latents:
    torch.manual_seed(0)
    model = Latents().eval()
    with torch.no_grad():
        for latent in (model.first, model.second):
            latent.scale[2].weight.mul_(2)
            nn.init.constant_(latent.scale[2].bias, 4)
            latent.mean[2].weight.mul_(3)
            latent.gains.gain.copy_(torch.tensor([-1.0, 0, 1])[:, None].expand(3, CHANNELS))
            latent.gains.inverse_gain.copy_(-latent.gains.gain)
            latent.entropy_bottleneck.quantiles[:, 0, 1] = torch.linspace(-0.7, 0.6, HYPER)
    assert model.update()
    return model


def latent_values(batch: int = 1) -> Tensor:
    return 5 * torch.randn(batch, CHANNELS, *SIZE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("q", [0.0, 0.6, 2.0])
@torch.no_grad()
def test_decoder_repeats_the_encoder(model: Latents, q: float) -> None:
    encoder = ListEncoder.of(model)
    y = latent_values()
    coded = [latent.code_latent(y, SIZE, q, encoder) for latent in (model.first, model.second)]
    decoder = ListDecoder(encoder)
    decoded = [latent.code_latent(None, SIZE, q, decoder) for latent in (model.first, model.second)]
    assert all(torch.equal(a, b) for a, b in zip(coded, decoded, strict=True))
    assert coded[0].shape == (1, CHANNELS, *SIZE)
    largest_step = model.first.gains(torch.tensor([q]))[1].max()
    certain = torch.from_numpy(model.tables().certain)[encoder.written[1][1].long()]
    assert ((coded[0] - y).abs()[~certain] <= largest_step / 2 + 1e-4).all()


@torch.no_grad()
def test_symbols_do_not_depend_on_the_layout_in_memory(model: Latents) -> None:
    plain, other = ListEncoder.of(model), ListEncoder.of(model)
    a = model.first.code_latent(latent_values(), SIZE, 1.0, plain)
    b = model.first.code_latent(latent_values().to(memory_format=torch.channels_last), SIZE, 1.0, other)
    assert a.stride() == b.stride()
    assert torch.equal(a, b)


@torch.no_grad()
def test_estimate_is_near_what_coding_costs_and_gives(model: Latents) -> None:
    encoder, y = ListEncoder.of(model), latent_values() / 4  # nothing far out, where both count differently
    coded = model.first.code_latent(y, SIZE, 1.0, encoder)
    estimate = model.first.estimate(y, torch.tensor([1.0]))
    certain = torch.from_numpy(model.tables().certain)[encoder.written[1][1].long()]
    torch.testing.assert_close(estimate.y_hat[~certain], coded[~certain])
    bits = sum(-torch.log2(likelihood).sum().item() for likelihood in estimate.likelihoods.values())
    assert encoder.bits == pytest.approx(bits, rel=0.05)


def test_training_rounds_straight_through_and_estimates_with_noise(model: Latents) -> None:
    y = latent_values().requires_grad_()
    model.train()
    try:
        first, second = (model.first.estimate(y, torch.tensor([1.0])) for _ in range(2))
    finally:
        model.eval()
    assert torch.equal(first.y_hat, second.y_hat)
    assert not torch.equal(first.likelihoods["y"], second.likelihoods["y"])
    first.y_hat.sum().backward()
    assert (y.grad == 1).float().mean() > 0.5  # the gain at q = 1 is 1; where the means move with y, more comes on top
    assert y.grad.isfinite().all()


@torch.no_grad()
def test_certain_symbols_are_zero(model: Latents) -> None:
    shrunk = Latents().eval()
    shrunk.load_state_dict(model.state_dict())
    nn.init.constant_(shrunk.first.scale[2].bias, -50)
    shrunk.update(force=True)
    encoder = ListEncoder.of(shrunk)
    shrunk.first.code_latent(latent_values(), SIZE, 1.0, encoder)
    symbols, indexes = encoder.written[1]
    assert indexes.max() == 0
    assert not symbols.any()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@torch.no_grad()
def test_latents_that_are_not_finite_fail(model: Latents, value: float) -> None:
    y = latent_values()
    y[0, 0, 0, 0] = value
    with pytest.raises(ModelError, match="NaN or infinity"):
        model.first.code_latent(y, SIZE, 1.0, ListEncoder.of(model))


@torch.no_grad()
def test_huge_latents_are_clamped(model: Latents) -> None:
    encoder = ListEncoder.of(model)
    y = model.first.code_latent(1e12 * latent_values(), SIZE, 1.0, encoder)
    assert y.isfinite().all()
    assert max(symbols.abs().max() for symbols, _ in encoder.written) == 2**20


def test_coding_without_tables_fails() -> None:
    latents = Latents()
    with pytest.raises(ModelError, match="update"):
        latents.tables()
    with torch.no_grad(), pytest.raises(ModelError, match="update"):
        latents.first.code_latent(latent_values(), SIZE, 1.0, UncheckedEncoder())


class UncheckedEncoder:
    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        assert symbols is not None
        return symbols


def test_tables_are_the_gaussians_once_then_every_bottleneck(model: Latents) -> None:
    tables = model.tables()
    gaussian, first = model.first.gaussian_conditional.tables(), model.first.entropy_bottleneck.tables()
    assert tables.rows == 128 + 2 * HYPER
    assert (tables.offset[:128] == gaussian.offset).all()
    assert (tables.offset[128 : 128 + HYPER] == first.offset).all()


def test_update_says_whether_anything_changed(model: Latents) -> None:
    fresh = Latents()
    assert fresh.update()
    assert not fresh.update()
    assert fresh.update(force=True)
    assert fresh.update(scale_table=[0.11, 1.0, 8.0], force=True)
    assert fresh.tables().rows == 3 + 2 * HYPER
    fresh.load_state_dict(model.state_dict())
    assert fresh.tables().rows == 128 + 2 * HYPER
    assert not fresh.update()


def test_weights_without_tables_take_them_away(model: Latents) -> None:
    never_updated = Latents().state_dict()
    assert not any("integer" in key for key in never_updated)
    fresh = Latents()
    fresh.load_state_dict(model.state_dict())
    fresh.load_state_dict(never_updated)
    with pytest.raises(ModelError, match="update"):
        fresh.tables()
    assert fresh.update()


def test_only_the_quantiles_learn_from_the_aux_loss() -> None:
    latents = Latents()
    latents.aux_loss().backward()
    assert {name for name, p in latents.named_parameters() if p.grad is not None and p.grad.any()} == {
        "first.entropy_bottleneck.quantiles",
        "second.entropy_bottleneck.quantiles",
    }
