"""Every image model through a channel in memory."""

import math

import pytest
import torch
from torch import Tensor

from streamcodec.errors import ModelError, UsageError

from ..channels import ListDecoder, ListEncoder
from ..deterministic import frame
from ..small_models import IMAGE_MODELS, RASTER, M, image_model, updated_image_model

SIZES = [(16, 16), (48, 80), (64, 128)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_decoder_gives_the_encoders_reconstruction(name: str, size: tuple[int, int]) -> None:
    model = updated_image_model(name)
    written = ListEncoder.of(model)
    encoded = model.code(frame(*size), size, written)
    reader = ListDecoder(written)
    decoded = model.code(None, size, reader)
    assert not reader.left
    assert not reader.left_in_context
    assert encoded.shape == (1, 3, *size)
    assert torch.equal(encoded, decoded)


def bits_of(likelihoods: dict[str, Tensor]) -> float:
    return sum(-values.log2().sum().item() for values in likelihoods.values())


@pytest.mark.parametrize("name", [name for name in IMAGE_MODELS if name not in RASTER])
def test_coded_bits_and_pictures_are_what_forward_says(name: str) -> None:
    model, x = updated_image_model(name), frame(48, 80)
    written = ListEncoder.of(model)
    x_hat = model.code(x, (48, 80), written)
    with torch.no_grad():
        estimate = model(x)
    bits = bits_of(estimate["likelihoods"])
    assert bits > 100
    assert written.bits == pytest.approx(bits, rel=0.01)
    torch.testing.assert_close(
        x_hat, estimate["x_hat"], atol=2e-3 if model.contexts() else 1e-4, rtol=0
    )


@pytest.mark.parametrize("name", RASTER)
def test_coded_bits_of_raster_contexts_are_near_what_forward_says(name: str) -> None:
    model, x = updated_image_model(name), frame(48, 80)
    written = ListEncoder.of(model)
    model.code(x, (48, 80), written)
    with torch.no_grad():
        assert written.bits == pytest.approx(bits_of(model(x)["likelihoods"]), rel=0.03)


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_symbols_written_in_bfloat16_decode_in_float32(name: str) -> None:
    model = updated_image_model(name)
    written = ListEncoder.of(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        encoded = model.code(frame(48, 80), (48, 80), written)
        again = model.code(None, (48, 80), ListDecoder(written))
    assert torch.equal(encoded, again)
    assert encoded.dtype == torch.float32
    decoded = model.code(
        None, (48, 80), ListDecoder(written)
    )  # the ListDecoder compares the indexes
    assert (decoded - encoded).abs().mean() < 0.05


def test_indexes_of_a_factorized_latent_take_no_memory() -> None:
    """There is one row per channel: of a large frame, the indexes written out would take more than its latents."""
    sizes = []

    class Measuring(ListEncoder):
        def code(self, symbols: Tensor | None, indexes: Tensor) -> Tensor:
            sizes.append((indexes.untyped_storage().nbytes(), indexes.numel()))
            return super().code(symbols, indexes)

    model = updated_image_model("factorized")
    model.code(frame(48, 80), (48, 80), Measuring(model.tables()))
    assert sizes == [(4 * M, M * 3 * 5)]


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_code_before_update_fails(name: str) -> None:
    with pytest.raises(ModelError, match="update"):
        image_model(name).code(frame(16, 16), (16, 16), ListEncoder.of(updated_image_model(name)))


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_input_that_is_not_finite_fails(name: str, value: float) -> None:
    model, x = updated_image_model(name), frame(32, 32)
    x[0, 1, 5, 7] = value
    with pytest.raises(ModelError, match="NaN"):
        model.code(x, (32, 32), ListEncoder.of(model))


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(1, 4, 32, 32),
        torch.zeros(3, 32, 32),
        torch.zeros(1, 3, 30, 32),
        torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
    ],
    ids=["channels", "dimensions", "size", "dtype"],
)
@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_frames_of_another_kind_fail(name: str, x: Tensor) -> None:
    model = updated_image_model(name)
    with pytest.raises(UsageError, match="frames are"):
        model(x)
    with pytest.raises(UsageError, match="frames are"):
        model.code(x, (32, 32), ListEncoder.of(model))


def test_frame_of_another_size_than_announced_fails() -> None:
    model = updated_image_model("scale")
    with pytest.raises(UsageError, match="frame to code"):
        model.code(torch.zeros(1, 3, 32, 32), (32, 48), ListEncoder.of(model))
