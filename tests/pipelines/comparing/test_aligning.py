"""Frames belong together by their times."""

from fractions import Fraction

import numpy as np

from streamcodec.pipelines.comparing.aligning import aligned
from streamcodec.pipelines.comparing.videos import Shown

STEP = Fraction(1, 25)


def frames(times: list[float], lasts: Fraction = STEP) -> list[Shown]:
    planes = (np.zeros((2, 2), np.uint8),)
    return [
        Shown(number, Fraction(time).limit_denominator(1000), lasts, planes, "P", 1)
        for number, time in enumerate(times)
    ]


def indexes(source: list[float], *codings: list[float]) -> list[tuple[int | None, ...]]:
    moments = aligned(iter(frames(source)), [iter(frames(each)) for each in codings], STEP)
    return [
        tuple(None if shown is None else shown.index for shown in moment.codings)
        for moment in moments
    ]


def test_the_same_times() -> None:
    assert indexes([0, 0.04, 0.08], [0, 0.04, 0.08]) == [(0,), (1,), (2,)]


def test_rounded_times() -> None:
    assert indexes([0, 0.04, 0.08], [0, 0.041, 0.079]) == [(0,), (1,), (2,)]


def test_a_frame_that_is_missing() -> None:
    assert indexes([0, 0.04, 0.08], [0, 0.08]) == [(0,), (None,), (1,)]


def test_twice_as_many_frames() -> None:
    doubled = [0.02 * number for number in range(6)]
    assert indexes([0, 0.04, 0.08], doubled) == [(0,), (2,), (4,)]


def test_half_as_many_frames() -> None:
    assert indexes([0, 0.04, 0.08, 0.12], [0, 0.08]) == [(0,), (None,), (1,), (None,)]


def test_an_end_that_comes_early_and_one_that_comes_late() -> None:
    assert indexes([0, 0.04], [0], [0, 0.04, 0.08]) == [(0, 0), (None, 1)]


def test_no_frames_at_all() -> None:
    assert indexes([0, 0.04], []) == [(None,), (None,)]


def test_unknown_durations_take_the_step() -> None:
    source = iter(frames([0, 0.04], Fraction(0)))
    moments = aligned(source, [iter(frames([0, 0.055]))], STEP)
    assert [moment.codings[0] is not None for moment in moments] == [True, True]
