"""Multiplications of the default models' networks, against a count by hand."""

import pytest

from streamcodec.codec.dct_cost import network_cost
from streamcodec.codec.dct_random import random_weights
from streamcodec.engine import Conv


def test_p_frames_cost_what_they_do_by_hand() -> None:
    """Inputs * taps * outputs of each layer, per pixel at its grid; `indexes_*` run on two grids each."""
    features = (192 * 8 + 8 * 9 * 8) / 8**2
    indexes_a = 2 * (8 * 8 + 8 * 8 + 8 * 96) / 16**2
    indexes_b = 2 * (8 * 8 + 96 * 4 * 8 + 16 * 8 + 8 * 8 + 8 * 96) / 16**2
    synthesis = (48 * 9 * 8 + 4 * 8 * 9 * 8 + 8 * 9 * 24) / 4**2
    analysis = (48 * 9 * 8 + 8 * 9 * 8) / 4**2 + 8 * 4 * 96 / 8**2
    cost = network_cost(random_weights("inter"))
    assert 1000 * cost.decode_kmac == pytest.approx(features + indexes_a + indexes_b + synthesis)
    assert 1000 * (cost.encode_kmac - cost.decode_kmac) == pytest.approx(analysis)


def test_stages_of_each_grid_cost_as_much() -> None:
    cost, shared = (
        network_cost(random_weights("inter", hadamard=channels)) for channels in ((0, 1), ())
    )
    assert (cost.decode_kmac, cost.encode_kmac) == (shared.decode_kmac, shared.encode_kmac)
    assert cost.parameters > shared.parameters


def test_parameters_are_all_numbers_of_the_convolutions() -> None:
    weights = random_weights("intra")
    layers = [
        layer
        for stage in weights.network.stages
        for layer in stage.layers
        if isinstance(layer, Conv)
    ]
    slopes = sum(layer.outputs for layer in layers if layer.slope is not None)
    cost = network_cost(weights)
    assert cost.parameters == sum(layer.weights.size + layer.outputs for layer in layers) + slopes
    assert 0 < cost.decode_kmac < cost.encode_kmac
