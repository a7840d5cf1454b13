import math

import numpy as np
import pytest
import torch
from torch import Tensor

from streamcodec.errors import ModelError, UsageError
from streamcodec.models.latents.densities import (
    EntropyBottleneck,
    GaussianConditional,
    default_scale_table,
    quantize,
)

TABLE_NAMES = ("_offset", "_quantized_cdf", "_cdf_length")


@pytest.fixture
def latent() -> Tensor:
    return 4 * torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(1))


def table_bits(model: EntropyBottleneck, z: Tensor) -> float:
    """Cost of the symbols by the integer tables, in bits; every symbol must be inside its table."""
    data = model.tables()
    symbols = (z - model.medians()).round().int().transpose(0, 1).flatten(1).numpy()
    bits = 0.0
    for row, values in enumerate(symbols):
        table = data.table(row)
        at = values - table.offset
        assert at.min() >= 0
        assert at.max() < len(table.cdf) - 2
        bits -= float(np.log2(np.diff(table.cdf)[at] / 16384).sum())
    return bits


def test_bottleneck_density_sums_to_one() -> None:
    model = EntropyBottleneck(4)
    z = torch.arange(-2000.0, 2001.0).expand(1, 4, 1, -1)
    torch.testing.assert_close(model.likelihood(z).sum((0, 2, 3)), torch.ones(4), atol=1e-3, rtol=0)


def test_bottleneck_density_is_highest_at_the_median() -> None:
    model = EntropyBottleneck(1)
    for bias in model.biases:
        torch.nn.init.zeros_(bias)  # symmetric around 0
    likelihoods = model.likelihood(torch.arange(-3.0, 4.0).reshape(1, 1, 1, 7)).flatten().tolist()
    assert (
        likelihoods[3] == max(likelihoods) == pytest.approx(0.025, rel=1e-3)
    )  # logistic of scale 10
    assert likelihoods == pytest.approx(likelihoods[::-1])


def test_bottleneck_rounds_around_the_medians_or_adds_noise(latent: Tensor) -> None:
    model = EntropyBottleneck(6)
    with torch.no_grad():
        model.quantiles[:, 0, 1] = torch.linspace(-0.4, 0.4, 6)
    z_hat, likelihoods = model(latent, training=False)
    steps = z_hat - model.medians()
    torch.testing.assert_close(steps, steps.round(), atol=1e-5, rtol=0)
    assert (z_hat - latent).abs().max() <= 0.5 + 1e-5
    assert likelihoods.shape == latent.shape
    noisy = model(latent, training=True)[0]
    assert (noisy - latent).abs().max() <= 0.5
    assert not torch.equal(noisy, z_hat)


def test_bottleneck_tables_cost_what_the_likelihoods_say() -> None:
    torch.manual_seed(3)
    model = EntropyBottleneck(6)
    z = 4 * torch.randn(1, 6, 40, 40)
    model.update()
    estimate = -model(z, training=False)[1].log2().sum().item()
    assert table_bits(model, z) == pytest.approx(estimate, rel=2e-3)


def test_bottleneck_tables_follow_a_wide_and_shifted_density() -> None:
    model = EntropyBottleneck(2, init_scale=200)
    with torch.no_grad():
        model.quantiles[:, 0, 1] = 1000
        model.biases[-1].zero_()
    model.update()
    data = model.tables()
    middle = data.offset + data.cdf_length // 2
    assert (middle < -300).all()  # the density is around 0, the tables around the medians


def test_bottleneck_loss_moves_only_the_quantiles_to_the_density() -> None:
    torch.manual_seed(0)
    model = EntropyBottleneck(3, tail_mass=0.05)
    optimizer = torch.optim.Adam([model.quantiles], lr=0.5)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = model.loss()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert all(
        parameter.grad is None
        for name, parameter in model.named_parameters()
        if name != "quantiles"
    )


def test_bottleneck_likelihood_is_float32_under_autocast(latent: Tensor) -> None:
    model = EntropyBottleneck(6)
    expected = model.likelihood(latent)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(model.likelihood(latent), expected, atol=0, rtol=0)


def test_bottleneck_with_nan_parameters_fails() -> None:
    model = EntropyBottleneck(2)
    torch.nn.init.constant_(model.biases[0], math.nan)
    with pytest.raises(ModelError, match="not finite"):
        model.update()


@pytest.mark.parametrize("means", [None, 0.3])
def test_gaussian_likelihood_is_the_integral_of_the_density(means: float | None) -> None:
    model = GaussianConditional()
    centre = 0.0 if means is None else means
    values = torch.arange(-40.0, 41.0) + centre
    scales = torch.full_like(values, 3.0)
    got = model.likelihood(
        values, scales, None if means is None else torch.full_like(values, means)
    )
    cumulative = torch.distributions.Normal(centre, 3.0).cdf
    want = (cumulative(values + 0.5) - cumulative(values - 0.5)).clamp(min=1e-9)
    torch.testing.assert_close(got, want, atol=1e-6, rtol=1e-4)


