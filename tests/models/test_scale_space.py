from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from streamcodec.models.layers.scale_space import gaussian_volume, warp

FIXTURE = Path(__file__).parents[1] / "data" / "scale_space_warp.npz"


@pytest.fixture
def frame() -> Tensor:
    return torch.rand(1, 3, 48, 80, generator=torch.Generator().manual_seed(2))


def trilinear(volume: Tensor, flow: Tensor, level: Tensor) -> Tensor:
    """The lookup by definition: torch's 5-D grid_sample over (N, C, L + 1, H, W)."""
    height, width = flow.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    depth = (2 * level[:, 0] + 1) / volume.shape[1] - 1
    grid = torch.stack(
        ((2 * (x + flow[:, 0]) + 1) / width - 1, (2 * (y + flow[:, 1]) + 1) / height - 1, depth), -1
    )
    return F.grid_sample(
        volume.transpose(1, 2), grid[:, None], padding_mode="border", align_corners=False
    )[:, :, 0]


def test_volume_and_warp_match_the_fixture() -> None:
    data = {key: torch.from_numpy(value) for key, value in np.load(FIXTURE).items()}
    volume = gaussian_volume(data["frame"])
    torch.testing.assert_close(volume.transpose(1, 2)[:, :1], data["volume"], atol=1e-5, rtol=0)
    warped = warp(volume, data["flow_pixels"], 3 * data["scale"] + 2.5)
    torch.testing.assert_close(warped, data["warped"], atol=1e-4, rtol=0)


def test_warp_is_the_trilinear_lookup(frame: Tensor) -> None:
    volume = gaussian_volume(frame)
    flow, level = 6 * torch.randn(1, 2, 48, 80), 3 * torch.randn(1, 1, 48, 80) + 2.5
    torch.testing.assert_close(
        warp(volume, flow, level), trilinear(volume, flow, level), atol=1e-5, rtol=0
    )


def test_warp_moves_by_whole_pixels_and_repeats_the_border(frame: Tensor) -> None:
    volume = gaussian_volume(frame)
    flow = torch.tensor([3.0, -2.0]).reshape(1, 2, 1, 1).expand(1, 2, 48, 80)
    moved = warp(volume, flow, torch.zeros(1, 1, 48, 80))
    torch.testing.assert_close(moved[..., 2:, :-3], frame[..., :-2, 3:], atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[..., 0, -1], frame[..., 0, -1], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("level", "index"), [(-3.0, 0), (0.0, 0), (1.0, 1), (5.0, 5), (9.0, 5)])
def test_warp_clamps_the_level(frame: Tensor, level: float, index: int) -> None:
    volume = gaussian_volume(frame)
    out = warp(volume, torch.zeros(1, 2, 48, 80), torch.full((1, 1, 48, 80), level))
    torch.testing.assert_close(out, volume[:, index], atol=1e-5, rtol=0)


def test_warp_is_differentiable_in_volume_flow_and_level(frame: Tensor) -> None:
    volume = gaussian_volume(frame).requires_grad_()
    flow, level = (
        torch.full((1, 2, 48, 80), 0.3, requires_grad=True),
        torch.full((1, 1, 48, 80), 1.4, requires_grad=True),
    )
    warp(volume, flow, level).square().sum().backward()
    assert all(
        tensor.grad is not None and tensor.grad.abs().sum() > 0 for tensor in (volume, flow, level)
    )


def test_half_precision_flow_is_taken_at_full_precision_of_position(frame: Tensor) -> None:
    volume, flow = gaussian_volume(frame), torch.ones(1, 2, 48, 80)
    level = torch.zeros(1, 1, 48, 80)
    torch.testing.assert_close(
        warp(volume, flow.bfloat16(), level), warp(volume, flow, level), atol=0, rtol=0
    )


@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 80), (17, 33), (1, 5)])
def test_volume_of_a_flat_frame_is_flat_at_any_size(height: int, width: int) -> None:
    volume = gaussian_volume(torch.full((2, 3, height, width), 0.7))
    assert volume.shape == (2, 6, 3, height, width)
    torch.testing.assert_close(volume, torch.full_like(volume, 0.7), atol=1e-5, rtol=0)


def test_volume_levels_keep_positions_at_odd_sizes() -> None:
    ramp = torch.arange(67.0).expand(1, 3, 67, 67)
    volume = gaussian_volume(ramp)
    inside = volume[..., 30:36, 30:36]
    torch.testing.assert_close(
        inside[:, :4], ramp[:, None, :, 30:36, 30:36].expand(1, 4, 3, 6, 6), atol=0.05, rtol=0
    )


def test_volume_gets_smoother_with_every_level(frame: Tensor) -> None:
    deviations = gaussian_volume(frame).std((0, 2, 3, 4)).tolist()
    assert deviations == sorted(deviations, reverse=True)
    assert gaussian_volume(frame, levels=3).shape[1] == 4
