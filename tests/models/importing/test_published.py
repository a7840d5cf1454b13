from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from streamcodec.models import (
    Cheng2020Anchor,
    Cheng2020AnchorCheckerboard,
    JointAutoregressiveHierarchicalPriors,
    ScaleHyperprior,
)
from streamcodec.models.base import CompressionModel
from streamcodec.models.published_keys import current_keys

State = dict[str, Tensor]


def with_underscore(key: str) -> str:
    """As from 1.1.0 to 1.2.6: `_matrix0`."""
    for now, then in (("matrices", "_matrix"), ("biases", "_bias"), ("factors", "_factor")):
        key = key.replace(f".{now}.", f".{then}")
    return key


def of_2020(key: str) -> str:
    """`_matrices.0`."""
    for name in ("matrices", "biases", "factors"):
        key = key.replace(f".{name}.", f"._{name}.")
    return key


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(0)
    return ScaleHyperprior(4, 6).state_dict()


@pytest.mark.parametrize(
    "spelling",
    [str, with_underscore, of_2020, "module.{}".format],
    ids=["1.2.7", "1.1.0", "2020", "DataParallel"],
)
@pytest.mark.parametrize("wrapper", [None, "network", "state_dict", "model_state_dict"])
def test_published_checkpoints_load(state: State, spelling: type, wrapper: str | None) -> None:
    published = {spelling(key): value for key, value in state.items()}
    model = ScaleHyperprior(4, 6)
    model.load_state_dict(published if wrapper is None else {wrapper: published, "epoch": 3})  # type: ignore[dict-item]
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    "make",
    [
        partial(JointAutoregressiveHierarchicalPriors, 4, 6),
        partial(Cheng2020Anchor, 4),
        partial(Cheng2020AnchorCheckerboard, 4),
    ],
)
def test_published_checkpoints_of_context_models_load(make: Callable[[], CompressionModel]) -> None:
    state = make().state_dict()
    published = {
        with_underscore(key).replace(".skip.", ".downsample."): value
        for key, value in state.items()
    }
    assert published.keys() != state.keys()
    model = make()
    model.load_state_dict(published)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_current_keys_stay() -> None:
    for key in (
        "g_a.0.weight",
        "entropy_bottleneck._offset",
        "hyperprior.entropy_bottleneck.matrices.3",
    ):
        assert list(current_keys({key: 0})) == [key]
    assert list(current_keys({"g_a.3.downsample.weight": 0, "_bias2": 0})) == [
        "g_a.3.skip.weight",
        "biases.2",
    ]


def test_tables_of_16_bits_count_as_none(state: State) -> None:
    model = ScaleHyperprior(4, 6)
    model.update()
    others = {
        key: value * 4 if key.endswith("_quantized_cdf") else value
        for key, value in model.state_dict().items()
    }
    model.load_state_dict({key: value for key, value in others.items() if "integer" not in key})
    assert model.update()


def test_unknown_key_fails(state: State) -> None:
    with pytest.raises(RuntimeError, match="g_b"):
        ScaleHyperprior(4, 6).load_state_dict({**state, "g_b.weight": torch.zeros(1)})