def test_gaussian_scales_are_bounded_below() -> None:
    model = GaussianConditional()
    tiny, bound = (
        model.likelihood(torch.zeros(1), torch.tensor([scale])) for scale in (1e-6, 0.11)
    )
    torch.testing.assert_close(tiny, bound, atol=0, rtol=0)


def test_gaussian_forward_keeps_the_offset_of_the_means(latent: Tensor) -> None:
    means = torch.rand_like(latent)
    y_hat, likelihoods = GaussianConditional()(
        latent, torch.ones_like(latent), means, training=False
    )
    torch.testing.assert_close(y_hat, quantize(latent, means, training=False))
    assert likelihoods.shape == latent.shape
    assert 1e-9 <= likelihoods.min() <= likelihoods.max() <= 1


def test_gaussian_tables_are_close_to_the_density() -> None:
    model = GaussianConditional()
    assert model.update_scale_table()
    data = model.tables()
    for row, scale in enumerate(default_scale_table().tolist()):
        table = data.table(row)
        if scale < model.skip_below:
            assert table.is_certain
            continue
        values = torch.arange(len(table.cdf) - 2) + table.offset
        got = torch.from_numpy(np.diff(table.cdf)[:-1] / 16384).float()
        want = model.likelihood(values.float(), torch.full(values.shape, scale))
        torch.testing.assert_close(got, want, atol=4 / 16384, rtol=0)


def test_gaussian_takes_a_scale_table() -> None:
    model = GaussianConditional([0.5, 1.0, 2.0])
    model.update_scale_table()
    assert model.tables().rows == 3
    assert not model.update_scale_table([0.5, 1.0])
    assert model.update_scale_table([0.5, 1.0], force=True)
    assert model.tables().rows == 2


@pytest.mark.parametrize(
    "scale_table", [[], [1.0, 0.5], [0.0, 1.0], [1.0, math.nan], [1.0, math.inf], [[1.0]]]
)
def test_gaussian_scale_table_that_does_not_rise_fails(scale_table: list[float]) -> None:
    with pytest.raises(UsageError, match="scale table"):
        GaussianConditional().update_scale_table(scale_table)


@pytest.mark.parametrize(
    "model", [EntropyBottleneck(3), GaussianConditional()], ids=["bottleneck", "gaussian"]
)
def test_tables_before_update_fail(model: EntropyBottleneck | GaussianConditional) -> None:
    with pytest.raises(ModelError, match="no probability tables"):
        model.tables()


def updated_bottleneck() -> EntropyBottleneck:
    model = EntropyBottleneck(3)
    model.update()
    return model


def test_update_is_idempotent_unless_forced() -> None:
    model = EntropyBottleneck(3)
    assert [model.update(), model.update(), model.update(force=True)] == [True, False, True]


def test_loading_takes_tables_of_any_size() -> None:
    source, other = updated_bottleneck(), EntropyBottleneck(3)
    other.load_state_dict(source.state_dict())
    assert not other.update()
    for name in ("quantized_cdf", "cdf_length", "offset"):
        np.testing.assert_array_equal(getattr(source.tables(), name), getattr(other.tables(), name))


def test_loading_without_tables_forgets_the_ones_held() -> None:
    model = updated_bottleneck()
    model.load_state_dict(
        {key: value for key, value in model.state_dict().items() if key not in TABLE_NAMES}
    )
    assert model.update()


def test_loading_does_not_change_the_checkpoint() -> None:
    checkpoint = {
        key: value
        for key, value in updated_bottleneck().state_dict().items()
        if key not in TABLE_NAMES
    }
    keys = set(checkpoint)
    EntropyBottleneck(3).load_state_dict(checkpoint)
    assert set(checkpoint) == keys


def test_loading_tables_of_another_precision_counts_as_not_updated() -> None:
    source = GaussianConditional()
    source.update_scale_table(torch.linspace(0.11, 256, 64))
    checkpoint = source.state_dict() | {"_quantized_cdf": source._quantized_cdf * 4}
    model = GaussianConditional()
    model.load_state_dict(checkpoint)
    assert model.update_scale_table()
    assert model.tables().rows == 128


def test_loading_damaged_tables_fails() -> None:
    checkpoint = updated_bottleneck().state_dict()
    checkpoint["_cdf_length"] = checkpoint["_cdf_length"] + 1000
    with pytest.raises(ModelError, match="damaged"):
        EntropyBottleneck(3).load_state_dict(checkpoint)
