"""Streams of any symbols at all, and what the oracle decodes of them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from streamcodec import _native
from streamcodec.codec.dct_weights import DctWeights

from .oracle import Oracle
from .pictures import weights_of
from .transforms import Planes


def any_frames(
    quality: int,
    size: tuple[int, int],
    sets: tuple[int, int] = (0, 0),
    hadamard: tuple[int, ...] = (),
) -> Iterator[tuple[bytes, Planes]]:
    """An I-frame and three P-frames of the small models: payload, and planes of `size`, which needs no padding.

    `sets`: of the I-frame and of the P-frames, as byte 1 has them; by models that have three if they are not 0.
    With `hadamard` the first and the last P-frame are transformed.
    """
    known = 3 if any(sets) else 1
    weights = weights_of("intra", sets=known)
    stream = AnySymbols(weights, quality)
    decoded = Oracle(weights).intra(quality, size, stream.get, sets[0])
    yield stream.payload(quality, sets[0]), decoded.planes

    weights = weights_of("inter", sets=known, hadamard=hadamard)
    tables = _native.MotionTables(native_tables(weights), 64)
    for seed in range(3):
        stream, has_key = AnySymbols(weights, seed), seed > 0
        field = any_field(seed, *size, has_key=has_key).derived(
            previous=decoded.field, has_key=has_key, quality=quality
        )
        tables.write(
            stream.encoder, field, previous=decoded.field, has_key=has_key, quality=quality
        )
        flags = sets[1] + (16 if hadamard and seed != 1 else 0)
        decoded = Oracle(weights).inter(quality, decoded, field, stream.get, flags)
        yield stream.payload(quality, flags), decoded.planes


def native_tables(weights: DctWeights) -> _native.Tables:
    tables = weights.tables
    return _native.Tables(tables.quantized_cdf, tables.cdf_length, tables.offset)


class AnySymbols:
    """Symbols of all sizes, and the stream that codes them."""

    def __init__(self, weights: DctWeights, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._certain = weights.tables.certain
        self._z = range(64, weights.tables.rows - 64 * (weights.sets - 1))
        self.encoder = _native.SymbolEncoder(native_tables(weights))

    def get(self, rows: NDArray[np.uint16], _: NDArray[np.uint16]) -> NDArray[np.int32]:
        limit = 2.0 ** self._rng.uniform(0, 11, len(rows))
        symbols = np.round(self._rng.uniform(-1, 1, len(rows)) * np.minimum(limit, 2047)).astype(
            np.int32
        )
        of_z = (rows >= self._z.start) & (rows < self._z.stop)
        symbols[of_z] = symbols[of_z].clip(-127, 127)
        symbols[self._certain[rows]] = 0
        self.encoder.put(symbols, rows)
        return symbols

    def payload(self, quality: int, flags: int = 0) -> bytes:
        return bytes([quality, flags]) + self.encoder.finish()


def any_field(seed: int, height: int, width: int, *, has_key: bool) -> _native.MotionField:
    rng = np.random.default_rng(seed)
    rows, columns = height // 16, width // 16
    modes = rng.integers(0, 3 if has_key else 1, (rows, columns)).astype(np.uint8)
    filters = rng.integers(0, 3, (rows, columns)).astype(np.uint8)
    previous = rng.integers(-200, 201, (2 * rows, 2 * columns, 2)).astype(np.int16)
    key = rng.integers(-200, 201, (rows, columns, 2)).astype(np.int16).repeat(2, 0).repeat(2, 1)
    return _native.MotionField(modes, filters, previous, key)
