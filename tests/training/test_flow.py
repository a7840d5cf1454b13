"""The flow hint finds known displacements."""

from types import ModuleType

import numpy as np
import pytest

from streamcodec.errors import UsageError
from streamcodec.training.flow import flow_hint
from streamcodec.video import gray_from_rgb

pytest.importorskip("cv2")


def test_flow_points_from_current_to_reference(synthetic: ModuleType) -> None:
    reference, current = (gray_from_rgb(synthetic.moving_frame(number, 192, 128)) for number in (0, 2))
    flow = flow_hint(current, reference)
    assert flow.shape == (2, 32, 48)
    assert flow.dtype == np.float32
    x, y = np.median(flow[:, 6:-6, 6:-6], axis=(1, 2))
    assert x == pytest.approx(-4, abs=0.5)
    assert y == pytest.approx(-2, abs=0.5)


def test_large_pictures_give_pixels_of_the_full_size() -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (76, 100)).astype(np.uint8)
    picture = np.kron(small, np.ones((16, 16), np.uint8))
    flow = flow_hint(picture, np.roll(picture, 8, axis=1))
    assert flow.shape == (2, 304, 400)
    assert np.median(flow[0]) == pytest.approx(8, abs=0.5)
    assert np.median(flow[1]) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("shape", [(16, 16), (16, 256), (256, 16), (32, 1024)])
def test_small_and_long_pictures_work(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    flow = flow_hint(picture, picture)
    assert flow.shape == (2, shape[0] // 4, shape[1] // 4)
    assert np.abs(flow).max() < 0.5


def test_flow_is_the_same_every_time(synthetic: ModuleType) -> None:
    reference, current = (gray_from_rgb(synthetic.moving_frame(number)) for number in (0, 1))
    assert np.array_equal(flow_hint(current, reference), flow_hint(current, reference))


@pytest.mark.parametrize(
    ("current", "reference"),
    [
        (np.zeros((16, 20), np.uint8), np.zeros((16, 20), np.uint8)),
        (np.zeros((16, 16), np.uint8), np.zeros((16, 32), np.uint8)),
        (np.zeros((16, 16), np.float32), np.zeros((16, 16), np.float32)),
        (np.zeros((0, 16), np.uint8), np.zeros((0, 16), np.uint8)),
    ],
)
def test_flow_fails_for_other_pictures(current: np.ndarray, reference: np.ndarray) -> None:
    with pytest.raises(UsageError, match="multiples of 16"):
        flow_hint(current, reference)
