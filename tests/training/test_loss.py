"""What a frame costs."""

import sys
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models.dct.inter import InterOutput
from streamcodec.training.batches import Batch
from streamcodec.training.config import Distortion, Objective
from streamcodec.training.loss import batch_cost

OBJECTIVE = Objective("mse", 1.5, 400.0, 0.134)


class Shifted(nn.Module):
    """Decodes the frame + `luma` and + `chroma`, for 64 bits."""

    def __init__(self, luma: float, chroma: float) -> None:
        super().__init__()
        self.luma, self.chroma = luma, chroma

    def forward(
        self,
        frame: tuple[Tensor, Tensor],
        prediction: object,
        before: object,
        q: Tensor,
        weight: float,
        counts: None,
        hadamard: None,
    ) -> InterOutput:
        assert weight == 0.134
        return InterOutput(
            (frame[0] + self.luma, frame[1] + self.chroma), torch.full_like(q, 64.0), q
        )


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    frame = (
        torch.rand(2, 1, 64, 64, generator=generator) * 255,
        torch.rand(2, 2, 32, 32, generator=generator) * 255,
    )
    return Batch(frame, torch.tensor([12.0, 30.0]), frame, torch.zeros(2, 96, 8, 8))


def test_squared_error_and_bits_of_each_pixel(batch: Batch) -> None:
    cost = batch_cost(Shifted(2.0, 1.0), batch, OBJECTIVE)
    expected = (4 + 1.5 * 0.5) / torch.tensor([0.85, 0.85 * 64]) + 64 / 4096
    torch.testing.assert_close(cost.loss, expected)
    torch.testing.assert_close(cost.luma_db, torch.full((2,), 42.1102))
    torch.testing.assert_close(cost.chroma_db, torch.full((2,), 48.1308))
    torch.testing.assert_close(cost.bpp, torch.full((2,), 64 / 4096))
    assert cost.means()["z_bpp"] == 0


@pytest.mark.parametrize("distortion", ["ssim", "ms-ssim"])
def test_structure_takes_the_place_of_luma_error(batch: Batch, distortion: Distortion) -> None:
    pytest.importorskip("kornia", reason="kornia is not installed")
    objective = replace(OBJECTIVE, distortion=distortion)
    batch = replace(batch, frame=(batch.frame[0][:1].repeat(2, 1, 1, 1), batch.frame[1]))
    same = batch_cost(Shifted(0.0, 0.0), batch, objective)
    torch.testing.assert_close(same.loss, torch.full((2,), 64 / 4096), rtol=0, atol=1e-4)
    brighter = batch_cost(Shifted(60.0, 0.0), batch, objective).loss - same.loss
    assert torch.all(brighter > 0)
    assert brighter[0] == pytest.approx(64 * brighter[1].item(), rel=1e-2)


def test_kornia_that_is_missing_fails(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kornia", None)
    with pytest.raises(
        UsageError, match=r"distortion ssim needs kornia \(pip install 'streamcodec\[train\]'\)"
    ):
        batch_cost(Shifted(1.0, 1.0), batch, replace(OBJECTIVE, distortion="ssim"))
