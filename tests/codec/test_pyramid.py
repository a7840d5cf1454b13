"""Which frame of a run is coded from which."""

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from streamcodec.codec import (
    Between,
    Codec,
    CodedFrame,
    Reference,
    decode_frame,
    decode_run,
    pyramid,
)
from streamcodec.types import MAX_RUN, Planes
from support.b_frames import SIZE, coded_gop


@pytest.mark.parametrize("count", range(MAX_RUN + 1))
def test_pyramid_has_every_frame_once_and_what_it_needs_before_it(count: int) -> None:
    places = {place.at: place for place in pyramid(count)}
    assert len(pyramid(count)) == count
    assert sorted(places) == list(range(1, count + 1))
    levels = {0: 0, count + 1: 0}
    for place in pyramid(count):
        assert place.past < place.at < place.future
        assert 0 <= (place.future - place.at) - (place.at - place.past) <= 1
        assert place.level == 1 + max(levels[place.past], levels[place.future])
        levels[place.at] = place.level


@pytest.mark.parametrize("count", range(1, MAX_RUN + 1))
def test_one_of_the_references_was_coded_from_the_other(count: int) -> None:
    """The anchor behind a run is coded from the one before it."""
    pasts = {count + 1: 0} | {place.at: place.past for place in pyramid(count)}
    futures = {place.at: place.future for place in pyramid(count)}
    for place in pyramid(count):
        assert place.spanned_by_future == (pasts[place.future] == place.past)
        assert place.spanned_by_future or futures[place.past] == place.future


@pytest.mark.parametrize(
    ("count", "order"),
    [(0, []), (1, [1]), (2, [1, 2]), (4, [2, 1, 3, 4]), (7, [4, 2, 1, 3, 6, 5, 7])],
)
def test_middle_is_first(count: int, order: list[int]) -> None:
    assert [place.at for place in pyramid(count)] == order


@pytest.fixture(scope="module")
def gop(native_codec: Codec) -> list[CodedFrame]:
    """An I-frame, 7 B-frames, and a P-frame."""
    return list(coded_gop(native_codec, [7]))


def decoded_run(
    codec: Codec, gop: list[CodedFrame], places: list[int], start: int = 0
) -> Iterator[Reference]:
    """The B-frames; notes in `places` what was decoded."""

    def decode(at: int, between: Between) -> Reference:
        places.append(at)
        return decode_frame(codec, gop[at].payload, between, SIZE)

    return decode_run(len(gop) - 2, gop[0].reference, gop[-1].reference, decode, start=start)


@pytest.mark.parametrize(
    ("start", "needed"),
    [
        (0, {1, 2, 3, 4, 5, 6, 7}),
        (1, {2, 3, 4, 5, 6, 7}),
        (2, {2, 3, 4, 5, 6, 7}),
        (3, {4, 5, 6, 7}),
        (4, {4, 5, 6, 7}),
        (5, {4, 6, 7}),
        (6, {4, 6, 7}),
        (7, set()),
    ],
)
def test_frames_before_the_first_are_decoded_where_they_are_needed(
    native_codec: Codec, gop: list[CodedFrame], start: int, needed: set[int]
) -> None:
    places: list[int] = []
    shown = decoded_run(native_codec, gop, places, start)
    for reference, frame in zip(shown, gop[start + 1 : -1], strict=True):
        for found, expected in zip(reference.planes(), frame.planes, strict=True):
            np.testing.assert_array_equal(found, expected)
    assert sorted(places) == sorted(needed)


def test_no_frame_is_decoded_before_it_is_asked_for(
    native_codec: Codec, gop: list[CodedFrame]
) -> None:
    places: list[int] = []
    counts = [len(places) for _ in decoded_run(native_codec, gop, places)]
    assert counts == [3, 3, 4, 4, 6, 6, 7]


def test_run_keeps_only_what_is_still_needed() -> None:
    """Decoded frames are large: none may wait for the garbage collector."""

    class Picture:
        def planes(self) -> Planes:
            return ()

    alive: weakref.WeakSet[Picture] = weakref.WeakSet()

    def decode(at: int, two: Between) -> Picture:
        picture = Picture()
        alive.add(picture)
        return picture

    gc.disable()
    try:
        counts = [len(alive) for _ in decode_run(MAX_RUN, Picture(), Picture(), decode)]
        assert not alive
    finally:
        gc.enable()
    assert max(counts) <= 4
