import pytest
import torch

from streamcodec.errors import ModelError
from streamcodec.models import ImageModel, InterModel, create, names
from streamcodec.models.latents.hyperprior import HyperpriorLatent
from streamcodec.models.registry import config_of

from .channels import ListDecoder, ListEncoder

TINY = {"N": 4, "M": 6}
SIZE = (32, 48)


def tiny(name: str) -> ImageModel | InterModel:
    torch.manual_seed(0)
    return create(
        name, **{field: width for field, width in TINY.items() if field in config_of(name)}
    ).eval()


@pytest.mark.parametrize("name", names())
@torch.no_grad()
def test_every_model_decodes_what_it_encodes(name: str) -> None:
    model = tiny(name)
    model.update()
    x, reference = torch.rand(2, 1, 3, *SIZE)
    encoder = ListEncoder.of(model)
    if isinstance(model, ImageModel):
        coded = model.code(x, SIZE, encoder)
        decoded = model.code(None, SIZE, ListDecoder(encoder))
    else:
        coded = model.code(x, reference, encoder)
        decoded = model.code(None, reference, ListDecoder(encoder))
    assert coded.shape == x.shape
    assert torch.equal(coded, decoded)


@pytest.mark.parametrize("name", names())
def test_rows_of_every_latent_are_its_own(name: str) -> None:
    """`row` says how many rows of other bottlenecks come first, in the order of tables()."""
    model = tiny(name)
    before = 0
    for latent in (module for module in model.modules() if isinstance(module, HyperpriorLatent)):
        assert latent.row == before
        before += latent.entropy_bottleneck.medians().shape[1]


def test_image_models_come_first() -> None:
    kinds = [isinstance(tiny(name), ImageModel) for name in names()]
    assert kinds == sorted(kinds, reverse=True)
    assert {True, False} == set(kinds)


def test_unknown_name_fails() -> None:
    with pytest.raises(ModelError, match=r"unknown model 'nope'; known: bmshj2018-factorized"):
        create("nope")


def test_unknown_field_fails() -> None:
    with pytest.raises(ModelError, match=r"ssf2020-image has no field depth; it has: N"):
        create("ssf2020-image", depth=3)
