"""Latents with a context model: coding through bytes, against floats position by position, and what the estimates are of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from streamcodec.codec.channel import DecoderChannel, EncoderChannel
from streamcodec.entropy.coder import ContextModel, Tables
from streamcodec.errors import CorruptStreamError, ModelError
from streamcodec.models import load_checkpoint, model_id, save_checkpoint
from streamcodec.models.base import CompressionModel
from streamcodec.models.latents.context import CheckerboardLatentCodec, ContextLatent
from streamcodec.models.layers.masked import anchors
from streamcodec.models.zoo.cheng2020 import Cheng2020Anchor

from ..channels import ListEncoder
from ..deterministic import frame
from ..small_models import enliven, image_model, updated_image_model

SIZES = [(16, 16), (80, 112)]  # latents of 1x1 and 5x7, or four times that


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def ends(model: CompressionModel) -> tuple[Tables, list[ContextModel]]:
    tables = model.tables()
    native = Tables(tables.quantized_cdf, tables.cdf_length, tables.offset)
    return native, [ContextModel(*context.arguments()) for context in model.contexts()]


def latent_of(name: str) -> tuple[ContextLatent, Tensor]:
    """A small model's latent codec, with y of a frame."""
    model = updated_image_model(name)
    latent = model.latent
    assert isinstance(latent, ContextLatent)
    with torch.no_grad():
        return latent, model.g_a(frame(80, 112))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ["joint", "cheng-checkerboard", "simple-raster"])
def test_bytes_decode_to_the_encoders_picture_whatever_the_threads(
    name: str, size: tuple[int, int], threads: None
) -> None:
    model, coded = updated_image_model(name), []
    tables, contexts = ends(model)
    for count in (1, 2):
        torch.set_num_threads(count)
        encoder = EncoderChannel(tables, contexts)
        x_hat = model.code(frame(*size), size, encoder)
        data = encoder.finish()
        decoder = DecoderChannel(tables, data, contexts)
        assert torch.equal(model.code(None, size, decoder), x_hat)
        decoder.finish()
        coded.append(data)
    assert coded[0] == coded[1]


@pytest.mark.parametrize("name", ["joint", "cheng-checkerboard"])
def test_damaged_bytes_are_seen_or_give_another_picture(name: str) -> None:
    model, size = updated_image_model(name), (80, 112)
    tables, contexts = ends(model)
    encoder = EncoderChannel(tables, contexts)
    x_hat = model.code(frame(*size), size, encoder)
    data, unseen = encoder.finish(), 0
    for place in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[place] ^= 0x24
        try:
            decoder = DecoderChannel(tables, bytes(damaged), contexts)
            assert not torch.equal(model.code(None, size, decoder), x_hat)
            decoder.finish()
            unseen += 1
        except CorruptStreamError:  # or that it ends too early
            pass
    assert unseen == 0


def means_in_floats(latent: ContextLatent, y_hat: Tensor, y: Tensor) -> Tensor:
    """Means (1, M, h, w) by the float networks, given what was coded; the masks leave each position what came before it."""
    features = latent.features(
        latent.entropy_bottleneck(latent.hyper_analysis(y), training=False)[0], y
    )
    if not isinstance(latent, CheckerboardLatentCodec):
        return latent.gaussians_given(features, latent.context_prediction(y_hat))[1]
    first = anchors((y.shape[2], y.shape[3]), y.device)
    return latent.gaussians_given(features, latent.context_prediction(y_hat * first) * ~first)[1]


@pytest.mark.parametrize("name", ["joint", "cheng", "cheng-attention", "cheng-checkerboard"])
@torch.no_grad()
def test_coded_values_are_around_the_float_networks_means(name: str) -> None:
    latent, y = latent_of(name)
    coded = latent.code_latent(y, (5, 7), ListEncoder.of(updated_image_model(name)))
    compared = (
        coded - y
    ).abs() < 0.49  # where a table is certain, the symbol is 0 however far the value is
    assert compared.float().mean() > 0.8
    means = means_in_floats(latent, coded, y)
    expected = (y - means).round() + means
    assert (coded - expected)[compared].abs().max() < 0.01
    assert means.abs().max() > 0.1


@torch.no_grad()
def test_checkerboard_estimates_what_is_coded() -> None:
    latent, y = latent_of("cheng-checkerboard")
    coded = latent.code_latent(y, (5, 7), ListEncoder.of(updated_image_model("cheng-checkerboard")))
    torch.testing.assert_close(latent.estimate(y).y_hat, coded, atol=0.005, rtol=0)


