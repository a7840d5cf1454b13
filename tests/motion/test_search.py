"""Search: finds planted motion; threads and instruction sets make no difference."""

from typing import Any

import numpy as np
import pytest

from streamcodec._native import MotionField, instruction_sets, predict_motion
from streamcodec.errors import UsageError
from streamcodec.quality import motion_lambda_16, q_of

from .samples import motion_tables, same_fields, texture

_, MOTION = motion_tables()
PRESETS = ("fast", "medium")


def search(luma: np.ndarray, *references: Any, quality: int = 32, **options: Any) -> MotionField:
    weight = motion_lambda_16(q_of(quality))
    return MOTION.search(luma, *references, quality=quality, lambda_16=weight, **options)


def moved(dy: int, dx: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A cut out of a larger picture, (dy, dx) pixels from its middle."""
    large = texture(height + 160, width + 160, 5)
    return np.ascontiguousarray(large[80 + dy : 80 + dy + height, 80 + dx : 80 + dx + width])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (1, -2), (-7, 13), (24, -30), (-50, 8)])
def test_a_pan_is_found(dy: int, dx: int, preset: str) -> None:
    field = search(moved(dy, dx, 192, 256), moved(0, 0, 192, 256), preset=preset)
    inner = field.previous[7:-7, 7:-7]
    assert np.mean((inner == (4 * dy, 4 * dx)).all(2)) > 0.95


def test_fractions_are_found() -> None:
    reference = texture(96, 128, 3)
    zero = np.zeros((6, 8), np.uint8)
    vectors = np.full((12, 16, 2), (-3, 6), np.int16)
    chroma = np.zeros((48, 64), np.uint8)
    current = predict_motion(
        MotionField(zero, zero, vectors, vectors), (reference, chroma, chroma)
    )[0]
    found = search(current, reference, quality=63).previous
    assert np.mean((found == (-3, 6)).all(2)) > 0.9


def test_a_moving_square_is_split_from_the_background() -> None:
    reference, current = texture(96, 128, 7), texture(96, 128, 7)
    square = 255 - texture(24, 24, 8)
    reference[24:48, 40:64] = square
    current[32:56, 48:72] = square
    field = search(current, reference, quality=50)
    assert np.array_equal(field.previous[5, 7], (-32, -32))
    assert np.mean((field.previous == 0).all(2)) > 0.8


def test_the_key_frame_serves_where_the_previous_frame_is_hidden() -> None:
    key, previous = texture(96, 128, 9), texture(96, 128, 9)
    previous[32:64, 48:80] = 0
    field = search(key, previous, key)
    assert np.all(field.modes[2:4, 3:5] == 1)
    assert np.all(field.key[4:8, 6:10] == 0)


def test_the_average_serves_where_both_are_noisy() -> None:
    rng = np.random.default_rng(0)
    picture = texture(96, 128, 11).astype(int)
    noisy = [
        (picture + rng.normal(0, 8, picture.shape)).clip(0, 255).astype(np.uint8) for _ in range(2)
    ]
    field = search(picture.astype(np.uint8), noisy[0], noisy[1], quality=50)
    assert np.mean(field.modes == 2) + np.mean(field.filters > 0) > 0.9


@pytest.mark.parametrize("preset", PRESETS)
def test_threads_and_instruction_sets_make_no_difference(preset: str) -> None:
    rng = np.random.default_rng(2)
    frames = [
        (moved(2 * t, -3 * t).astype(int) + rng.integers(-9, 10, (96, 128)))
        .clip(0, 255)
        .astype(np.uint8)
        for t in range(3)
    ]
    frames[2][40:70, 30:60] = frames[0][10:40, 60:90]
    first = search(frames[1], frames[0], preset=preset)
    wanted = search(frames[2], frames[1], frames[0], first, preset=preset, instruction_set="scalar")
    for set_ in instruction_sets():
        for threads in (1, 2, 3, 16):
            again = search(
                frames[2],
                frames[1],
                frames[0],
                first,
                preset=preset,
                threads=threads,
                instruction_set=set_,
            )
            assert same_fields(again, wanted)
    assert same_fields(wanted.derived(previous=first, has_key=True), wanted)


@pytest.mark.parametrize("size", [(1, 1), (17, 33), (8, 200)])
def test_small_and_odd_sizes(size: tuple[int, int]) -> None:
    picture = texture(*size)
    field = search(picture, picture)
    assert not field.modes.any()
    assert search(picture, picture, picture, field, preset="fast").modes.shape == field.modes.shape


def test_search_fails_on_what_does_not_fit() -> None:
    a, b = texture(32, 32), texture(32, 48)
    with pytest.raises(UsageError, match="accepted: the size of the frame"):
        search(a, b)
    with pytest.raises(UsageError, match="accepted: the size of the frame"):
        search(a, a, b)
    with pytest.raises(UsageError, match="preset is 'best'"):
        search(a, a, preset="best")
    with pytest.raises(UsageError, match="quality is -1"):
        search(a, a, quality=-1)
    with pytest.raises(UsageError, match="previous motion field"):
        search(a, a, previous=search(b, b))
    with pytest.raises(UsageError, match="threads is 0"):
        search(a, a, threads=0)
