"""The native context model against the slow oracle, and against itself in other circumstances."""

import numpy as np
import pytest

from streamcodec.entropy.coder import SymbolDecoder, SymbolEncoder, instruction_sets
from streamcodec.entropy.context import ContextData, Schedule

from .contexts import Latent, native_context, native_tables, oracle, random_context, random_latent

SCHEDULES: tuple[Schedule, ...] = ("raster", "checkerboard")
THREADS = (1, 2, 3)


def encode(data: ContextData, latent: Latent, **options: object) -> tuple[bytes, np.ndarray]:
    encoder = SymbolEncoder(native_tables())
    y_hat = native_context(data).encode(encoder, latent.values, latent.features, **options)  # type: ignore[arg-type]
    return encoder.finish(), y_hat


def decode(data: ContextData, latent: Latent, stream: bytes, **options: object) -> np.ndarray:
    decoder = SymbolDecoder(native_tables(), stream)
    y_hat = native_context(data).decode(decoder, latent.features, **options)  # type: ignore[arg-type]
    decoder.finish()
    return y_hat


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (8, 1), (3, 5), (5, 13)])
def test_all_sets_and_threads_do_what_the_oracle_does(
    schedule: Schedule, size: tuple[int, int]
) -> None:
    data = random_context(sum(size), schedule)
    latent = random_latent(3, data, *size)
    expected = oracle(data, latent)
    encoder = SymbolEncoder(native_tables())
    for position in expected.order:
        encoder.put(expected.symbols[position], expected.indexes[position])
    stream = encoder.finish()
    for instruction_set in instruction_sets():
        for threads in THREADS:
            options = {"threads": threads, "instruction_set": instruction_set}
            written, y_hat = encode(data, latent, **options)
            assert written == stream
            assert np.array_equal(y_hat, expected.y_hat)
            assert np.array_equal(decode(data, latent, stream, **options), expected.y_hat)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(
    ("channels", "features", "widths"),
    [
        (1, 1, (1,)),
        (2, 3, (17, 5)),
        (11, 40, (33, 16, 48)),
        (45, 300, (270, 31)),
        (22, 515, (64, 260)),
    ],
)
def test_any_widths(
    schedule: Schedule, channels: int, features: int, widths: tuple[int, ...]
) -> None:
    """Not multiples of the tile or of a chunk, and more than one chunk."""
    data = random_context(channels, schedule, channels, features, widths, shift=18)
    latent = random_latent(4, data, 2, 3)
    expected = oracle(data, latent)
    for instruction_set in instruction_sets():
        chosen = native_context(data).choose(
            native_tables(), latent.values, latent.features, instruction_set=instruction_set
        )
        for found, wanted in zip(
            chosen, (expected.y_hat, expected.symbols, expected.indexes), strict=True
        ):
            assert found.dtype == wanted.dtype
            assert np.array_equal(found, wanted)


@pytest.mark.parametrize("shift", [0, 3, 30])
def test_extreme_shifts_and_values(shift: int) -> None:
    """Outputs that all saturate, or all vanish; values at the ends of int32."""
    data = random_context(5, "raster", widths=(20, 6), shift=max(2, min(shift, 29)))
    for layer in data.layers:
        layer.shift[:] = shift
    latent = random_latent(5, data, 3, 4, spread=2.0**29)
    expected = oracle(data, latent)
    y_hat, symbols, _ = native_context(data).choose(native_tables(), latent.values, latent.features)
    assert np.array_equal(symbols, expected.symbols)
    assert np.array_equal(y_hat, expected.y_hat)
    assert np.abs(symbols).max() > 2**16


def test_halves_are_rounded_to_even() -> None:
    """Small weights and values: many of their sums lie halfway."""
    data = random_context(6, "raster", widths=(16, 16))
    rng = np.random.default_rng(6)
    for layer in data.layers:
        layer.weight[:] = rng.integers(-2, 3, layer.weight.shape)
        layer.shift[:] = rng.integers(0, 3, layer.shift.shape)
        layer.bias[:] = 0
    latent = random_latent(6, data, 4, 6)
    latent.features[:] = rng.integers(-5, 6, latent.features.shape)
    latent.features[0, 0] = 2**23 + 2 ** rng.integers(0, 12, latent.features.shape[2])
    assert np.array_equal(
        native_context(data).choose(native_tables(), latent.values, latent.features)[0],
        oracle(data, latent).y_hat,
    )


def test_many_positions_in_a_wave_make_no_difference() -> None:
    data = random_context(7, "checkerboard", channels=2, widths=(8,))
    latent = random_latent(7, data, 41, 53)
    stream, y_hat = encode(data, latent)
    for instruction_set in instruction_sets():
        assert encode(data, latent, threads=2, instruction_set=instruction_set)[0] == stream
        assert np.array_equal(
            decode(data, latent, stream, threads=5, instruction_set=instruction_set), y_hat
        )


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_share_the_waves_of_a_raster(threads: int) -> None:
    """Waves of up to 13 positions: each thread gets 4 or more, and smaller latents are coded by one thread."""
    data = random_context(9, "raster", channels=2, widths=(8,))
    latent = random_latent(9, data, 13, 40)
    stream, y_hat = encode(data, latent)
    assert np.array_equal(y_hat, oracle(data, latent).y_hat)
    for instruction_set in instruction_sets():
        assert encode(data, latent, threads=threads, instruction_set=instruction_set)[0] == stream
        assert np.array_equal(
            decode(data, latent, stream, threads=threads, instruction_set=instruction_set), y_hat
        )


def test_a_latent_goes_between_other_symbols() -> None:
    data = random_context(8, "raster")
    latent = random_latent(8, data, 4, 4)
    before, rows = np.array([0, 1, -1], np.int32), np.array([2, 3, 4], np.uint16)
    encoder = SymbolEncoder(native_tables())
    encoder.put(before, rows)
    y_hat = native_context(data).encode(encoder, latent.values, latent.features)
    encoder.put(before, rows)
    decoder = SymbolDecoder(native_tables(), encoder.finish())
    assert np.array_equal(decoder.get(rows), before)
    assert np.array_equal(native_context(data).decode(decoder, latent.features), y_hat)
    assert np.array_equal(decoder.get(rows), before)
    decoder.finish()
