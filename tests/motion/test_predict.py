"""Prediction against the oracle, pixel for pixel."""

import numpy as np
import pytest

from streamcodec._native import MotionField, instruction_sets, predict_motion
from streamcodec.errors import UsageError

from .oracle import pad, predict_plane
from .samples import random_field, texture

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]


def picture(height: int, width: int, seed: int) -> Planes:
    rng = np.random.default_rng(seed)
    sizes = [
        (height, width),
        ((height + 1) // 2, (width + 1) // 2),
        ((height + 1) // 2, (width + 1) // 2),
    ]
    y, u, v = (rng.integers(0, 256, size).astype(np.uint8) for size in sizes)
    return y, u, v


@pytest.mark.slow
@pytest.mark.parametrize("set_", instruction_sets())
@pytest.mark.parametrize(
    ("height", "width", "reach"),
    [(48, 64, 40), (33, 47, 12), (16, 16, 9), (1, 1, 300), (40, 70, 1023)],
)
def test_prediction_is_the_oracle(height: int, width: int, reach: int, set_: str) -> None:
    previous, key = picture(height, width, 1), picture(height, width, 2)
    field = random_field(-(-height // 16), -(-width // 16), reach=reach, seed=height)
    for threads in (1, 3):
        out = predict_motion(field, previous, key, threads=threads, instruction_set=set_)
        for plane, a, b, block in zip(out, previous, key, (8, 4, 4), strict=True):
            assert np.array_equal(
                plane, predict_plane(field, pad(a, 2 * block), pad(b, 2 * block), block)
            )


@pytest.mark.slow
@pytest.mark.parametrize("filter_", [0, 1, 2])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_every_filter_and_fraction(mode: int, filter_: int) -> None:
    previous, key = picture(64, 64, 3), picture(64, 64, 4)
    vectors = np.stack(np.meshgrid(np.arange(-4, 4), np.arange(8), indexing="ij"), -1).astype(
        np.int16
    )
    one = np.ones((4, 4), np.uint8)
    field = MotionField(mode * one, filter_ * one, vectors, vectors[::-1].copy())
    outs = [
        predict_motion(field, previous, key, instruction_set=set_) for set_ in instruction_sets()
    ]
    for k, block in enumerate((8, 4, 4)):
        expected = predict_plane(field, previous[k], key[k], block)
        assert all(np.array_equal(out[k], expected) for out in outs)


def test_whole_vectors_shift_the_picture() -> None:
    y = texture(96, 96)
    vectors = np.full((12, 12, 2), (8, -12), np.int16)
    zero = np.zeros((6, 6), np.uint8)
    out = predict_motion(
        MotionField(zero, zero, vectors, vectors), (y, y[::2, ::2].copy(), y[::2, ::2].copy())
    )
    assert np.array_equal(out[0][:-2, 3:], y[2:, :-3])


def test_prediction_fails_on_what_does_not_fit() -> None:
    field = random_field(2, 2)
    with pytest.raises(UsageError, match="macroblocks; the motion field has 2x2"):
        predict_motion(field, picture(48, 32, 0), picture(48, 32, 0))
    with pytest.raises(UsageError, match="none was given"):
        predict_motion(field, picture(32, 32, 0))
    y, u, v = picture(32, 32, 0)
    with pytest.raises(UsageError, match="half of luma"):
        predict_motion(field, (y, u[1:].copy(), v))
    with pytest.raises(UsageError, match="accepted: a C-contiguous"):
        predict_motion(field, (y.astype(np.float32), u, v))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("modes", 3, "mode is 3"),
        ("filters", 3, "filter is 3"),
        ("previous", 1024, "1024 quarter"),
        ("key", -1024, "-1024 quarter"),
    ],
)
def test_a_field_fails_beyond_its_ranges(name: str, value: int, message: str) -> None:
    field = random_field(2, 3)
    arrays = {key: getattr(field, key) for key in ("modes", "filters", "previous", "key")}
    arrays[name].flat[1] = value
    with pytest.raises(UsageError, match=message):
        MotionField(**arrays)
    arrays[name] = arrays[name][1:].copy()
    with pytest.raises(UsageError):
        MotionField(**arrays)
