import pytest
import torch
from torch import nn

from streamcodec.entropy.context import Schedule
from streamcodec.errors import ModelError, UsageError
from streamcodec.models.layers.basic import GDN, LowerBound, QReLU, conv, deconv
from streamcodec.models.layers.blocks import (
    AttentionBlock,
    ResidualBlock,
    ResidualBlockUpsample,
    ResidualBlockWithStride,
    subpel_conv,
)
from streamcodec.models.layers.masked import MaskedConv2d, anchors


def test_lower_bound_lets_only_upward_gradients_through() -> None:
    x = torch.tensor([-1.0, -1.0, 2.0, 2.0], requires_grad=True)
    out = LowerBound(0.5)(x)
    out.backward(torch.tensor([1.0, -1.0, 1.0, -1.0]))  # a negative gradient raises x
    assert out.tolist() == [0.5, 0.5, 2.0, 2.0]
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, -1.0, 1.0, -1.0]


def test_gdn_starts_as_published_and_inverts_to_first_order() -> None:
    x = torch.randn(1, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(GDN(4)(x), x / torch.sqrt(1 + 0.1 * x**2))
    torch.testing.assert_close(GDN(4, inverse=True)(x), x * torch.sqrt(1 + 0.1 * x**2))


def test_gdn_normalises_by_the_other_channels() -> None:
    gdn = GDN(2)
    with torch.no_grad():
        gdn.gamma.copy_(gdn.gamma_reparam.stored(torch.tensor([[0.0, 3.0], [0.0, 0.0]])))
    x = torch.tensor([1.0, 2.0]).reshape(1, 2, 1, 1)
    torch.testing.assert_close(
        gdn(x).flatten(), torch.tensor([1 / 13**0.5, 2.0]), atol=1e-5, rtol=0
    )


def test_gdn_stays_finite_for_negative_parameters() -> None:
    gdn = GDN(2)
    torch.nn.init.constant_(gdn.beta, -1.0)
    torch.nn.init.constant_(gdn.gamma, -1.0)
    assert gdn(torch.ones(1, 2, 1, 1)).isfinite().all()


def test_qrelu_clamps_and_does_not_round() -> None:
    x = torch.tensor([-3.0, 0.25, 2.5, 254.5, 300.0])
    assert QReLU()(x).tolist() == [0.0, 0.25, 2.5, 254.5, 255.0]
    assert QReLU(bit_depth=4)(x).tolist() == [0.0, 0.25, 2.5, 15.0, 15.0]


def test_qrelu_gradient_is_one_inside_and_vanishes_outside() -> None:
    x = torch.tensor([-20.0, -0.5, 5.0, 128.0, 250.0, 280.0], requires_grad=True)
    QReLU()(x).sum().backward()
    assert x.grad is not None
    far_below, near, *inside, far_above = x.grad.tolist()
    assert inside == [1.0, 1.0, 1.0]
    assert 0.1 < near < 0.9
    assert far_below == far_above == 0.0


@pytest.mark.parametrize(("height", "width"), [(16, 16), (5, 8), (1, 1)])
def test_convolutions_halve_and_double(height: int, width: int) -> None:
    x = torch.zeros(1, 2, height, width)
    half = conv(2, 3)(x)
    assert half.shape == (1, 3, (height + 1) // 2, (width + 1) // 2)
    assert deconv(3, 2)(half).shape == (1, 2, 2 * half.shape[2], 2 * half.shape[3])
    assert conv(2, 3, kernel_size=3, stride=1)(x).shape == (1, 3, height, width)


@pytest.mark.parametrize(
    ("block", "shape"),
    [
        (ResidualBlock(4, 4), (2, 4, 8, 6)),
        (ResidualBlock(4, 6), (2, 6, 8, 6)),
        (ResidualBlockWithStride(4, 6), (2, 6, 4, 3)),
        (ResidualBlockUpsample(4, 6), (2, 6, 16, 12)),
        (subpel_conv(4, 6, 3), (2, 6, 24, 18)),
        (AttentionBlock(4), (2, 4, 8, 6)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_blocks_have_their_shapes(block: nn.Module, shape: tuple[int, ...]) -> None:
    assert block(torch.zeros(2, 4, 8, 6)).shape == shape


def test_residual_blocks_without_inner_weights_are_their_skip_connections() -> None:
    x = torch.randn(1, 4, 8, 6, generator=torch.Generator().manual_seed(0))
    for block in (ResidualBlock(4, 4), AttentionBlock(4)):
        for parameter in block.parameters():
            torch.nn.init.zeros_(parameter)
        torch.testing.assert_close(
            block(x), x if isinstance(block, ResidualBlock) else x + x.relu() / 2
        )


def test_raster_mask_is_what_comes_before() -> None:
    mask = MaskedConv2d(2, 3, schedule="raster").mask
    assert mask.shape == (3, 2, 5, 5)
    assert (
        mask
        == torch.tensor(
            [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
        )
    ).all()


def test_checkerboard_mask_is_the_other_colour() -> None:
    mask = MaskedConv2d(2, 3, 3, schedule="checkerboard").mask
    assert (mask == torch.tensor([[0, 1, 0], [1, 0, 1], [0, 1, 0]])).all()
    assert anchors((2, 3), mask.device)[0, 0].tolist() == [
        [True, False, True],
        [False, True, False],
    ]


@pytest.mark.parametrize("schedule", ["raster", "checkerboard"])
def test_masked_weights_change_nothing_and_learn_nothing(schedule: Schedule) -> None:
    torch.manual_seed(0)
    layer, x = MaskedConv2d(2, 3, schedule=schedule), torch.randn(1, 2, 6, 7)
    before = layer(x)
    with torch.no_grad():
        layer.weight += 100 * (1 - layer.mask)
    assert torch.equal(layer(x), before)
    layer(x).sum().backward()
    assert layer.weight.grad is not None
    assert ((layer.weight.grad != 0) <= (layer.mask != 0)).all()


def test_even_masked_convolutions_fail() -> None:
    with pytest.raises(UsageError, match="kernel size is 4"):
        MaskedConv2d(2, 3, 4, schedule="raster")


def test_another_mask_fails() -> None:
    layer = MaskedConv2d(2, 3, schedule="raster")
    with pytest.raises(ModelError, match="mask is not that of a raster context"):
        layer.load_state_dict({**layer.state_dict(), "mask": torch.ones_like(layer.mask)})
