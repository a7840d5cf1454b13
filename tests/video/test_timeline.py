"""Timestamps: kept when they are good, repaired by rule when they are not."""

from fractions import Fraction
from itertools import pairwise

import pytest

from streamcodec.video.times.timeline import Timeline

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


def settled(frames: list[int | None], lasting: int = 0) -> tuple[list[int], tuple[str, ...]]:
    """As the decoder does it, which shows the frames behind one where they are wanted."""
    timeline = Timeline(TICK, Fraction(25))
    for pts in frames:
        timeline.add_packet(pts, pts)
    stamped = []
    for number, pts in enumerate(frames):
        wanted = timeline.frames_wanted(pts)
        stamped.append(timeline.stamp(pts, frames[number + 1 : number + 1 + wanted], lasting))
    return stamped, timeline.repairs


EVEN = list(range(0, 400, 40))
HOURS = 3 * 3600 * 1000


def changed(places: dict[int, int]) -> list[int | None]:
    return [places.get(number, pts) for number, pts in enumerate(EVEN)]


@pytest.mark.parametrize(
    "places",
    [
        {4: HOURS},
        {4: 5000},
        {4: -HOURS},
        {4: HOURS, 5: HOURS + 40},
        {4: HOURS, 5: 2 * HOURS, 6: -5000},
        {0: HOURS},
        {0: 2000},
        {9: HOURS},
        {2: HOURS, 7: -HOURS},
    ],
)
def test_a_wrong_time_is_put_between_its_neighbours_and_said(places: dict[int, int]) -> None:
    stamped, repairs = settled(changed(places))
    assert stamped == [pts + (stamped[0] - EVEN[0]) for pts in EVEN]
    assert len(repairs) == 1


@pytest.mark.parametrize("pause", [1500, 20_000, 3_500_000])
def test_a_pause_is_kept(pause: int) -> None:
    times: list[int | None] = [pts + (pause if pts >= 200 else 0) for pts in EVEN]
    assert settled(times) == (times, ())


def test_a_pause_of_hours_is_kept_if_a_packet_lasts_as_long() -> None:
    times: list[int | None] = [pts + (HOURS if pts >= 200 else 0) for pts in EVEN]
    assert settled(times, lasting=HOURS) == (times, ())


def test_a_clock_that_jumps_by_hours_goes_on_and_is_said() -> None:
    times: list[int | None] = [pts + (HOURS if pts >= 200 else 0) for pts in EVEN]
    stamped, repairs = settled(times)
    assert stamped == EVEN
    assert repairs == ("its clock jumped by 10800.04 s, which was taken out",)


def test_a_slow_video_in_decoding_order_has_no_wrong_times() -> None:
    timeline = Timeline(TICK, Fraction(1))
    times = [0, 4000, 2000, 1000, 3000, 8000, 6000, 5000, 7000]
    for pts in times:
        timeline.add_packet(pts, pts)
    stamped = []
    for number, pts in enumerate(times):
        wanted = timeline.frames_wanted(pts)
        stamped.append(timeline.stamp(pts, times[number + 1 : number + 1 + wanted]))
    assert timeline.repairs == ()
    assert all(later > earlier for earlier, later in pairwise(stamped))


def test_a_clock_that_stands_still_gives_even_steps() -> None:
    for count in (2, 3, 10):
        timeline = Timeline(Fraction(1, 1000), Fraction(25))
        times = [7] * count
        stamps = [
            timeline.stamp(pts, times[number + 1 : number + 1 + timeline.frames_wanted(pts)])
            for number, pts in enumerate(times)
        ]
        assert stamps == [7 + 40 * number for number in range(count)]


def test_a_clock_that_stood_still_goes_on() -> None:
    timeline = Timeline(Fraction(1, 1000), Fraction(25))
    times = [0, 0, 0, 0, 500, 540, 600]
    stamps = [
        timeline.stamp(pts, times[number + 1 : number + 1 + timeline.frames_wanted(pts)])
        for number, pts in enumerate(times)
    ]
    assert stamps == [0, 40, 80, 120, 160, 200, 260]


def test_first_two_times_equal_are_a_time_twice() -> None:
    timeline = Timeline(Fraction(1, 1000), Fraction(25))
    assert timeline.stamp(0, [0, 40]) == 0
    assert timeline.stamp(0, []) == 1
    assert timeline.stamp(40, []) == 40
