"""Cuts are found, motion is not mistaken for one."""

from types import ModuleType

import numpy as np
import pytest

from streamcodec.errors import UsageError
from streamcodec.motion.scenecut import SceneCutDetector
from streamcodec.stream.options import DEFAULT_SCENECUT


def test_only_the_splice_is_a_cut(synthetic: ModuleType) -> None:
    detector = SceneCutDetector(DEFAULT_SCENECUT)
    other = [
        np.rot90(255 - frame, 2, axes=(1, 2)).copy() for frame in synthetic.moving_frames(6, seed=5)
    ]
    found = [detector.is_cut(frame) for frame in synthetic.moving_frames(6) + other]
    assert found == [number == 6 for number in range(12)]


def test_luma_alone_will_do(synthetic: ModuleType) -> None:
    detector = SceneCutDetector(DEFAULT_SCENECUT)
    frames = [frame[1] for frame in synthetic.moving_frames(3)] + [np.full((64, 96), 240, np.uint8)]
    assert [detector.is_cut(frame) for frame in frames] == [False, False, False, True]


def test_still_and_black_pictures_are_no_cuts() -> None:
    detector = SceneCutDetector(DEFAULT_SCENECUT)
    black, noisy = np.zeros((3, 40, 30), np.uint8), np.ones((3, 40, 30), np.uint8)
    assert not any(detector.is_cut(frame) for frame in [black, noisy, black, black, noisy])


def test_constant_turmoil_is_not_cut_to_pieces() -> None:
    rng = np.random.default_rng(0)
    detector = SceneCutDetector(DEFAULT_SCENECUT)
    found = [detector.is_cut(rng.integers(0, 256, (3, 64, 96)).astype(np.uint8)) for _ in range(20)]
    assert sum(found) <= 1


def test_zero_is_off(synthetic: ModuleType) -> None:
    detector = SceneCutDetector(0)
    assert not any(
        detector.is_cut(frame)
        for frame in [synthetic.moving_frame(0), 255 - synthetic.moving_frame(0)]
    )


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_threshold_fails_out_of_range(threshold: float) -> None:
    with pytest.raises(UsageError, match="threshold"):
        SceneCutDetector(threshold)


@pytest.mark.parametrize(
    "frame",
    [np.zeros((4, 8, 8), np.uint8), np.zeros((3, 8, 8), np.float32), np.zeros((3, 0, 8), np.uint8)],
)
def test_other_arrays_fail(frame: np.ndarray) -> None:
    with pytest.raises(UsageError, match="accepted: uint8"):
        SceneCutDetector(DEFAULT_SCENECUT).is_cut(frame)
