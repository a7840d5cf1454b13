import functools

import pytest
import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models.layers.scale_space import gaussian_volume
from streamcodec.models.zoo.ssf import ScaleSpaceFlow

from ..channels import ListDecoder, ListEncoder
from ..deterministic import frame
from ..small_models import flow_model


@functools.cache
def updated() -> ScaleSpaceFlow:
    """Shared by the tests: not to be changed."""
    model = flow_model()
    model.update()
    return model


def clip(frames: int, height: int = 48, width: int = 80) -> list[Tensor]:
    return [frame(height, width + frames)[..., t : t + width].contiguous() for t in range(frames)]


def with_constant_motion(x: float, y: float, scale: float) -> ScaleSpaceFlow:
    """A model whose motion decoder says the same everywhere."""
    model = flow_model()
    last = model.motion_decoder[-1]
    assert isinstance(last, nn.ConvTranspose2d)
    nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([x, y, scale]))
    return model


def test_a_unit_of_flow_is_128_pixels_at_every_size() -> None:
    model = with_constant_motion(3 / 128, -2 / 128, -2.5 / 3)
    for height, width in [(32, 32), (48, 80)]:
        x, reference = clip(2, height, width)
        out = model(x, reference)
        torch.testing.assert_close(
            out["prediction"][..., 2:, :-3], reference[..., :-2, 3:], atol=1e-4, rtol=0
        )
        torch.testing.assert_close(
            out["flow"],
            torch.tensor([3.0, -2.0]).reshape(1, 2, 1, 1).expand(1, 2, height // 4, width // 4),
        )


@pytest.mark.parametrize(
    ("scale", "level"), [(-2.5 / 3, 0), (-0.5, 1), (2.5 / 3, 5), (9.0, 5), (-9.0, 0)]
)
def test_scale_channel_chooses_the_level(scale: float, level: int) -> None:
    x, reference = clip(2)
    prediction = with_constant_motion(0, 0, scale)(x, reference)["prediction"]
    torch.testing.assert_close(prediction, gaussian_volume(reference)[:, level], atol=1e-4, rtol=0)


def test_levels_and_shift_are_configurable() -> None:
    model = with_constant_motion(0, 0, 0.0)
    model.num_levels, model.scale_field_shift = 3, 0.75  # level (0.75 * 4 - 1) / 2 = 1
    x, reference = clip(2)
    prediction = model(x, reference)["prediction"]
    torch.testing.assert_close(prediction, gaussian_volume(reference, 3)[:, 1], atol=1e-4, rtol=0)


def test_clip_gives_a_list_of_frames_and_likelihoods() -> None:
    out = updated()(clip(3))
    assert [x_hat.shape for x_hat in out["x_hat"]] == [(1, 3, 48, 80)] * 3
    assert [set(likelihoods) for likelihoods in out["likelihoods"]] == [
        {"keyframe"},
        {"motion", "residual"},
        {"motion", "residual"},
    ]
    assert all(
        set(parts) == {"y", "z"}
        for likelihoods in out["likelihoods"]
        for parts in likelihoods.values()
    )


def test_clip_chains_the_references() -> None:
    model, frames = updated(), clip(3)
    with torch.no_grad():
        out = model(frames)
        reference = model.image(frames[0])["x_hat"]
        for x, x_hat in zip(frames[1:], out["x_hat"][1:], strict=True):
            reference = model(x, reference)["x_hat"]
            torch.testing.assert_close(x_hat, reference, atol=1e-5, rtol=0)


def test_training_reaches_every_parameter_and_stops_at_the_keyframe() -> None:
    model, frames = flow_model().train(), clip(3, 32, 48)
    out = model(frames)
    bits = [
        -part.log2().mean()
        for likelihoods in out["likelihoods"]
        for parts in likelihoods.values()
        for part in parts.values()
    ]
    distortion = torch.stack(
        [(x_hat - x).square().mean() for x_hat, x in zip(out["x_hat"], frames, strict=True)]
    ).sum()
    (torch.stack(bits).sum() + 100 * distortion).backward()
    for key, parameter in model.named_parameters():
        if not key.endswith("quantiles"):
            assert parameter.grad is not None, key
            assert parameter.grad.isfinite().all(), key
            assert parameter.grad.abs().sum() > 0, key
    model.zero_grad()
    model(frames)["x_hat"][2].sum().backward()
    assert all(
        parameter.grad is None
        for key, parameter in model.named_parameters()
        if key.startswith("img_")
    )


@pytest.mark.parametrize("size", [(16, 16), (48, 80), (64, 128)], ids=str)
def test_decoder_gives_the_encoders_reconstruction(size: tuple[int, int]) -> None:
    model, (x, reference) = updated(), clip(2, *size)
    written = ListEncoder.of(model)
    encoded = model.code(x, reference, written)
    reader = ListDecoder(written)
    decoded = model.code(None, reference, reader)
    assert not reader.left
    assert torch.equal(encoded, decoded)
    assert encoded.shape == (1, 3, *size)


def test_coded_bits_and_picture_are_what_forward_says() -> None:
    model, (x, reference) = updated(), clip(2)
    written = ListEncoder.of(model)
    x_hat = model.code(x, reference, written)
    with torch.no_grad():
        out = model(x, reference)
    bits = sum(
        -part.log2().sum().item()
        for parts in out["likelihoods"].values()
        for part in parts.values()
    )
    assert written.bits == pytest.approx(bits, rel=0.01)
    torch.testing.assert_close(x_hat, out["x_hat"], atol=1e-4, rtol=0)


def test_rows_of_the_parts_do_not_overlap() -> None:
    model = updated()
    written = ListEncoder.of(model)
    model.code(*clip(2), written)
    motion_z, motion_y, residual_z, residual_y = (
        indexes.unique() for _, indexes in written.written
    )
    assert len(motion_z) == len(residual_z) == 12
    assert not set(motion_z.tolist()) & set(residual_z.tolist())
    assert max(motion_y.max(), residual_y.max()) < 128 <= min(motion_z.min(), residual_z.min())
    for parts, indexes in (("motion", motion_z), ("res", residual_z)):
        own = model.get_submodule(f"{parts}_hyperprior.entropy_bottleneck").tables()
        assert all(
            (model.tables().table(int(row)).cdf == own.table(k).cdf).all()
            for k, row in enumerate(indexes)
        )


def test_image_part_codes_with_its_own_tables() -> None:
    model, (x,) = updated(), clip(1)
    part = model.image
    written = ListEncoder.of(part)
    assert set(part.state_dict()) == {key for key in model.state_dict() if key.startswith("img_")}
    encoded = part.code(x, (48, 80), written)
    assert torch.equal(part.code(None, (48, 80), ListDecoder(written)), encoded)
    assert written.bits > 0


def test_wrong_input_fails() -> None:
    model = updated()
    x, reference = clip(2)
    with pytest.raises(UsageError, match="no frames"):
        model([])
    with pytest.raises(UsageError, match="without its reference"):
        model(x)
    with pytest.raises(UsageError, match="reference is"):
        model.code(x, reference[..., :64], ListEncoder.of(model))
    with pytest.raises(UsageError, match="multiples of 16"):
        model.code(None, reference[..., :63], ListEncoder.of(model))
    with pytest.raises(UsageError, match="frames are"):
        model(torch.zeros(1, 4, 48, 80), torch.zeros(1, 4, 48, 80))
