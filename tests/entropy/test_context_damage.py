"""What is not accepted, and damaged streams: errors, never a crash or a hang."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from streamcodec.entropy.coder import ContextModel, SymbolDecoder, SymbolEncoder, Tables
from streamcodec.entropy.context import ContextData, ContextLayer
from streamcodec.errors import CorruptStreamError, TruncatedStreamError, UsageError

from .contexts import TABLES, Latent, native_context, native_tables, random_context, random_latent

DATA = random_context(1, "raster")
LATENT = random_latent(1, DATA, 4, 6)


def stream_of(data: ContextData, latent: Latent) -> bytes:
    encoder = SymbolEncoder(native_tables())
    native_context(data).encode(encoder, latent.values, latent.features)
    return encoder.finish()


def decode(data: bytes, **options: Any) -> np.ndarray:
    decoder = SymbolDecoder(native_tables(), data)
    y_hat = native_context(DATA).decode(decoder, LATENT.features, **options)
    decoder.finish()
    return y_hat


def test_a_stream_cut_anywhere_fails() -> None:
    stream = stream_of(DATA, LATENT)
    for size in range(0, len(stream), 3):
        with pytest.raises(CorruptStreamError):
            decode(stream[:size])
    with pytest.raises(TruncatedStreamError):
        decode(b"")
    with pytest.raises(CorruptStreamError, match="goes on after its last symbol"):
        decode(stream + b"ab")


def test_flipped_bits_are_errors_or_other_symbols() -> None:
    stream, refused = stream_of(DATA, LATENT), 0
    for bit in range(0, 8 * len(stream), 7):
        damaged = bytearray(stream)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            decode(bytes(damaged), threads=1 + bit % 2)
        except CorruptStreamError:
            refused += 1
    assert refused > len(stream) / 2


def test_other_features_than_the_encoders_fail() -> None:
    decoder = SymbolDecoder(native_tables(), stream_of(DATA, LATENT))
    with pytest.raises(CorruptStreamError):
        native_context(DATA).decode(decoder, LATENT.features // 2)
        decoder.finish()


def changed(layer: int, **fields: Any) -> ContextData:
    layers = list(DATA.layers)
    layers[layer] = replace(
        layers[layer],
        **{name: change(getattr(layers[layer], name)) for name, change in fields.items()},
    )
    return replace(DATA, layers=tuple(layers))


def with_first(value: int) -> Any:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array.flat[0] = value
        return array

    return change


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            changed(1, weight=lambda w: np.full_like(w, 32767)),
            r"the weights of layer 1 could overflow: those of output 0 pass a sum",
        ),
        (
            changed(1, weight=with_first(-32768)),
            r"layer 1 has a weight of -32768; accepted: -32767..32767",
        ),
        (changed(0, shift=with_first(31)), r"shift 0 of the convolution is 31; accepted: 0..30"),
        (changed(2, shift=with_first(-1)), r"shift 0 of layer 2 is -1; accepted: 0..30"),
        (
            changed(2, bias=with_first(2**24 + 1)),
            r"a bias of layer 2 is 16777217; accepted: within \+-16777216",
        ),
        (changed(1, slope=lambda _: 65537), r"the slope of layer 1 is 65537; accepted: 0..65536"),
        (
            changed(0, weight=lambda w: w[:-1]),
            r"the convolution has 245 weights and 7 shifts; accepted: weight \(36, 7\)",
        ),
        (changed(1, shift=lambda s: s[:1]), r"layer 1 has 108 weights and 9 shifts"),
        (
            changed(1, weight=lambda w: w[:6]),
            r"layer 1 has 6 inputs; accepted: features, 1 or more, and then the 7 outputs",
        ),
        (
            replace(DATA, taps=DATA.taps[:, ::-1].copy()),
            r"tap \d is \(\d, -2\); accepted: within \+-15, above or to the left",
        ),
        (
            replace(DATA, taps=DATA.taps[:0]),
            r"taps are 0 numbers; accepted: two for each of 1..960 taps",
        ),
        (
            replace(DATA, thresholds=DATA.thresholds[::-1].copy()),
            r"thresholds are 7 numbers that fall",
        ),
        (
            replace(DATA, schedule="spiral"),
            r"no schedule is called 'spiral'; accepted: raster, checkerboard",
        ),
        (
            replace(DATA, schedule="checkerboard"),
            r"tap 0 is \(-2, -2\); accepted: within \+-15, an odd number of steps away",
        ),
    ],
)
def test_numbers_that_are_not_accepted_fail(data: ContextData, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        native_context(data)


def test_arrays_of_other_kinds_fail() -> None:
    schedule, taps, weights, shifts, biases, slopes, thresholds = DATA.arguments()
    with pytest.raises(UsageError, match="weight of layer 0 is int32 with 2 axes"):
        ContextModel(
            schedule,
            taps,
            [weights[0].astype(np.int32), *weights[1:]],
            shifts,
            biases,
            slopes,
            thresholds,
        )
    with pytest.raises(UsageError, match="are of 3, 2, 3 and 3 layers"):
        ContextModel(schedule, taps, weights, shifts[1:], biases, slopes, thresholds)
    with pytest.raises(
        UsageError, match="weight and shift of layer 1 have 8 and 9 columns; accepted: 9"
    ):
        narrow = np.ascontiguousarray(weights[1][:, 1:])
        ContextModel(
            schedule, taps, [weights[0], narrow, weights[2]], shifts, biases, slopes, thresholds
        )
    with pytest.raises(UsageError, match="taps do not have 2 columns"):
        ContextModel(schedule, taps.reshape(-1, 4), weights, shifts, biases, slopes, thresholds)
    with pytest.raises(UsageError, match="a layer has int16"):
        ContextLayer(weights[0], shifts[0], biases[1], 0)
    with pytest.raises(UsageError, match="taps and thresholds are int64"):
        replace(DATA, taps=DATA.taps.astype(np.int64))
    with pytest.raises(UsageError, match="has 1 layers"):
        replace(DATA, layers=DATA.layers[:1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"values": LATENT.values[:, :-1].copy()},
            r"values are \(4, 5, 3\); accepted: \(4, 6, 3\) for these features",
        ),
        ({"values": LATENT.values.astype(np.int64)}, "values is int64"),
        ({"values": LATENT.values[:, ::2]}, "not contiguous"),
        ({"features": LATENT.features[..., :-1].copy()}, "features have 4 channels; accepted: 5"),
        ({"features": np.zeros((0, 6, 5), np.int32)}, "the latent has 0 x 6 positions"),
        (
            {"features": with_first(2**24 + 1)(LATENT.features)},
            r"a feature is 16777217; accepted: within \+-16777216",
        ),
        ({"threads": 0}, "threads is 0; accepted: 1..256"),
        ({"instruction_set": "mmx"}, "no instruction set is called 'mmx'"),
    ],
)
def test_latents_that_are_not_accepted_fail(change: dict[str, Any], message: str) -> None:
    arguments = {"values": LATENT.values, "features": LATENT.features} | change
    if arguments["features"].size == 0:
        arguments["values"] = np.zeros((0, 6, 3), np.int32)
    with pytest.raises(UsageError, match=message):
        native_context(DATA).encode(SymbolEncoder(native_tables()), **arguments)


def test_tables_that_are_too_few_fail() -> None:
    few = Tables(
        TABLES.quantized_cdf[:7].copy(), TABLES.cdf_length[:7].copy(), TABLES.offset[:7].copy()
    )
    with pytest.raises(UsageError, match="tables have 7 rows; accepted: at least 8"):
        native_context(DATA).encode(SymbolEncoder(few), LATENT.values, LATENT.features)
    with pytest.raises(UsageError, match="tables have 7 rows"):
        native_context(DATA).decode(SymbolDecoder(few, stream_of(DATA, LATENT)), LATENT.features)
