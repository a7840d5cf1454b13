"""The same bytes and pictures by every instruction set and any number of threads."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from streamcodec import _native

from .pictures import HADAMARD, assert_planes_equal, models, picture
from .transforms import Planes

SIZE = (50, 70)
VARIANTS = [(name, threads) for name in _native.instruction_sets() for threads in (1, 2, 5)]


def code(
    frames: list[Planes],
    *,
    instruction_set: str | None = None,
    threads: int = 1,
    preset: str = "medium",
    hadamard: tuple[int, ...] = (),
) -> tuple[list[bytes], list[Planes]]:
    intra, inter = models(hadamard=hadamard)
    payloads, planes = [], []
    reference: _native.Reference | None = None
    for number, frame in enumerate(frames):
        model = inter if number else intra
        choice: dict[str, Any] = {"hadamard": True} if number and hadamard else {}
        payload, reference = model.encode(
            frame,
            40,
            reference,
            threads=threads,
            instruction_set=instruction_set,
            preset=preset,
            **choice,
        )
        payloads.append(payload)
        planes.append(reference.planes())
    return payloads, planes


def decode(
    payloads: list[bytes],
    *,
    instruction_set: str | None = None,
    threads: int = 1,
    hadamard: tuple[int, ...] = (),
) -> list[Planes]:
    intra, inter = models(hadamard=hadamard)
    planes = []
    reference: _native.Reference | None = None
    for number, payload in enumerate(payloads):
        model = inter if number else intra
        reference = model.decode(
            payload, SIZE, reference, threads=threads, instruction_set=instruction_set
        )
        planes.append(reference.planes())
    return planes


@pytest.fixture(scope="module")
def coded() -> tuple[list[bytes], list[Planes]]:
    return code([picture(*SIZE, time) for time in range(6)])


@pytest.mark.parametrize(("instruction_set", "threads"), VARIANTS)
def test_encoders_agree(
    coded: tuple[list[bytes], list[Planes]], instruction_set: str, threads: int
) -> None:
    payloads, planes = code(
        [picture(*SIZE, time) for time in range(6)],
        instruction_set=instruction_set,
        threads=threads,
    )
    assert payloads == coded[0]
    for found, expected in zip(planes, coded[1], strict=True):
        assert_planes_equal(found, expected)


@pytest.mark.parametrize(("instruction_set", "threads"), VARIANTS)
def test_decoders_agree(
    coded: tuple[list[bytes], list[Planes]], instruction_set: str, threads: int
) -> None:
    for found, expected in zip(
        decode(coded[0], instruction_set=instruction_set, threads=threads), coded[1], strict=True
    ):
        assert_planes_equal(found, expected)


@pytest.mark.parametrize("preset", ["fast", "slow"])
def test_presets_agree(preset: str) -> None:
    frames = [picture(*SIZE, time, noise=12) for time in range(4)]
    first, *others = (
        code(frames, instruction_set=name, threads=threads, preset=preset)
        for name, threads in VARIANTS
    )
    for payloads, _ in others:
        assert payloads == first[0]
    for found, expected in zip(decode(first[0]), first[1], strict=True):
        assert_planes_equal(found, expected)


@pytest.mark.parametrize("preset", ["medium", "slow"])
def test_transforms_across_macroblocks_agree(preset: str) -> None:
    frames = [picture(*SIZE, time, noise=12) for time in range(3)]
    first, *others = (
        code(frames, instruction_set=name, threads=threads, preset=preset, hadamard=HADAMARD)
        for name, threads in VARIANTS
    )
    for payloads, _ in others:
        assert payloads == first[0]
    for name, threads in VARIANTS:
        decoded = decode(first[0], instruction_set=name, threads=threads, hadamard=HADAMARD)
        for found, expected in zip(decoded, first[1], strict=True):
            assert_planes_equal(found, expected)


@pytest.mark.slow
def test_agree_300_frames_deep() -> None:
    payloads, planes = code([picture(*SIZE, time) for time in range(301)], threads=2)
    for name in _native.instruction_sets():
        for found, expected in zip(decode(payloads, instruction_set=name), planes, strict=True):
            assert_planes_equal(found, expected)


def test_threads_share_a_model(coded: tuple[list[bytes], list[Planes]]) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(lambda threads: decode(coded[0], threads=threads), [1, 2, 1, 2, 3, 1, 1, 2])
        )
    for planes in results:
        for found, expected in zip(planes, coded[1], strict=True):
            assert_planes_equal(found, expected)


def test_sizes_alternate() -> None:
    """A model works on one size after another with what the last one left."""
    intra, inter = models()
    fresh: dict[tuple[int, int], tuple[bytes, bytes]] = {}
    for height, width in [(16, 16), (64, 32), (16, 16), (20, 300), (64, 32)]:
        payload, reference = intra.encode(picture(height, width, 0), 30)
        payload_p, reference_p = inter.encode(picture(height, width, 1), 30, reference)
        assert reference.key
        assert not reference_p.key
        assert reference_p.size == (height, width)
        assert fresh.setdefault((height, width), (payload, payload_p)) == (payload, payload_p)


def test_references_stay_as_they_are() -> None:
    intra, inter = models()
    _, first = intra.encode(picture(*SIZE, 0), 50)
    planes = [plane.copy() for plane in first.planes()]
    reference = first
    for time in range(1, 12):
        _, reference = inter.encode(picture(*SIZE, time), 50, reference)
    np.testing.assert_array_equal(first.planes()[0], planes[0])
    again = inter.encode(picture(*SIZE, 1), 50, first)[0]
    assert again == inter.encode(picture(*SIZE, 1), 50, first)[0]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (17, 1), (15, 16)])
def test_small_frames(size: tuple[int, int]) -> None:
    intra, inter = models()
    payload, reference = intra.encode(picture(*size, 0), 63)
    decoded = intra.decode(payload, size)
    payload, reference = inter.encode(picture(*size, 1), 63, reference)
    assert_planes_equal(inter.decode(payload, size, decoded).planes(), reference.planes())
    assert [plane.shape for plane in reference.planes()] == [
        size,
        *[tuple((side + 1) // 2 for side in size)] * 2,
    ]
