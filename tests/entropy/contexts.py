"""Context models to test with, and a slow oracle: native/src/context/context.hpp in Python's integers, one position after another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamcodec.entropy.coder import ContextModel, Tables
from streamcodec.entropy.context import (
    CHUNK_INPUTS,
    MAX_CHUNK_WEIGHT,
    ContextData,
    ContextLayer,
    Schedule,
)
from streamcodec.entropy.tables import CERTAIN, Table, TableData, stack_tables

LIMIT = 2**24
TAPS = {
    "raster": [(i, j) for i in range(-2, 1) for j in range(-2, 3) if (i, j) < (0, 0)],
    "checkerboard": [(i, j) for i in range(-2, 3) for j in range(-2, 3) if (i + j) % 2],
}
TABLES = stack_tables(
    [
        CERTAIN,
        Table(np.array([0, 16384], np.int32), 1),
        Table(np.array([0, 100, 16000, 16300, 16384], np.int32), -1),
        *(
            Table(np.array([0, *range(2000 - 20 * k, 15001, 500), 16384], np.int32), k - 14)
            for k in range(5)
        ),
    ]
)


def native_tables(data: TableData = TABLES) -> Tables:
    return Tables(data.quantized_cdf, data.cdf_length, data.offset)


def random_context(
    seed: int,
    schedule: Schedule,
    channels: int = 3,
    features: int = 5,
    widths: tuple[int, ...] = (7, 9),
    shift: int = 16,
) -> ContextData:
    """Weights as large as they may be, in units that make the outputs neither vanish nor saturate.

    widths: outputs of the layers but the last.
    """
    rng = np.random.default_rng(seed)
    blocks = [
        [len(TAPS[schedule]) * channels],
        [features, widths[0]],
        *([width] for width in widths[1:]),
    ]
    outputs = [*widths, 2 * channels]
    layers = [
        _layer(
            rng,
            inputs,
            count,
            65536 if k in (0, len(outputs) - 1) else int(rng.integers(0, 65537)),
            shift,
        )
        for k, (inputs, count) in enumerate(zip(blocks, outputs, strict=True))
    ]
    thresholds = np.sort(rng.integers(-3 * 4096, 6 * 4096, TABLES.rows - 1)).astype(np.int32)
    return ContextData(schedule, np.array(TAPS[schedule], np.int32), tuple(layers), thresholds)


def _layer(
    rng: np.random.Generator, blocks: list[int], outputs: int, slope: int, shift: int
) -> ContextLayer:
    weights = []
    for inputs in blocks:
        weight = rng.normal(size=(inputs, outputs))
        for first in range(0, inputs, CHUNK_INPUTS):
            chunk = weight[first : first + CHUNK_INPUTS]
            chunk *= np.minimum(
                (MAX_CHUNK_WEIGHT - CHUNK_INPUTS) / np.abs(chunk).sum(0),
                32767 / np.abs(chunk).max(0),
            )
        weights.append(weight.round().astype(np.int16))
    shifts = rng.integers(shift - 2, shift + 2, (len(blocks), outputs)).astype(np.int32)
    return ContextLayer(
        np.concatenate(weights), shifts, rng.integers(-8000, 8001, outputs).astype(np.int32), slope
    )


@dataclass(frozen=True)
class Latent:
    """values int32 (h, w, M) and features int32 (h, w, F), Q12."""

    values: NDArray[np.int32]
    features: NDArray[np.int32]


def random_latent(
    seed: int, data: ContextData, height: int, width: int, spread: float = 3 * 4096
) -> Latent:
    rng = np.random.default_rng(seed)
    values = (
        (rng.standard_t(2, (height, width, data.channels)) * spread)
        .round()
        .clip(-(2**31), 2**31 - 1)
    )
    features = (
        (rng.standard_t(1, (height, width, data.features)) * 4096).round().clip(-LIMIT, LIMIT)
    )
    return Latent(values.astype(np.int32), features.astype(np.int32))


def native_context(data: ContextData) -> ContextModel:
    return ContextModel(*data.arguments())


@dataclass(frozen=True)
class Expected:
    """y_hat, symbols, indexes (h, w, M); `order`: positions as they are coded."""

    y_hat: NDArray[np.int32]
    symbols: NDArray[np.int32]
    indexes: NDArray[np.uint16]
    order: list[tuple[int, int]]


def oracle(data: ContextData, latent: Latent, tables: TableData = TABLES) -> Expected:
    height, width, channels = latent.values.shape
    y_hat, symbols, indexes = ({} for _ in range(3))
    order = _order(data, height, width)
    for i, j in order:
        taps = [y_hat.get((i + a, j + b), [0] * channels) for a, b in data.taps.tolist()]
        patch = [_limited(_round(y, 6), 32767) for tap in taps for y in tap]
        convolution, first, *others = data.layers
        context = _run(convolution, [(patch, 6)])
        if data.schedule == "checkerboard" and (i + j) % 2 == 0:
            context = [0] * len(context)
        x = _run(first, [_normalised(latent.features[i, j].tolist()), _normalised(context)])
        for layer in others:
            x = _run(layer, [_normalised(x)])
        rows = [
            sum(threshold <= scale for threshold in data.thresholds.tolist())
            for scale in x[:channels]
        ]
        values, means = latent.values[i, j].tolist(), x[channels:]
        chosen = [
            _symbol(y, mean, tables.table(row))
            for y, mean, row in zip(values, means, rows, strict=True)
        ]
        y_hat[i, j] = [symbol * 4096 + mean for symbol, mean in zip(chosen, means, strict=True)]
        symbols[i, j], indexes[i, j] = chosen, rows
    arrays = (
        np.array([[found[i, j] for j in range(width)] for i in range(height)])
        for found in (y_hat, symbols, indexes)
    )
    y, s, r = arrays
    return Expected(y.astype(np.int32), s.astype(np.int32), r.astype(np.uint16), order)


def _order(data: ContextData, height: int, width: int) -> list[tuple[int, int]]:
    positions = [(i, j) for i in range(height) for j in range(width)]
    if data.schedule == "checkerboard":
        return sorted(positions, key=lambda p: (sum(p) % 2, p))
    delay = int(np.abs(data.taps).max()) + 1
    return sorted(positions, key=lambda p: (p[1] + delay * p[0], p))


def _run(layer: ContextLayer, blocks: list[tuple[list[int], int]]) -> list[int]:
    """`blocks`: inputs and the bits after their point."""
    out = []
    for r, bias in enumerate(layer.bias.tolist()):
        total, first = bias, 0
        for block, (inputs, fraction) in enumerate(blocks):
            column = layer.weight[first : first + len(inputs), r].tolist()
            total += _round(
                sum(w * a for w, a in zip(column, inputs, strict=True)),
                int(layer.shift[block, r]) + fraction - 12,
            )
            first += len(inputs)
        value = _limited(total, LIMIT)
        out.append(value if value >= 0 else _round(value * layer.slope, 16))
    return out


def _normalised(x: list[int]) -> tuple[list[int], int]:
    shift = max(0, max(abs(v) for v in x).bit_length() - 15)
    return [_limited(_round(v, shift), 32767) for v in x], 12 - shift


def _symbol(y: int, mean: int, table: Table) -> int:
    return table.offset if table.is_certain else _limited((y - mean + 2048) // 4096, 2**18)


def _limited(x: int, limit: int) -> int:
    return max(-limit, min(limit, x))


def _round(x: int, shift: int) -> int:
    """x * 2^-shift, rounded half to even."""
    if shift <= 0:
        return x << -shift
    down, rest, half = x >> shift, x & ((1 << shift) - 1), 1 << (shift - 1)
    return down + (rest > half or (rest == half and down % 2 == 1))
