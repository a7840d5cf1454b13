"""Rate-distortion-optimised quantisation: choices against all candidates, costs against the tables; decoders need nothing of it."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from streamcodec.codec.counting import CountingChannel
from streamcodec.models.entropy_models import GaussianConditional
from streamcodec.models.latent import decide
from streamcodec.models.quarter import BIT_WORTH, QuarterFlow, QuarterHyperprior
from streamcodec.tables import PROBABILITY_BITS, TableData

from .channels import ListDecoder, ListEncoder
from .test_quarter import SMALL_FLOW, SMALL_SIZE, frame

SCALES = [0.12, 0.2, 0.5, 1.0, 3.0, 10.0]


@pytest.fixture(scope="module")
def conditional() -> GaussianConditional:
    model = GaussianConditional(SCALES, skip_below=0.15)
    model.update_scale_table()
    return model


def drawn(count: int = 4000) -> tuple[Tensor, Tensor]:
    """Values (count,) and rows that are not certain, int32; many of the values are unlikely in their row."""
    generator = torch.Generator().manual_seed(3)
    rows = torch.randint(1, len(SCALES), (count,), generator=generator, dtype=torch.int32)
    return 2 * torch.randn(count, generator=generator) * torch.tensor(SCALES)[rows.long()], rows


def test_bits_are_those_of_the_tables(conditional: GaussianConditional) -> None:
    tables, (values, rows) = conditional.tables(), drawn(300)
    symbols = values.round().int()
    for symbol, row, found in zip(symbols.tolist(), rows.tolist(), conditional.bits(symbols, rows).tolist(), strict=True):
        cdf, entries = tables.quantized_cdf[row], int(tables.cdf_length[row]) - 2
        entry = symbol - int(tables.offset[row])
        entry = entry if 0 <= entry < entries else entries
        assert found == pytest.approx(PROBABILITY_BITS - math.log2(cdf[entry + 1] - cdf[entry]), abs=1e-5)
    assert torch.equal(conditional.bits(symbols.float(), rows), conditional.bits(symbols, rows))


def test_bits_are_what_a_channel_counts(conditional: GaussianConditional) -> None:
    values, rows = drawn()
    symbols = values.round().int()
    entry = symbols - conditional._offset[rows.long()]
    inside = (entry >= 0) & (entry < conditional._cdf_length[rows.long()] - 2)
    assert 0.9 < inside.float().mean() < 1
    channel = CountingChannel(conditional.tables())
    channel.code(symbols[inside], rows[inside])
    assert conditional.bits(symbols[inside], rows[inside]).double().sum().item() == pytest.approx(channel.bits, rel=1e-5)


@pytest.mark.parametrize("bit_worth", [0.0, 0.02, BIT_WORTH, 0.5])
def test_choice_is_the_best_of_its_candidates(conditional: GaussianConditional, bit_worth: float) -> None:
    values, rows = drawn(500)
    found = decide(values, lambda s: conditional.bits(s, rows), bit_worth)
    for value, row, symbol in zip(values.tolist(), rows, found.tolist(), strict=True):
        nearest = round(value)
        candidates = {nearest, nearest - int(math.copysign(1, nearest)) if nearest else 0, 0}
        cost = {c: (value - c) ** 2 + bit_worth * conditional.bits(torch.tensor(c), row).item() for c in candidates}
        assert symbol in candidates
        assert cost[int(symbol)] == pytest.approx(min(cost.values()), rel=1e-5, abs=1e-5)


def test_choice_is_near_the_best_of_all_integers(conditional: GaussianConditional) -> None:
    values, rows = drawn(500)
    window = torch.arange(-120.0, 121.0)[:, None].expand(-1, len(values))
    costs = (values - window).square() + BIT_WORTH * conditional.bits(window, rows.expand_as(window))
    found = decide(values, lambda s: conditional.bits(s, rows), BIT_WORTH)
    cost = (values - found).square() + BIT_WORTH * conditional.bits(found, rows)
    assert (cost >= costs.amin(0) - 1e-4).all()
    assert cost.sum() < 1.01 * costs.amin(0).sum()


def test_nothing_grows_and_no_bit_is_worth_nothing(conditional: GaussianConditional) -> None:
    values, rows = drawn()
    assert torch.equal(decide(values, lambda s: conditional.bits(s, rows), 0.0), values.round())
    found = decide(values, lambda s: conditional.bits(s, rows), BIT_WORTH)
    assert (found.abs() <= values.round().abs()).all()
    assert ((found != 0) <= (found.sign() == values.sign())).all()
    assert not torch.equal(found, values.round())


@pytest.fixture
def latent() -> QuarterHyperprior:
    torch.manual_seed(2)
    latent = QuarterHyperprior(12, 4, 3).eval()
    torch.nn.init.uniform_(latent.scale[2].bias, -1.0, 2.0)  # type: ignore[arg-type]
    latent.entropy_bottleneck.update()
    latent.gaussian_conditional.update_scale_table()
    latent.update_integer()
    return latent


def latent_values() -> Tensor:
    torch.manual_seed(4)
    return torch.randn(1, 12, 16, 24) * torch.linspace(0.3, 3, 12)[:, None, None]


def encoder_of(latent: QuarterHyperprior) -> ListEncoder:
    return ListEncoder(TableData.join(latent.gaussian_conditional.tables(), latent.entropy_bottleneck.tables()))


@torch.no_grad()
def test_coding_lowers_bits_and_distortion_taken_together(latent: QuarterHyperprior) -> None:
    y, costs = latent_values(), {}
    for worth in (0.0, BIT_WORTH):
        latent.bit_worth, encoder = worth, encoder_of(latent)
        y_hat = latent.code_latent(y, (16, 24), 2.0, encoder)
        costs[worth] = (encoder.bits, (y_hat - y).square().sum().item())
    plain, chosen = costs[0.0], costs[BIT_WORTH]
    assert chosen[0] < 0.97 * plain[0]
    assert chosen[0] + chosen[1] / BIT_WORTH < plain[0] + plain[1] / BIT_WORTH


@torch.no_grad()
def test_estimate_is_of_the_symbols_that_are_coded(latent: QuarterHyperprior) -> None:
    """But where the choice is close: the estimate has Gaussians, the coder tables."""
    torch.manual_seed(5)
    for head in (latent.mean, latent.scale):
        torch.nn.init.zeros_(head[2].weight)  # type: ignore[arg-type]
    latent.update_integer(force=True)
    encoder, y = encoder_of(latent), torch.randn(1, 12, 16, 24) * F.softplus(latent.scale[2].bias)[:, None, None]  # as expected
    coded = latent.code_latent(y, (16, 24), 2.0, encoder)
    estimate = latent.estimate(y, torch.tensor([2.0]))
    assert ((estimate.y_hat - coded).abs() < 1e-4).float().mean() > 0.95
    bits = sum(-likelihood.log2().sum().item() for likelihood in estimate.likelihoods.values())
    assert encoder.bits == pytest.approx(bits, rel=0.03)


@pytest.mark.parametrize("bit_worth", [0.0, 0.05, 0.3])
@torch.no_grad()
def test_any_decoder_decodes_any_encoder_s_choice(bit_worth: float) -> None:
    """What a bit was worth is the encoder's business alone."""
    torch.manual_seed(0)
    encoding, decoding = QuarterFlow(SMALL_FLOW).eval(), QuarterFlow(SMALL_FLOW).eval()
    encoding.update()
    decoding.load_state_dict(encoding.state_dict())
    for latent in (encoding.motion_hyperprior, encoding.residual_hyperprior):
        latent.bit_worth = bit_worth
    encoder = ListEncoder.of(encoding)
    x_hat = encoding.code(frame(1, *SMALL_SIZE), frame(0, *SMALL_SIZE), 2.0, encoder)
    assert encoder.bits > 0
    assert torch.equal(x_hat, decoding.code(None, frame(0, *SMALL_SIZE), 2.0, ListDecoder(encoder)))
