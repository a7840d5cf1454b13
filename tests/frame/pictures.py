"""Moving pictures that are made up, and small models for them."""

from functools import lru_cache

import numpy as np

from streamcodec import _native
from streamcodec.codec.dct_random import random_weights
from streamcodec.codec.dct_weights import DctWeights, Kind

from .transforms import Planes

HADAMARD = (0, 1, 8, 63, 64, 95)
"""Channels that weights of format 3 have for tests."""


@lru_cache(maxsize=8)
def weights_of(
    kind: Kind, seed: int = 0, sets: int = 1, hadamard: tuple[int, ...] = ()
) -> DctWeights:
    return random_weights(kind, seed=seed, sets=sets, hadamard=hadamard)


@lru_cache(maxsize=8)
def models(
    sets: int = 1, hadamard: tuple[int, ...] = ()
) -> tuple[_native.IntraModel, _native.InterModel]:
    intra = weights_of("intra", sets=sets).native()
    inter = weights_of("inter", sets=sets, hadamard=hadamard).native()
    assert isinstance(intra, _native.IntraModel)
    assert isinstance(inter, _native.InterModel)
    return intra, inter


def picture(height: int, width: int, time: int, *, noise: float = 3.0) -> Planes:
    """A frame of waves that move, with noise of its own."""
    rng = np.random.default_rng(time)
    rows, columns = np.mgrid[:height, :width]
    waves = 128 + 60 * np.sin((columns + 2 * time) / 9) + 40 * np.cos((rows - time) / 7)
    y = (waves + rng.normal(0, noise, (height, width))).clip(0, 255).astype(np.uint8)
    u = np.ascontiguousarray(y[::2, ::2])
    return y, u, 255 - u


def assert_planes_equal(a: Planes, b: Planes) -> None:
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)
