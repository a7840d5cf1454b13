"""Training, tables and checkpoints of every image model of the zoo."""

import pytest
import torch

from streamcodec.errors import ModelError

from ..channels import ListDecoder, ListEncoder
from ..deterministic import frame
from ..small_models import IMAGE_MODELS, image_model, updated_image_model

TABLES = ("_offset", "_quantized_cdf", "_cdf_length", "scale_table")


def train_step(name: str) -> dict[str, torch.Tensor]:
    """Gradient of every parameter but the quantiles after one rate-distortion loss on a batch of two."""
    model = image_model(name).train()
    x = torch.cat((frame(32, 48), frame(32, 48).flip(3)))
    out = model(x)
    bits = torch.stack(
        [-likelihoods.log2().mean() for likelihoods in out["likelihoods"].values()]
    ).sum()
    (bits + 100 * (out["x_hat"] - x).square().mean()).backward()
    return {
        key: parameter.grad
        for key, parameter in model.named_parameters()
        if not key.endswith("quantiles")
    }


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_training_reaches_every_parameter(name: str) -> None:
    for key, gradient in train_step(name).items():
        assert gradient is not None, key
        assert gradient.isfinite().all(), key
        assert gradient.abs().sum() > 0, key


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_training_adds_noise_and_evaluation_does_not(name: str) -> None:
    model, x = image_model(name), frame(32, 48)
    with torch.no_grad():
        still = [model(x)["likelihoods"]["y"] for _ in range(2)]
        model.train()
        noisy = [model(x)["likelihoods"]["y"] for _ in range(2)]
    assert torch.equal(*still)
    assert not torch.equal(*noisy)


@pytest.mark.parametrize("name", ["factorized", "mean-scale", "ssf-image"])
def test_aux_loss_falls_and_moves_only_the_quantiles(name: str) -> None:
    model = image_model(name)
    quantiles = [
        parameter for key, parameter in model.named_parameters() if key.endswith("quantiles")
    ]
    optimizer, losses = torch.optim.Adam(quantiles, lr=1.0), []
    for _ in range(30):
        optimizer.zero_grad()
        loss = model.aux_loss()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[10] < losses[0]
    assert all(
        parameter.grad is None
        for key, parameter in model.named_parameters()
        if not key.endswith("quantiles")
    )


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_update_says_whether_it_changed_anything(name: str) -> None:
    model = image_model(name)
    with pytest.raises(ModelError, match="update"):
        model.tables()
    assert [model.update(), model.update(), model.update(force=True)] == [True, False, True]
    assert model.tables().rows > 0


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_checkpoint_with_tables_codes_the_same_symbols(name: str) -> None:
    source, other = updated_image_model(name), image_model(name)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.load_state_dict(source.state_dict())
    assert not other.update()
    written = ListEncoder.of(source)
    x_hat = source.code(frame(32, 48), (32, 48), written)
    assert torch.equal(other.code(None, (32, 48), ListDecoder(written)), x_hat)


@pytest.mark.parametrize(
    "name",
    [
        "factorized",
        "scale",
        "mean-scale",
        "ssf-image",
        "simple-hyperprior",
        "joint",
        "cheng-checkerboard",
    ],
)
def test_checkpoint_without_tables_counts_as_not_updated(name: str) -> None:
    model = image_model(name)
    fresh = model.state_dict()
    model.update()
    updated = model.state_dict()
    model.load_state_dict({key: value for key, value in fresh.items() if not key.endswith(TABLES)})
    assert model.update()
    assert updated.keys() == model.state_dict().keys()
    assert all(torch.equal(value, updated[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", ["scale", "simple-hyperprior"])
def test_update_takes_a_scale_table(name: str) -> None:
    model = image_model(name)
    model.update([0.5, 1.0, 2.0, 4.0])
    written = ListEncoder.of(model)
    model.code(frame(32, 48), (32, 48), written)
    z, y = (indexes.unique().tolist() for _, indexes in written.written)
    assert y[0] >= 1  # the scales are around 2
    assert y[-1] <= 3
    assert z == list(range(4, 12))
    assert written.bits > 0
