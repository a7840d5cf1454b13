"""How many B-frames are planned, by what the pictures show."""

from collections.abc import Sequence
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from streamcodec import _native
from streamcodec.motion import default_motion_tables
from streamcodec.runtime import using_threads
from streamcodec.stream.gops import runs
from streamcodec.stream.gops.runs import plan_runs
from streamcodec.types import MAX_RUN, RawFrame

SIZE = (128, 160)
PAN = [(n, 2 * n) for n in range(MAX_RUN + 2)]
STILL = [(0, 0)] * (MAX_RUN + 2)
JUMPS = [(11 * n**2 % 150, 11 * n**3 % 150) for n in range(MAX_RUN + 2)]
"""Where each picture is cut out of the texture: (y, x)."""


@cache
def texture() -> NDArray[np.float64]:
    """Noise of a fine grain and of a coarse one."""
    frequency, rng = np.fft.fftfreq(512), np.random.default_rng(1)
    found = np.full((512, 512), 128.0)
    for sigma, deviation in ((2.5, 10), (12, 20)):
        decay = np.exp(-2 * (np.pi * sigma * frequency) ** 2)
        noise = np.fft.fft2(rng.normal(size=found.shape)) * np.outer(decay, decay)
        soft = np.fft.ifft2(noise).real
        found += deviation * soft / soft.std()
    return found


def clip(places: Sequence[tuple[int, int]], size: tuple[int, int] = SIZE) -> list[RawFrame]:
    """Each with noise of its own."""
    rng, frames = np.random.default_rng(3), []
    for number, (y, x) in enumerate(places):
        cut = texture()[y : y + size[0], x : x + size[1]]
        luma = (cut + rng.normal(0, 8, size)).clip(0, 255).astype(np.uint8)
        chroma = np.full(((size[0] + 1) // 2, (size[1] + 1) // 2), 128, np.uint8)
        frames.append(RawFrame((luma, chroma, chroma), number))
    return frames


def test_slow_pan_has_b_frames() -> None:
    assert max(plan_runs(clip(PAN), MAX_RUN)) >= 3


def test_what_stands_still_has_the_longest_run() -> None:
    assert plan_runs(clip(STILL), MAX_RUN) == [MAX_RUN]


def test_what_jumps_has_none() -> None:
    assert plan_runs(clip(JUMPS), MAX_RUN) == [0] * (MAX_RUN + 1)


@pytest.mark.parametrize("size", [(1, 1), (16, 200), (95, 160), (160, 95)])
def test_small_pictures_have_none(size: tuple[int, int]) -> None:
    assert plan_runs(clip(STILL, size), MAX_RUN) == [0] * (MAX_RUN + 1)


@pytest.mark.parametrize("places", [PAN, STILL, JUMPS])
@pytest.mark.parametrize("following", range(1, MAX_RUN + 2))
def test_plan_is_of_all_frames_and_keeps_the_longest(
    places: list[tuple[int, int]], following: int
) -> None:
    frames = clip(places[: following + 1])
    for longest in range(MAX_RUN + 1):
        planned = plan_runs(frames, longest)
        assert sum(run + 1 for run in planned) == following
        assert 0 <= min(planned) <= max(planned) <= longest


def test_sides_need_not_be_multiples_of_anything() -> None:
    assert plan_runs(clip(STILL, (101, 131)), MAX_RUN) == [MAX_RUN]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("instruction_set", _native.instruction_sets())
def test_plan_is_the_same_everywhere(
    monkeypatch: pytest.MonkeyPatch, instruction_set: str, threads: int
) -> None:
    clips = [clip(places) for places in (PAN, STILL, JUMPS)]

    def found() -> list[object]:
        y = [[frame.planes[0] for frame in frames] for frames in clips]
        bits = [runs._bits(one, two, three) for each in y for one, two, three in [each[:3]]]
        return [*bits, *(plan_runs(frames, MAX_RUN) for frames in clips)]

    expected = found()
    search = partial(default_motion_tables().search, instruction_set=instruction_set)
    predict = partial(runs.predict_motion, instruction_set=instruction_set)
    monkeypatch.setattr(runs, "default_motion_tables", lambda: SimpleNamespace(search=search))
    monkeypatch.setattr(runs, "predict_motion", predict)
    with using_threads(threads):
        assert found() == expected
