"""The native decoder against the oracle: streams of the encoder, and streams of any symbols at all."""

import numpy as np
import pytest

from streamcodec import _native
from streamcodec.codec import pyramid

from .any_symbols import any_frames
from .oracle import Decoded, Oracle, between
from .pictures import HADAMARD, assert_planes_equal, models, picture, weights_of
from .transforms import basis, inverse

pytestmark = pytest.mark.slow

SIZES = [(16, 16), (33, 50), (70, 130)]


CHANNELS = [(), HADAMARD]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [0, 32, 63])
@pytest.mark.parametrize("hadamard", CHANNELS)
def test_decoders_agree(size: tuple[int, int], quality: int, hadamard: tuple[int, ...]) -> None:
    intra, inter = models(hadamard=hadamard)
    oracles = Oracle(weights_of("intra")), Oracle(weights_of("inter", hadamard=hadamard))
    reference: _native.Reference | None = None
    decoded: Decoded | None = None
    for time in range(3):
        if time == 0:
            oracle, (payload, reference) = oracles[0], intra.encode(picture(*size, 0), quality)
        else:
            oracle, wanted = oracles[1], time == 1 and hadamard != ()
            payload, reference = inter.encode(
                picture(*size, time), quality, reference, hadamard=wanted
            )
            assert payload[1] == 16 * wanted
        decoded = oracle.decode(payload, size, decoded)
        assert_planes_equal(reference.planes(), decoded.cropped(*size))


def test_decoders_agree_on_sets() -> None:
    """The encoder takes others than the first, and they change bits only."""
    size, named = (33, 50), 0
    usual, several = models(), models(3)
    oracles = Oracle(weights_of("intra", sets=3)), Oracle(weights_of("inter", sets=3))
    reference: _native.Reference | None = None
    decoded: Decoded | None = None
    for time in range(4):
        later = time > 0
        frame, quality = picture(*size, time, noise=8.0), 10 + 15 * time
        plain, same = usual[later].encode(frame, quality, reference)
        payload, reference = several[later].encode(frame, quality, reference)
        named |= payload[1]
        assert len(payload) <= len(plain)
        decoded = oracles[later].decode(payload, size, decoded)
        assert_planes_equal(reference.planes(), decoded.cropped(*size))
        assert_planes_equal(reference.planes(), same.planes())
    assert named


@pytest.mark.parametrize(
    ("size", "quality"), [((16, 16), 63), ((33, 50), 0), ((33, 50), 45), ((70, 130), 50)]
)
@pytest.mark.parametrize("hadamard", CHANNELS)
def test_decoders_agree_on_b_frames(
    size: tuple[int, int], quality: int, hadamard: tuple[int, ...]
) -> None:
    """A run of 3 between an I- and a P-frame, then one of 2 between two P-frames."""
    inter, oracle = models(hadamard=hadamard)[1], Oracle(weights_of("inter", hadamard=hadamard))
    payload, key = models()[0].encode(picture(*size, 0), quality)
    native, slow = {0: key}, {0: Oracle(weights_of("intra")).decode(payload, size)}

    def check(time: int, before: _native.Reference, slow_before: Decoded) -> None:
        wanted = hadamard != () and time % 3 != 0
        payload, native[time] = inter.encode(picture(*size, time), quality, before, hadamard=wanted)
        slow[time] = oracle.decode(payload, size, slow_before)
        assert_planes_equal(native[time].planes(), slow[time].cropped(*size))

    for first, last in ((0, 4), (4, 7)):
        check(last, native[first], slow[first])
        for place in pyramid(last - first - 1):
            past, future = first + place.past, first + place.future
            back, ahead = place.at - place.past, place.future - place.at
            spanned = place.spanned_by_future
            check(
                first + place.at,
                native[past].between(
                    native[future], back=back, ahead=ahead, spanned_by_future=spanned
                ),
                between(slow[past], slow[future], back, ahead, spanned_by_future=spanned),
            )


@pytest.mark.parametrize("instruction_set", _native.instruction_sets())
@pytest.mark.parametrize(
    ("quality", "sets"), [(0, (0, 0)), (20, (0b10_01_00_10, 0b01_10)), (63, (0, 0))]
)
@pytest.mark.parametrize("hadamard", CHANNELS)
def test_decoders_agree_on_any_symbols(
    instruction_set: str, quality: int, sets: tuple[int, int], hadamard: tuple[int, ...]
) -> None:
    size = (32, 48)
    reference: _native.Reference | None = None
    for number, (payload, expected) in enumerate(any_frames(quality, size, sets, hadamard)):
        model = models(3 if any(sets) else 1, hadamard)[min(number, 1)]
        reference = model.decode(
            payload, size, reference, threads=2, instruction_set=instruction_set
        )
        assert_planes_equal(reference.planes(), expected)


@pytest.mark.parametrize("side", [4, 8])
def test_basis_is_nearly_orthonormal(side: int) -> None:
    b = basis(side) / 2**13
    np.testing.assert_allclose(b @ b.T, np.eye(side), atol=1e-3)
    assert np.abs(basis(side)).sum(0).max() * 32768 < 2**31
    assert np.abs(inverse(np.full((side, side), 32767))).max() <= 8191
