"""What coding costs: the counter against counts by hand, and the published models'."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from streamcodec.errors import ModelError, UsageError
from streamcodec.models import CompressionModel, ScaleSpaceFlow
from streamcodec.models.macs import _Zeros, coding_cost, count_macs

from .small_models import flow_model, updated_image_model


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (nn.Conv2d(4, 6, 3, padding=1), 8 * 10 * 4 * 6 * 9),
        (nn.Conv2d(4, 6, 5, 2, 2, groups=2), 4 * 5 * 2 * 6 * 25),
        (nn.ConvTranspose2d(4, 6, 5, 2, 2, 1), 8 * 10 * 4 * 6 * 25),
        (
            nn.Sequential(nn.Conv2d(4, 8, 1), nn.PixelShuffle(2), nn.ReLU(), nn.Conv2d(2, 3, 1)),
            80 * 4 * 8 + 320 * 2 * 3,
        ),
    ],
)
@torch.no_grad()
def test_convolutions_cost_what_they_do_by_hand(layer: nn.Module, macs: int) -> None:
    assert count_macs(lambda: layer(torch.zeros(1, 4, 8, 10))) == macs


@torch.no_grad()
def test_functions_and_matrix_products_count_too() -> None:
    x, out = torch.zeros(7, 5), torch.zeros(7, 3)

    def work() -> Tensor:
        out.addmm_(x, torch.zeros(5, 3))
        return (
            F.conv2d(torch.zeros(1, 2, 6, 6), torch.zeros(2, 1, 1, 3), groups=2)
            + (x @ torch.zeros(5, 2)).sum()
        )

    assert count_macs(work) == 7 * 5 * 3 + 2 * 6 * 4 * 3 + 7 * 5 * 2


def test_cost_of_flow_is_that_of_its_parts() -> None:
    model = flow_model()
    model.update()
    cost = coding_cost(model)
    assert cost.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert 0 < cost.decode_kmac < cost.encode_kmac
    x = torch.zeros(1, 3, 256, 256)
    with torch.no_grad():
        analyses = count_macs(
            lambda: (model.motion_encoder(torch.cat((x, x), 1)), model.res_encoder(x))
        )
        hyper = sum(
            count_macs(lambda part=part: part.hyper_encoder(torch.zeros(1, 12, 16, 16)))
            for part in (model.motion_hyperprior, model.res_hyperprior)
        )
    assert 1000 * 256**2 * (cost.encode_kmac - cost.decode_kmac) == pytest.approx(analyses + hyper)


def test_exact_path_is_counted() -> None:
    """It does what the float layers of the scales do, on a raster with a border."""
    model = flow_model()
    model.update()
    latent, size = model.res_hyperprior, (64, 64)
    z = torch.zeros(1, latent.entropy_bottleneck.quantiles.shape[0], 8, 8)
    with torch.no_grad():
        floats = count_macs(lambda: latent.hyper_decoder_scale(z))
        exact = count_macs(lambda: latent.integer(z.int(), size))
    assert floats < exact < 1.5 * floats


def test_context_models_are_counted() -> None:
    """Beyond what is dispatched: taps and 1x1 layers of the native coder, at each of 16 x 16 positions, on both sides alike."""
    model = updated_image_model("joint")
    per_pixel = sum(context.multiplications(16, 16) for context in model.contexts()) / (
        1000 * 256**2
    )
    dispatched = count_macs(lambda: model.code(None, (256, 256), _Zeros(model.contexts()))) / (
        1000 * 256**2
    )
    assert per_pixel > 0
    assert coding_cost(model).decode_kmac == pytest.approx(per_pixel + dispatched)


def test_models_without_tables_or_frames_fail() -> None:
    with pytest.raises(ModelError, match=r"call update\(\)"):
        coding_cost(ScaleSpaceFlow(N=4, M=6))
    with pytest.raises(UsageError, match="codes no frames"):
        coding_cost(_Nothing())


class _Nothing(CompressionModel):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
