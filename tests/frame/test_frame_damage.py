"""Payloads that nobody coded, and arguments that do not fit: an error or a picture, never anything else."""

import numpy as np
import pytest

from streamcodec import _native
from streamcodec.errors import CorruptStreamError, TruncatedStreamError, UsageError

from .pictures import HADAMARD, models, picture

SIZE = (48, 64)


def coded() -> tuple[bytes, bytes, _native.Reference]:
    intra, inter = models()
    payload, reference = intra.encode(picture(*SIZE, 0), 40)
    return payload, inter.encode(picture(*SIZE, 1), 40, reference)[0], reference


def decodes(kind: int, payload: bytes, reference: _native.Reference) -> bool:
    intra, inter = models()
    try:
        decoded = inter.decode(payload, SIZE, reference) if kind else intra.decode(payload, SIZE)
    except CorruptStreamError:
        return False
    assert decoded.planes()[0].shape == SIZE
    return True


@pytest.mark.parametrize("kind", [0, 1])
def test_random_bytes(kind: int) -> None:
    reference = coded()[2]
    rng = np.random.default_rng(kind)
    for _ in range(300):
        body = rng.integers(0, 256, rng.integers(0, 400), np.uint8)
        decodes(kind, bytes([rng.integers(0, 64), 0]) + body.tobytes(), reference)


@pytest.mark.parametrize("kind", [0, 1])
def test_mutations(kind: int) -> None:
    *payloads, reference = coded()
    rng = np.random.default_rng(kind)
    unnoticed = 0
    for _ in range(300):
        damaged = bytearray(payloads[kind])
        for place in rng.integers(0, len(damaged), rng.integers(1, 4)):
            damaged[place] ^= 1 << rng.integers(0, 8)
        unnoticed += decodes(kind, bytes(damaged), reference) and bytes(damaged) != payloads[kind]
    assert unnoticed < 100


def test_damage_where_blocks_are_transformed_together() -> None:
    """Random bytes, and bytes changed: as above."""
    inter, reference = models(hadamard=HADAMARD)[1], coded()[2]
    payload, _ = inter.encode(picture(*SIZE, 1), 40, reference, hadamard=True)
    for flags in (1, 15, 17, 32, 255):
        with pytest.raises(CorruptStreamError, match=f"its head is 40, {flags}"):
            inter.decode(bytes([40, flags]) + payload[2:], SIZE, reference)
    with pytest.raises(CorruptStreamError, match="its head is 40, 16"):
        models()[1].decode(payload, SIZE, reference)
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(300):
        damaged = np.frombuffer(payload, np.uint8).copy()
        places = rng.integers(2, len(damaged), rng.integers(1, 40))
        damaged[places] = rng.integers(0, 256, len(places))
        try:
            decoded = inter.decode(damaged.tobytes(), SIZE, reference)
            assert decoded.planes()[0].shape == SIZE
        except CorruptStreamError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("kind", [0, 1])
def test_truncation(kind: int) -> None:
    *payloads, reference = coded()
    for length in range(0, len(payloads[kind]), 7):
        assert not decodes(kind, payloads[kind][:length], reference)
    with pytest.raises(TruncatedStreamError):
        models()[kind].decode(b"\x01", SIZE, reference if kind else None)
    assert not decodes(kind, payloads[kind] + b"\x00\x00", reference)


@pytest.mark.parametrize("head", [b"\x40\x00", b"\x00\x01", b"\xff\xff"])
def test_head_fails(head: bytes) -> None:
    payload, _, _ = coded()
    with pytest.raises(CorruptStreamError, match="head"):
        models()[0].decode(head + payload[2:], SIZE)


@pytest.mark.parametrize(
    ("kind", "sets"), [(0, 0b11000000), (0, 0b11), (1, 0b11), (1, 0b1100), (1, 0b10000), (1, 0xFF)]
)
def test_sets_that_are_not_there_fail(kind: int, sets: int) -> None:
    """Of weights with three: set 3 of a step, and the steps 2 and 3 of a P-frame."""
    several = models(3)
    payload, reference = several[0].encode(picture(*SIZE, 0), 40)
    before = None
    if kind:
        payload, before = several[1].encode(picture(*SIZE, 1), 40, reference)[0], reference
    with pytest.raises(CorruptStreamError, match=f"head is 40, {sets}"):
        several[kind].decode(bytes([40, sets]) + payload[2:], SIZE, before)


def test_other_size_fails() -> None:
    payload, payload_p, reference = coded()
    intra, inter = models()
    with pytest.raises(CorruptStreamError):
        intra.decode(payload, (480, 640))
    with pytest.raises(UsageError, match="reference has 48x64"):
        inter.decode(payload_p, (48, 80), reference)


@pytest.mark.parametrize("size", [(0, 16), (16, 0), (16385, 16), (-1, 16)])
def test_size_fails(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="pixels; accepted"):
        models()[0].decode(b"\x00\x00", size)


def test_arguments_fail() -> None:
    payload, payload_p, reference = coded()
    intra, inter = models()
    frame = picture(*SIZE, 1)
    for quality in (-1, 64):
        with pytest.raises(UsageError, match="quality"):
            intra.encode(frame, quality)
        with pytest.raises(UsageError, match="quality"):
            inter.encode(frame, quality, reference)
    with pytest.raises(UsageError, match="reference is missing"):
        inter.encode(frame, 1)
    with pytest.raises(UsageError, match="reference is missing"):
        inter.decode(payload_p, SIZE)
    with pytest.raises(UsageError, match="there is a reference"):
        intra.decode(payload, SIZE, reference)
    with pytest.raises(UsageError, match="threads"):
        intra.encode(frame, 1, threads=0)
    with pytest.raises(UsageError, match="preset"):
        inter.encode(frame, 1, reference, preset="best")
    with pytest.raises(UsageError, match="instruction set"):
        intra.decode(payload, SIZE, instruction_set="mmx")
    with pytest.raises(UsageError, match="reference has"):
        inter.encode(picture(32, 64, 1), 1, reference)


def test_planes_fail() -> None:
    intra, _ = models()
    y, u, v = picture(*SIZE, 0)
    with pytest.raises(UsageError, match="planes are 2"):
        intra.encode((y, u), 1)
    with pytest.raises(UsageError, match="do not fit"):
        intra.encode((y, u[1:], v), 1)
    with pytest.raises(UsageError, match="contiguous"):
        intra.encode((y[:, ::2], u, v), 1)
    with pytest.raises(UsageError, match="float64"):
        intra.encode((y.astype(float), u, v), 1)
