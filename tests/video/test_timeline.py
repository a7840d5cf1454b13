"""Timestamps: kept when they are good, repaired by rule when they are not."""

from fractions import Fraction
from itertools import pairwise

import pytest

from streamcodec.video.timeline import Timeline

TICK = Fraction(1, 1000)


def stamps(frames: list[int | None], packets: list[int | None] | None = None) -> list[int]:
    timeline = Timeline(TICK, Fraction(25))
    for packet in frames if packets is None else packets:
        timeline.add_packet(packet, packet)
    return [timeline.stamp(pts) for pts in frames]


@pytest.mark.parametrize(
    "pts", [[0, 40, 80], [-80, -40, 0], [7, 8, 300, 5000], [10**15, 10**15 + 1]]
)
def test_rising_times_are_kept(pts: list[int | None]) -> None:
    assert stamps(pts) == pts


def test_packet_order_does_not_matter_for_good_times() -> None:
    assert stamps([0, 40, 80, 120], [0, 120, 40, 80]) == [0, 40, 80, 120]


def test_lost_packets_do_not_shift_later_frames() -> None:
    assert stamps([0, 120, 160], [0, 40, 80, 120, 160]) == [0, 120, 160]


def test_missing_times_are_packet_times_or_nominal_steps() -> None:
    assert stamps([None, None, None], [0, 30, 70]) == [0, 30, 70]
    assert stamps([None, None, None]) == [0, 40, 80]
    assert stamps([100, None, None]) == [100, 140, 180]


def test_decoding_order_is_put_right() -> None:
    assert stamps([0, 40, 120, 80, 200, 160], [0, 40, 80, 120, 160, 200]) == [
        0,
        40,
        120,
        160,
        200,
        240,
    ]


def test_a_time_twice_moves_by_one_tick() -> None:
    assert stamps([0, 40, 40, 80]) == [0, 40, 41, 80]


def test_a_clock_that_starts_anew_goes_on() -> None:
    assert stamps([5000, 5040, 0, 40, 80]) == [5000, 5040, 5080, 5120, 5160]


def test_every_result_rises() -> None:
    values = stamps([5, 3, 9, 9, None, -4000, -3999, 2, 2, 1])
    assert all(later > earlier for earlier, later in pairwise(values))
