"""Float context models as integers: close to the floats, whatever their structure, and refused where they cannot be."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from streamcodec._native import ContextModel, Tables
from streamcodec.codec.channel import from_positions, to_positions, values_at_positions
from streamcodec.codec.counting import CountingChannel
from streamcodec.entropy.context import CHUNK_INPUTS, MAX_CHUNK_WEIGHT, Schedule
from streamcodec.entropy.tables import CERTAIN, Table, stack_tables
from streamcodec.errors import ModelError, UsageError
from streamcodec.models.exact.context import IntegerContext
from streamcodec.models.layers.masked import MaskedConv2d, anchors

M, F = 4, 6
BOUNDARIES = torch.linspace(-2, 2, 30)
TABLES = stack_tables(
    [CERTAIN, *[Table(np.array([0, 3000, 9000, 15000, 16384], np.int32), -1)] * 30]
)


class Floats(nn.Module):
    def __init__(
        self, schedule: Schedule, features_first: bool, activation: nn.Module | None = None
    ) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.features_first = features_first
        self.context = MaskedConv2d(M, 9, schedule=schedule)
        self.parameters_ = nn.Sequential(
            nn.Conv2d(F + 9, 12, 1), activation or nn.LeakyReLU(), nn.Conv2d(12, 2 * M, 1)
        )

    def integer(self, build: bool = True) -> IntegerContext:
        made = IntegerContext(
            self.context,
            [self.parameters_],
            schedule=self.context.schedule,
            features_first=self.features_first,
        )
        if build:
            made.build(self.context, [self.parameters_], BOUNDARIES)
        return made

    def forward(self, y_hat: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        context = self.context(y_hat)
        if self.context.schedule == "checkerboard":
            context = context * ~anchors((y_hat.shape[-2], y_hat.shape[-1]), y_hat.device)
        both = (features, context) if self.features_first else (context, features)
        scales, means = self.parameters_(torch.cat(both, 1)).chunk(2, 1)
        return scales, means


def latent() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    features = (torch.randn(1, F, 6, 7, generator=generator) * 4096).round().to(torch.int32)
    return torch.randn(1, M, 6, 7, generator=generator) * 5, features


@pytest.mark.parametrize("schedule", ["raster", "checkerboard"])
@pytest.mark.parametrize("features_first", [True, False])
@pytest.mark.parametrize("activation", [nn.LeakyReLU(), nn.LeakyReLU(0.3), nn.ReLU()])
@torch.no_grad()
def test_integers_follow_the_floats(
    schedule: Schedule, features_first: bool, activation: nn.Module
) -> None:
    """Of the y_hat that was coded, the float network gives the same scales and means, up to the rounding of weights and activations."""
    floats = Floats(schedule, features_first, activation)
    model = ContextModel(*floats.integer().data().arguments())
    assert (model.channels, model.features, model.tables) == (M, F, len(BOUNDARIES) + 1)
    y, features = latent()
    tables = Tables(TABLES.quantized_cdf, TABLES.cdf_length, TABLES.offset)
    coded, symbols, indexes = model.choose(tables, values_at_positions(y), to_positions(features))
    y_hat = from_positions(coded, y.device)
    scales, means = floats(y_hat, features / 4096)
    found = y_hat - torch.from_numpy(symbols).permute(2, 0, 1)
    assert (found - means).abs().max() < 2e-3
    expected = torch.bucketize(scales.permute(0, 2, 3, 1).contiguous(), BOUNDARIES, right=True)[0]
    assert (torch.from_numpy(indexes.astype(np.int64)) - expected).abs().max() <= 1
    assert (torch.from_numpy(indexes.astype(np.int64)) == expected).double().mean() > 0.97
    assert len(np.unique(indexes)) > 5


@torch.no_grad()
def test_weights_get_as_many_bits_as_cannot_overflow() -> None:
    floats = Floats("raster", True)
    floats.context.weight *= torch.logspace(-6, 1, 9)[:, None, None, None]
    floats.context.weight[3] = 0
    layer = floats.integer().data().layers[0]
    weight = np.abs(layer.weight.astype(int))
    heaviest = np.max(
        [weight[i : i + CHUNK_INPUTS].sum(0) for i in range(0, len(weight), CHUNK_INPUTS)], 0
    )
    assert (heaviest <= MAX_CHUNK_WEIGHT).all()
    assert (weight.max(0) <= 32767).all()
    full = (
        (layer.shift[0] == 30)
        | (2 * heaviest > MAX_CHUNK_WEIGHT - CHUNK_INPUTS)
        | (2 * weight.max(0) > 32766)
    )
    assert full.all()
    assert full.sum() - (layer.shift[0] == 30).sum() > 0


def test_weights_and_state_come_back() -> None:
    floats = Floats("checkerboard", False)
    built, empty = floats.integer(), floats.integer(build=False)
    assert built.built
    assert not empty.built
    assert not empty.state_dict()
    for use in (empty.data, lambda: empty.tables):
        with pytest.raises(ModelError, match=r"call update\(\)"):
            use()
    empty.load_state_dict(built.state_dict())
    assert empty.tables == built.tables == len(BOUNDARIES) + 1
    for a, b in zip(empty.data().arguments(), built.data().arguments(), strict=True):
        assert (
            all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
            if isinstance(a, list)
            else np.array_equal(a, b)
        )


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "layers.0.weight",
            torch.zeros(3, 9, dtype=torch.int16),
            r"weight is torch.int16 \(3, 9\); must be torch.int16 \(48, 9\)",
        ),
        (
            "layers.1.shift",
            torch.zeros(1, 12, dtype=torch.int32),
            r"shift is torch.int32 \(1, 12\); must be torch.int32 \(2, 12\)",
        ),
        (
            "layers.2.bias",
            torch.zeros(8),
            r"bias is torch.float32 \(8,\); must be torch.int32 \(8,\)",
        ),
        ("thresholds", torch.tensor([2, 1], dtype=torch.int32), "its thresholds are not int32"),
    ],
)
def test_damaged_state_fails(key: str, value: Tensor, message: str) -> None:
    integer = Floats("raster", True).integer()
    with pytest.raises(ModelError, match=message):
        integer.load_state_dict({**integer.state_dict(), key: value})


@torch.no_grad()
def test_weights_that_cannot_be_exact_fail() -> None:
    floats = Floats("raster", True)
    floats.context.weight[0, 0, 0, 0] = 70000
    with pytest.raises(ModelError, match="its sums could overflow"):
        floats.integer()
    floats.context.weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(ModelError, match="NaN or infinity"):
        floats.integer()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([], "has no layers after"),
        ([nn.Conv2d(F + 9, 2 * M, 3, padding=1)], "not 1x1"),
        (
            [nn.Conv2d(F + 9, 7, 1)],
            "15 inputs and 7 outputs; accepted: more than 9 inputs, and 8 outputs",
        ),
        ([nn.Conv2d(9, 2 * M, 1)], "9 inputs and 8 outputs"),
        ([nn.Conv2d(F + 9, 12, 1), nn.Sigmoid(), nn.Conv2d(12, 2 * M, 1)], "Sigmoid"),
    ],
)
def test_other_structures_fail(parameters: list[nn.Module], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        IntegerContext(
            MaskedConv2d(M, 9, schedule="raster"),
            parameters,
            schedule="raster",
            features_first=True,
        )


def test_counting_channel_counts_latents_in_context() -> None:
    data = Floats("raster", True).integer().data()
    y, features = latent()
    channel = CountingChannel(TABLES, [data])
    y_hat = channel.code_in_context(y, features)
    assert y_hat.shape == y.shape
    assert channel.symbols == y.numel()
    assert 0 < channel.coded <= channel.symbols
    assert channel.bits > channel.coded
    with pytest.raises(TypeError, match="nothing to read"):
        channel.code_in_context(None, features)
    with pytest.raises(ModelError, match="NaN"):
        channel.code_in_context(y * float("nan"), features)


def test_multiplications_are_those_of_the_layers() -> None:
    taps = 12
    each = taps * M * 9 + (F + 9) * 12 + 12 * 2 * M
    assert Floats("raster", True).integer().data().multiplications(5, 7) == 35 * each
    assert Floats("checkerboard", True).integer().data().multiplications(5, 7) == 35 * each - 18 * (
        taps * M * 9 + 9 * 12
    )
