"""Frames leave in runs: B-frames and the anchor behind them."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from streamcodec.stream.control.offsets import PlaceInGop
from streamcodec.stream.gops.reorder import Pushed, Reorder
from streamcodec.types import MAX_RUN, RawFrame

PIXELS = (np.zeros((3, 2, 2), np.uint8),)


def pushed(index: int, number: int) -> Pushed:
    return Pushed(RawFrame(PIXELS, index), index, 0, number)


def planning(run: int) -> Callable[[Sequence[RawFrame], int], list[int]]:
    """Runs of this length."""

    def plan(frames: Sequence[RawFrame], longest: int) -> list[int]:
        assert 3 <= len(frames) <= longest + 2
        assert set(np.diff([frame.pts for frame in frames])) == {1}
        whole, rest = divmod(len(frames) - 1, run + 1)
        return [run] * whole + ([rest - 1] if rest else [])

    return plan


def left_by(lengths: Sequence[int], longest: int, run: int) -> list[list[int]]:
    """The frames of GOPs of these lengths, as they leave."""
    order, left, index = Reorder(longest, planning(run)), [], 0
    for length in lengths:
        for number in range(length):
            left += [[f.index for f in frames] for frames in order.push(pushed(index, number))]
            index += 1
    left += [[frame.index for frame in frames] for frames in order.flush()]
    assert list(order.flush()) == []
    return left


def test_frames_leave_at_once_without_b_frames() -> None:
    order = Reorder(0, lambda *_: pytest.fail("there is nothing to plan"))
    for index in range(5):
        [[frame]] = order.push(pushed(index, index % 3))
        assert frame.index == index


@pytest.mark.parametrize(
    ("lengths", "longest", "run", "left"),
    [
        ([9], 7, 7, [[0], [1, 2, 3, 4, 5, 6, 7, 8]]),
        ([9], 3, 3, [[0], [1, 2, 3, 4], [5, 6, 7, 8]]),
        ([6], 7, 3, [[0], [1, 2, 3, 4], [5]]),
        ([7], 7, 3, [[0], [1, 2, 3, 4], [5, 6]]),
        ([4, 1, 3], 7, 7, [[0], [1, 2, 3], [4], [5], [6, 7]]),
        ([5], 2, 0, [[0], [1], [2], [3], [4]]),
        ([9], 2, 1, [[0], [1, 2], [3], [4, 5], [6], [7, 8]]),
        ([], 7, 7, []),
    ],
)
def test_gops_end_with_an_anchor(
    lengths: list[int], longest: int, run: int, left: list[list[int]]
) -> None:
    assert left_by(lengths, longest, run) == left


def test_no_more_frames_are_held_back_than_may_follow_each_other() -> None:
    for longest in range(MAX_RUN + 1):
        order, held = Reorder(longest, planning(1)), 0
        for index in range(40):
            held += 1
            held -= sum(map(len, order.push(pushed(index, index))))
            assert held <= longest


def test_full_gop_waits_for_nothing() -> None:
    order = Reorder(7, planning(7))
    left = [list(order.push(pushed(index, index), is_last=index == 3)) for index in range(4)]
    assert [[frame.index for frame in frames] for frames in left[3]] == [[1, 2, 3]]


def test_gops_do_not_depend_on_those_before() -> None:
    alone = left_by([12], 7, 5)
    behind = [[index - 4 for index in run] for run in left_by([4, 12], 7, 5) if run[0] >= 4]
    assert behind == alone


@pytest.mark.parametrize(
    ("number", "run", "level", "is_refresh"),
    [
        (0, 0, 0, False),
        (32, 0, 0, True),
        (31, 0, 0, False),
        (33, 3, 0, True),
        (35, 3, 0, True),
        (36, 3, 0, False),
        (32, 3, 1, False),
        (64, 7, 0, True),
    ],
)
def test_first_anchor_behind_every_32nd_frame_is_better(
    number: int, run: int, level: int, is_refresh: bool
) -> None:
    assert PlaceInGop(number, run, level).is_refresh == is_refresh
