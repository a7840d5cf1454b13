"""Motion fields as symbols: round trips, the oracle's reading, damage."""

import numpy as np
import pytest

from streamcodec._native import (
    MotionField,
    MotionTables,
    SymbolDecoder,
    SymbolEncoder,
    Tables,
    motion_alphabets,
)
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.motion import bootstrap_tables, tables_from_counts

from .oracle import Reader
from .samples import motion_tables, random_field, same_fields

TABLES, MOTION = motion_tables()


def chain_of_fields(seed: int) -> list[tuple[MotionField, MotionField | None, bool]]:
    """Fields of three frames after one another: (field, the one before, whether there is a key frame)."""
    first = random_field(5, 6, modes=1, seed=seed).derived()
    second = random_field(5, 6, seed=seed + 1).derived(previous=first, has_key=True)
    near = MotionField(second.modes, second.filters, second.previous, second.key)
    third = near.derived(previous=second, has_key=True)
    return [(first, None, False), (second, first, True), (third, second, True)]


def written(field: MotionField, previous: MotionField | None, has_key: bool, quality: int) -> bytes:
    encoder = SymbolEncoder(TABLES)
    MOTION.write(encoder, field, previous=previous, has_key=has_key, quality=quality)
    return encoder.finish()


@pytest.mark.parametrize("quality", [0, 20, 63])
@pytest.mark.parametrize("seed", range(4))
def test_round_trip(seed: int, quality: int) -> None:
    for field, previous, has_key in chain_of_fields(seed):
        data = written(field, previous, has_key, quality)
        decoder = SymbolDecoder(TABLES, data)
        again = MOTION.read(decoder, 5, 6, previous=previous, has_key=has_key, quality=quality)
        decoder.finish()
        assert same_fields(again, field)
        bits = MOTION.bits(field, previous=previous, has_key=has_key, quality=quality)
        assert abs(8 * len(data) - bits) < 40 + 0.01 * bits


@pytest.mark.parametrize("seed", range(4))
def test_the_oracle_reads_the_same(seed: int) -> None:
    for field, previous, has_key in chain_of_fields(seed):
        decoder = SymbolDecoder(TABLES, written(field, previous, has_key, 40))
        reader = Reader(
            lambda row, d=decoder: int(d.get(np.array([row], np.uint16))[0]),
            5,
            6,
            previous,
            has_key,
            40,
        )  # type: ignore[misc]
        decoder.finish()
        assert np.array_equal(reader.modes, field.modes)
        assert np.array_equal(reader.filters, field.filters)
        assert np.array_equal(reader.vectors[0], field.previous)
        assert np.array_equal(reader.vectors[1], field.key)


def test_a_uniform_field_costs_next_to_nothing() -> None:
    vectors = np.full((60, 60, 2), (3, -9), np.int16)
    zero = np.zeros((30, 30), np.uint8)
    field = MotionField(zero, zero, vectors, vectors).derived()
    still = MotionField(zero, zero, 0 * vectors, 0 * vectors)
    assert MOTION.bits(field, quality=24) < 30 + 0.05 * 900
    assert MOTION.bits(field, previous=field, quality=24) < 30 + 0.05 * 900
    assert MOTION.bits(still, previous=still, quality=24) < 0.05 * 900


def test_random_bytes_are_damage_or_a_legal_field() -> None:
    rng = np.random.default_rng(0)
    (_, _, _), (field, previous, _), _ = chain_of_fields(0)
    data = written(field, previous, True, 32)
    legal = 0
    for trial in range(400):
        if trial % 2:
            damaged = bytearray(data)
            for place in rng.integers(0, len(data), 3):
                damaged[place] ^= 1 << int(rng.integers(8))
        else:
            damaged = bytearray(rng.bytes(200))
            damaged[0] = 0
        try:
            read = MOTION.read(
                SymbolDecoder(TABLES, bytes(damaged)),
                5,
                6,
                previous=previous,
                has_key=True,
                quality=32,
            )
        except CorruptStreamError:
            continue
        legal += 1
        MotionField(read.modes, read.filters, read.previous, read.key)
    assert 0 < legal < 400


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"quality": 64}, "quality is 64"),
        ({"previous": random_field(2, 2)}, "2x2 macroblocks"),
        ({"has_key": False}, "the context has none"),
    ],
)
def test_writing_fails_in_another_context(setting: dict, message: str) -> None:
    field = random_field(3, 3)
    with pytest.raises(UsageError, match=message):
        MOTION.bits(field.derived(has_key=True), **{"has_key": True, **setting})


def test_mode_2_fails_with_several_key_vectors() -> None:
    two, vectors = np.full((1, 1), 2, np.uint8), np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    with pytest.raises(UsageError, match="different key vectors"):
        MotionField(two, 0 * two, vectors, vectors).derived(has_key=True)


@pytest.mark.parametrize("size", [(0, 4), (4, 5000)])
def test_reading_fails_for_other_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=r"accepted: 1\.\.4096"):
        MOTION.read(SymbolDecoder(TABLES, b""), *size)


def test_counts_make_tables_that_suit() -> None:
    fields = [item for seed in range(6) for item in chain_of_fields(seed)]
    guess = bootstrap_tables()
    counts = sum(
        field.counts(previous=previous, has_key=key, quality=50) for field, previous, key in fields
    )
    fitted = tables_from_counts(np.asarray(counts))
    assert fitted.rows == guess.rows == len(motion_alphabets())

    def cost(data) -> float:
        motion = MotionTables(Tables(data.quantized_cdf, data.cdf_length, data.offset))
        return sum(
            motion.bits(field, previous=previous, has_key=key, quality=50)
            for field, previous, key in fields
        )

    assert cost(fitted) < 0.9 * cost(guess)


def test_tables_fail_without_their_rows() -> None:
    with pytest.raises(UsageError, match="rows of motion from row 1"):
        MotionTables(TABLES, 1)
    with pytest.raises(UsageError, match="counts are"):
        tables_from_counts(np.zeros((3, 130), np.int64))
