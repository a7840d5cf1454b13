"""Coding and estimating a latent, on a small hyperprior with random weights."""

import pytest
import torch
from torch import Tensor, nn

from streamcodec.errors import ModelError
from streamcodec.models.base import CompressionModel
from streamcodec.models.zoo.ssf_hyperprior import ScaleSpaceHyperprior

from ..channels import ListDecoder, ListEncoder

CHANNELS, SIZE = 6, (13, 18)


class Rounded(ScaleSpaceHyperprior):
    straight_through = "yz"


class Latents(CompressionModel):
    """Two latents that share the Gaussian rows, as in a model for P-frames."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Rounded(CHANNELS)
        self.second = Rounded(CHANNELS, row=CHANNELS)


@pytest.fixture(scope="module")
def model() -> Latents:
    torch.manual_seed(0)
    model = Latents().eval()
    with torch.no_grad():
        for latent in (model.first, model.second):
            scales = latent.hyper_decoder_scale
            for part, bias in ((scales.deconv1, 2), (scales.deconv2, 2), (scales.deconv3, 4)):
                part.bias += bias
            latent.hyper_encoder[-1].weight *= 10
            latent.hyper_decoder_mean[-1].weight *= 3
            latent.entropy_bottleneck.quantiles[:, 0, 1] = torch.linspace(-0.7, 0.6, CHANNELS)
    assert model.update()
    return model


def latent_values(batch: int = 1) -> Tensor:
    return 5 * torch.randn(batch, CHANNELS, *SIZE, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_decoder_repeats_the_encoder(model: Latents) -> None:
    encoder = ListEncoder.of(model)
    y = latent_values()
    coded = [latent.code_latent(y, SIZE, encoder) for latent in (model.first, model.second)]
    decoder = ListDecoder(encoder)
    decoded = [latent.code_latent(None, SIZE, decoder) for latent in (model.first, model.second)]
    assert all(torch.equal(a, b) for a, b in zip(coded, decoded, strict=True))
    assert coded[0].shape == (1, CHANNELS, *SIZE)
    certain = torch.from_numpy(model.tables().certain)[encoder.written[1][1].long()]
    assert ((coded[0] - y).abs()[~certain] <= 0.5 + 1e-4).all()


@torch.no_grad()
def test_symbols_do_not_depend_on_the_layout_in_memory(model: Latents) -> None:
    plain, other = ListEncoder.of(model), ListEncoder.of(model)
    a = model.first.code_latent(latent_values(), SIZE, plain)
    b = model.first.code_latent(latent_values().to(memory_format=torch.channels_last), SIZE, other)
    assert a.stride() == b.stride()
    assert torch.equal(a, b)


@torch.no_grad()
def test_estimate_is_near_what_coding_costs_and_gives(model: Latents) -> None:
    encoder, y = (
        ListEncoder.of(model),
        latent_values() / 4,
    )  # nothing far out, where both count differently
    coded = model.first.code_latent(y, SIZE, encoder)
    estimate = model.first.estimate(y)
    certain = torch.from_numpy(model.tables().certain)[encoder.written[1][1].long()]
    torch.testing.assert_close(estimate.y_hat[~certain], coded[~certain])
    bits = sum(-torch.log2(likelihood).sum().item() for likelihood in estimate.likelihoods.values())
    assert encoder.bits == pytest.approx(bits, rel=0.05)


def test_training_rounds_straight_through_and_estimates_with_noise(model: Latents) -> None:
    y = latent_values().requires_grad_()
    model.train()
    try:
        first, second = (model.first.estimate(y) for _ in range(2))
    finally:
        model.eval()
    assert torch.equal(first.y_hat, second.y_hat)
    assert not torch.equal(first.likelihoods["y"], second.likelihoods["y"])
    first.y_hat.sum().backward()
    torch.testing.assert_close(y.grad, torch.ones_like(y))


@torch.no_grad()
def test_certain_symbols_are_zero(model: Latents) -> None:
    shrunk = Latents().eval()
    shrunk.load_state_dict(model.state_dict())
    nn.init.constant_(shrunk.first.hyper_decoder_scale.deconv3.bias, -50)
    shrunk.update(force=True)
    encoder = ListEncoder.of(shrunk)
    shrunk.first.code_latent(latent_values(), SIZE, encoder)
    symbols, indexes = encoder.written[1]
    assert indexes.max() == 0
    assert not symbols.any()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@torch.no_grad()
def test_latents_that_are_not_finite_fail(model: Latents, value: float) -> None:
    y = latent_values()
    y[0, 0, 0, 0] = value
    with pytest.raises(ModelError, match="NaN or infinity"):
        model.first.code_latent(y, SIZE, ListEncoder.of(model))


@torch.no_grad()
def test_huge_latents_are_clamped(model: Latents) -> None:
    encoder = ListEncoder.of(model)
    y = model.first.code_latent(1e12 * latent_values(), SIZE, encoder)
    assert y.isfinite().all()
    assert max(symbols.abs().max() for symbols, _ in encoder.written) == 2**20


def test_coding_without_tables_fails() -> None:
    latents = Latents()
    with pytest.raises(ModelError, match="update"):
        latents.tables()
    with torch.no_grad(), pytest.raises(ModelError, match="update"):
        latents.first.code_latent(latent_values(), SIZE, UncheckedEncoder())


class UncheckedEncoder:
    def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
        assert symbols is not None
        return symbols


def test_tables_are_the_gaussians_once_then_every_bottleneck(model: Latents) -> None:
    tables = model.tables()
    gaussian, first = (
        model.first.gaussian_conditional.tables(),
        model.first.entropy_bottleneck.tables(),
    )
    assert tables.rows == 128 + 2 * CHANNELS
    assert (tables.offset[:128] == gaussian.offset).all()
    assert (tables.offset[128 : 128 + CHANNELS] == first.offset).all()


def test_update_says_whether_anything_changed(model: Latents) -> None:
    fresh = Latents()
    assert fresh.update()
    assert not fresh.update()
    assert fresh.update(force=True)
    assert fresh.update(scale_table=[0.11, 1.0, 8.0], force=True)
    assert fresh.tables().rows == 3 + 2 * CHANNELS
    fresh.load_state_dict(model.state_dict())
    assert fresh.tables().rows == 128 + 2 * CHANNELS
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
    assert {
        name for name, p in latents.named_parameters() if p.grad is not None and p.grad.any()
    } == {
        "first.entropy_bottleneck.quantiles",
        "second.entropy_bottleneck.quantiles",
    }
