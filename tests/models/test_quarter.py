"""The default model: its meaning by golden outputs of the shipped weights, and that decoding repeats encoding."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from streamcodec.errors import UsageError
from streamcodec.models import QuarterFlow, QuarterFlowConfig, QuarterImage, QuarterImageConfig, load_checkpoint

from .channels import ListDecoder, ListEncoder

WEIGHTS = Path(__file__).parents[2] / "streamcodec" / "weights"

# Of the shipped weights, for the two frames below at 256x192 and q = 2. Other weights have other figures: measure them anew then.
GOLDEN = {"intra bits": 15765.9, "intra psnr_db": 33.153, "inter bits": 6622.6, "inter psnr_db": 33.127}

SMALL_IMAGE = QuarterImageConfig(width4=8, width8=12, latent=10, hyper=6, gain_rows=3)
SMALL_FLOW = QuarterFlowConfig(
    width4=8, width8=12, latent=10, hyper=6, motion_width4=6, motion_width8=10, motion_latent=5, motion_hyper=4, gain_rows=3
)
SMALL_SIZE = (48, 80)  # no multiple of 64


def frame(t: float, height: int = 192, width: int = 256) -> Tensor:
    """(1, 3, height, width): waves that move by 1.5 pixels to the left per frame."""
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    x = x + 1.5 * t
    return torch.stack([0.5 + 0.25 * torch.sin(x / 7 + c) + 0.2 * torch.cos(y / 11 + 2 * c) for c in range(3)])[None].clamp(0, 1)


def snapped(x_hat: Tensor) -> Tensor:
    return (x_hat.clamp(0, 1) * 255).round() / 255


def psnr_db(x: Tensor, y: Tensor) -> float:
    return -10 * torch.log10(((x - y) ** 2).mean()).item()


@pytest.fixture(scope="module")
def shipped() -> tuple[QuarterImage, QuarterFlow]:
    image, flow = (load_checkpoint(WEIGHTS / f"quarter-{part}.safetensors").model for part in ("image", "flow"))
    assert isinstance(image, QuarterImage)
    assert isinstance(flow, QuarterFlow)
    return image, flow


@pytest.fixture(scope="module")
def small() -> tuple[QuarterImage, QuarterFlow]:
    torch.manual_seed(0)
    image, flow = QuarterImage(SMALL_IMAGE).eval(), QuarterFlow(SMALL_FLOW).eval()
    for hyperprior in (image.hyperprior, flow.motion_hyperprior, flow.residual_hyperprior):
        torch.nn.init.constant_(hyperprior.gains.gain[0], -1)  # type: ignore[union-attr]
        torch.nn.init.constant_(hyperprior.gains.gain[2], 1)  # type: ignore[union-attr]
    image.update()
    flow.update()
    return image, flow


@torch.no_grad()
def test_shipped_weights_decode_what_they_encode(shipped: tuple[QuarterImage, QuarterFlow]) -> None:
    """And what that costs and gives stays near to what it was when they were made."""
    image, flow = shipped
    encoder = ListEncoder.of(image)
    reference = snapped(image.code(frame(0), (192, 256), 2.0, encoder))
    assert encoder.bits == pytest.approx(GOLDEN["intra bits"], rel=1e-3)
    assert psnr_db(reference, frame(0)) == pytest.approx(GOLDEN["intra psnr_db"], abs=0.02)
    assert torch.equal(reference, snapped(image.code(None, (192, 256), 2.0, ListDecoder(encoder))))
    encoder = ListEncoder.of(flow)
    x_hat = flow.code(frame(1), reference, 2.0, encoder)
    assert encoder.bits == pytest.approx(GOLDEN["inter bits"], rel=1e-3)
    assert psnr_db(snapped(x_hat), frame(1)) == pytest.approx(GOLDEN["inter psnr_db"], abs=0.02)
    assert torch.equal(x_hat, flow.code(None, reference, 2.0, ListDecoder(encoder)))


@pytest.mark.parametrize("q", [0.0, 1.3, 2.0])
@pytest.mark.parametrize("size", [SMALL_SIZE, (16, 16), (16, 64)])
@torch.no_grad()
def test_decoder_repeats_the_encoder(small: tuple[QuarterImage, QuarterFlow], q: float, size: tuple[int, int]) -> None:
    image, flow = small
    encoder = ListEncoder.of(image)
    x_hat = image.code(frame(0, *size), size, q, encoder)
    assert x_hat.shape == (1, 3, *size)
    assert torch.equal(x_hat, image.code(None, size, q, ListDecoder(encoder)))
    encoder, hint = ListEncoder.of(flow), torch.full((1, 2, size[0] // 4, size[1] // 4), 1.5)
    x_hat = flow.code(frame(1, *size), frame(0, *size), q, encoder, hint)
    assert torch.equal(x_hat, flow.code(None, frame(0, *size), q, ListDecoder(encoder)))


@torch.no_grad()
def test_symbols_decode_in_another_precision_and_number_of_threads(small: tuple[QuarterImage, QuarterFlow]) -> None:
    """The channel compares the tables that the two sides ask for. Pixels may differ by what the precision does to the means."""
    _, flow = small
    threads = torch.get_num_threads()
    encoder = ListEncoder.of(flow)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = flow.code(frame(1, *SMALL_SIZE), frame(0, *SMALL_SIZE), 1.0, encoder)
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            fine = flow.code(None, frame(0, *SMALL_SIZE), 1.0, ListDecoder(encoder))
    finally:
        torch.set_num_threads(threads)
    assert fine.dtype == coarse.dtype == torch.float32
    assert 0 < (fine - coarse).abs().max() < 0.1


def test_training_reaches_every_weight(small: tuple[QuarterImage, QuarterFlow]) -> None:
    torch.manual_seed(1)
    image, flow = QuarterImage(SMALL_IMAGE), QuarterFlow(SMALL_FLOW)
    x, reference, q = torch.rand(2, 3, *SMALL_SIZE), torch.rand(2, 3, *SMALL_SIZE), torch.tensor([0.3, 1.6])
    intra = image(x, q)
    inter = flow(x, reference, q, torch.zeros(2, 2, SMALL_SIZE[0] // 4, SMALL_SIZE[1] // 4))
    assert inter["prediction"].shape == inter["x_hat"].shape == x.shape
    assert inter["flow"].shape == (2, 2, SMALL_SIZE[0] // 4, SMALL_SIZE[1] // 4)
    rate = sum(-likelihood.log().mean() for part in (intra["likelihoods"], *inter["likelihoods"].values()) for likelihood in part.values())
    loss = rate + ((intra["x_hat"] - x) ** 2).mean() + ((inter["x_hat"] - x) ** 2).mean()
    (loss + image.aux_loss() + flow.aux_loss()).backward()
    silent = [name for model in (image, flow) for name, parameter in model.named_parameters() if parameter.grad is None]
    assert silent == []


def test_samples_of_a_batch_have_their_own_quality(small: tuple[QuarterImage, QuarterFlow]) -> None:
    image, _ = small
    x, q = torch.cat((frame(0, *SMALL_SIZE), frame(5, *SMALL_SIZE))), torch.tensor([0.0, 1.7])
    with torch.no_grad():
        together = image(x, q)["x_hat"]
        alone = torch.cat([image(x[i : i + 1], q[i : i + 1])["x_hat"] for i in range(2)])
    torch.testing.assert_close(together, alone)


def test_frames_of_another_shape_fail(small: tuple[QuarterImage, QuarterFlow]) -> None:
    image, flow = small
    with pytest.raises(UsageError, match="multiples of 16"):
        image(torch.zeros(1, 3, 40, 48))
    with pytest.raises(UsageError, match="accepted: the frame's shape"):
        flow(torch.zeros(1, 3, 48, 48), torch.zeros(1, 3, 32, 48))
    with pytest.raises(UsageError, match=r"accepted: \(1, 3, 32, 48\)"):
        image.code(torch.zeros(1, 3, 48, 48), (32, 48), 0.0, ListEncoder.of(image))