def likelihoods_with_gradients(name: str) -> tuple[ContextLatent, Tensor, Tensor]:
    model = image_model(name)
    latent = model.latent
    assert isinstance(latent, ContextLatent)
    likelihoods = latent.estimate(model.g_a(frame(80, 112))).likelihoods["y"]
    return latent, -likelihoods.log2(), anchors((5, 7), likelihoods.device)


def test_anchors_learn_without_context_and_the_others_with_it() -> None:
    latent, bits, first = likelihoods_with_gradients("cheng-checkerboard")
    weight = latent.context_prediction.weight
    alone, given = (
        torch.autograd.grad((bits * which).sum(), weight, retain_graph=True)[0]
        for which in (first, ~first)
    )
    assert not alone.any()
    assert given.any()


@pytest.mark.parametrize("name", ["joint", "cheng-checkerboard"])
@torch.no_grad()
def test_estimates_see_nothing_that_comes_later(name: str) -> None:
    """Without a hyperprior's look at y, a changed position changes the rate of itself and of what comes after, at most."""
    latent, y = latent_of(name)
    z_hat = torch.zeros(1, latent.entropy_bottleneck.medians().shape[1], 2, 2)
    i, j = (2, 3) if name == "cheng-checkerboard" else (2, 2)
    other = y.clone()
    other[..., i, j] += 1
    before, after = (latent.estimate_given(z_hat, values)[1][0] for values in (y, other))
    changed = (before != after).any(0)
    place = torch.arange(35).view(5, 7)
    allowed = place == place[i, j] if name == "cheng-checkerboard" else place >= place[i, j]
    assert changed.any()
    assert (changed <= allowed).all()


@pytest.mark.parametrize("name", ["joint", "cheng-checkerboard"])
@torch.no_grad()
def test_latents_that_are_not_finite_fail(name: str) -> None:
    latent, y = latent_of(name)
    z = torch.zeros(
        1, latent.entropy_bottleneck.medians().shape[1], -(-y.shape[2] // 4), -(-y.shape[3] // 4)
    )
    y[0, 0, 0, 0] = float("inf")
    with pytest.raises(ModelError, match="NaN or infinity"):
        latent.code_given(
            z, z.int(), y, (y.shape[2], y.shape[3]), ListEncoder.of(updated_image_model(name))
        )


def test_huge_latents_are_clamped() -> None:
    latent, y = latent_of("joint")
    encoder = ListEncoder.of(updated_image_model("joint"))
    with torch.no_grad():
        y_hat = latent.code_latent(1e12 * y, (5, 7), encoder)
    assert y_hat.isfinite().all()
    assert y_hat.abs().max() > 2**17


def test_weights_without_integers_count_as_not_updated() -> None:
    model = image_model("joint")
    fresh = model.state_dict()
    assert not any("integer" in key for key in fresh)
    model.update()
    assert {key.split(".")[0] for key in set(model.state_dict()) - set(fresh)} == {"integer"}
    model.load_state_dict(fresh)
    for use in (model.tables, model.contexts):
        with pytest.raises(ModelError, match="update"):
            use()
    assert model.update()


def test_context_for_other_tables_fails() -> None:
    model, other = image_model("cheng-checkerboard"), updated_image_model("cheng-checkerboard")
    model.update([0.5, 1.0, 2.0])
    mixed = {
        key: other.state_dict()[key] if "integer" in key else value
        for key, value in model.state_dict().items()
    }
    model.load_state_dict(mixed)
    with pytest.raises(ModelError, match="chooses among 128 tables; the model has 3"):
        model.tables()


def test_weights_file_codes_the_same_bytes(tmp_path: Path) -> None:
    torch.manual_seed(3)
    source = enliven(Cheng2020Anchor(8))
    source.update()
    saved = save_checkpoint(tmp_path / "a.safetensors", source, "cheng2020-anchor", N=8)
    loaded = load_checkpoint(tmp_path / "a.safetensors")
    assert loaded.id == saved == load_checkpoint(tmp_path / "a.safetensors").id
    assert not loaded.model.update()
    again = save_checkpoint(tmp_path / "b.safetensors", loaded.model, "cheng2020-anchor", N=8)
    assert again == saved != model_id(source.state_dict())
    streams = []
    y = 3 * torch.randn(1, 8, 5, 7, generator=torch.Generator().manual_seed(0))
    for model in (source, loaded.model):
        assert isinstance(model, Cheng2020Anchor)
        model.h_a.load_state_dict(source.h_a.state_dict())  # the encoder's own: float16 in the file
        encoder = EncoderChannel(*ends(model))
        with torch.no_grad():
            model.code_latent(y, (5, 7), encoder)
        streams.append(encoder.finish())
    assert streams[0] == streams[1]
