"""B-frames, alone and in GOPs, by both kinds of models that code them."""

from dataclasses import replace

import numpy as np
import pytest

from streamcodec.codec import (
    Between,
    Codec,
    CodedFrame,
    decode_frame,
    decode_gop,
    encode_frame,
    is_b_frame,
)
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.types import Planes
from support.b_frames import SIZE, coded_gop

RUNS = (3, 0, 2)
TYPES = "IBBBPPBBP"


@pytest.fixture(scope="module", params=["native", "torch"])
def codec(request: pytest.FixtureRequest) -> Codec:
    found: Codec = request.getfixturevalue(f"{request.param}_codec")
    return found


@pytest.fixture(scope="module")
def gop(codec: Codec) -> list[CodedFrame]:
    return list(coded_gop(codec, RUNS))


@pytest.fixture(scope="module")
def payloads(gop: list[CodedFrame]) -> list[bytes]:
    return [frame.payload for frame in gop]


def assert_equal(found: Planes, expected: Planes) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_gop_decodes_to_what_was_coded(
    codec: Codec, gop: list[CodedFrame], payloads: list[bytes]
) -> None:
    decoded = decode_gop(codec, payloads, SIZE)
    assert_equal(
        decoded.planes,
        tuple(np.stack(plane) for plane in zip(*(f.planes for f in gop), strict=True)),
    )


@pytest.mark.parametrize("runs", [(7,), (1, 1), (6, 5, 4)])
def test_runs_of_any_length_decode(codec: Codec, runs: tuple[int, ...]) -> None:
    gop = list(coded_gop(codec, runs))
    decoded = decode_gop(codec, [frame.payload for frame in gop], SIZE)
    for number, frame in enumerate(gop):
        assert_equal(tuple(plane[number] for plane in decoded.planes), frame.planes)


def test_payload_says_what_it_is_and_its_quality(payloads: list[bytes]) -> None:
    assert [is_b_frame(payload) for payload in payloads] == [kind == "B" for kind in TYPES]
    qualities = {"I": 40, "P": 32, "B": 0x40 | 24}
    assert [payload[0] for payload in payloads] == [qualities[kind] for kind in TYPES]
    assert not is_b_frame(b"")


def test_payload_of_another_kind_of_frame_fails(
    codec: Codec, gop: list[CodedFrame], payloads: list[bytes]
) -> None:
    key, behind = gop[0].reference, gop[4].reference
    with pytest.raises(CorruptStreamError, match="is of a B-frame; accepted here: an I- or P-"):
        decode_frame(codec, payloads[1], key, SIZE)
    with pytest.raises(CorruptStreamError, match="is of a B-frame; accepted here: an I- or P-"):
        decode_frame(codec, payloads[1], None, SIZE)
    between = Between(key, behind, 2, 2, spanned_by_future=True)
    for payload in (payloads[0], payloads[4]):
        with pytest.raises(CorruptStreamError, match="accepted here: a B-frame"):
            decode_frame(codec, payload, between, SIZE)
    with pytest.raises(CorruptStreamError, match="has quality 128"):
        decode_frame(codec, b"\xc0" + payloads[2][1:], between, SIZE)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ("B", "the first frame of a GOP is a B-frame"),
        ("IB", "the last frame is a B-frame"),
        ("IPBB", "the last frame is a B-frame"),
        ("IBBBBBBBBP", "8 or more B-frames in a row; accepted: up to 7"),
        ("IBBBI", "."),
    ],
)
def test_gop_fails_whose_b_frames_lie_elsewhere(
    codec: Codec, payloads: list[bytes], kinds: str, message: str
) -> None:
    with pytest.raises(CorruptStreamError, match=message):
        decode_gop(codec, [payloads[TYPES.index(kind)] for kind in kinds], SIZE)


def test_gop_fails_where_a_b_frame_is_damaged(codec: Codec, payloads: list[bytes]) -> None:
    with pytest.raises(CorruptStreamError):
        decode_gop(codec, [payloads[0], payloads[1], payloads[2][:-3], *payloads[3:]], SIZE)


def test_distances_fail(gop: list[CodedFrame]) -> None:
    for back, ahead in ((0, 1), (1, 0), (9, 1), (1, 9)):
        with pytest.raises(UsageError, match=rf"{back} frames behind and {ahead} .* 1\.\.8"):
            Between(gop[0].reference, gop[4].reference, back, ahead, spanned_by_future=True)


def test_references_that_do_not_fit_fail(
    codec: Codec, gop: list[CodedFrame], zoo_codec: Codec
) -> None:
    key, behind = gop[0], gop[4]
    rgb = np.zeros((3, *SIZE), np.uint8)
    other = encode_frame(zoo_codec, (rgb,), None, 32)
    for past, future in ((behind, key), (key, key), (other, behind), (key, other)):
        between = Between(past.reference, future.reference, 1, 1, spanned_by_future=True)
        with pytest.raises(UsageError, match=r"lies between|reference is a"):
            encode_frame(codec, key.planes, between, 32)


def test_codecs_without_b_frames_refuse_them(
    codec: Codec, zoo_codec: Codec, gop: list[CodedFrame], payloads: list[bytes]
) -> None:
    assert codec.codes_b_frames
    for without in (zoo_codec, replace(codec, inter=None)):
        assert not without.codes_b_frames
        rgb = (np.zeros((3, *SIZE), np.uint8),)
        frame = rgb if without is zoo_codec else gop[0].planes
        past, future = (encode_frame(without, frame, None, 32).reference for _ in range(2))
        between = Between(past, future, 1, 1, spanned_by_future=True)
        with pytest.raises(UsageError, match="codes no B-frames"):
            encode_frame(without, frame, between, 32)
        with pytest.raises(CorruptStreamError, match=r"of a B-frame, which .* accepted: I-"):
            decode_frame(without, payloads[1], between, SIZE)
