"""The frame codec's decoder from its specification (native/src/frame/frame.hpp), in plain numpy: slow and obvious.

The entropy coder and motion have oracles of their own; here the native ones are used.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamcodec import _native
from streamcodec.codec.dct_grids import on_grids
from streamcodec.codec.dct_weights import DctWeights
from streamcodec.engine import Network
from streamcodec.engine.reference import run_stage

from .transforms import Ints, Planes, mixed, pack4, transform, unpack4, untransform, wide

Get = Callable[[NDArray[np.uint16], NDArray[np.uint16]], NDArray[np.int32]]
"""Rows of symbols, in the order of the stream, and the rows before they were moved -> the symbols."""

STEPS = {
    "inter": (((0, 0), (1, 1)), ((0, 1), (1, 0))),
    "intra": (((0, 0),), ((1, 1),), ((0, 1),), ((1, 0),)),
}


@dataclass
class Decoded:
    """Padded planes; of a P- or B-frame the magnitudes of its symbols (h8, w8, 96), its motion, and the
    row sums that its steps left. `future`: of what a B-frame is decoded with (between())."""

    planes: Planes
    key: "Decoded | None" = None
    magnitudes: Ints | None = None
    field: _native.MotionField | None = None
    row_sums: tuple[Ints, Ints] | None = None
    future: "Decoded | None" = None

    def cropped(self, height: int, width: int) -> Planes:
        half = ((height + 1) // 2, (width + 1) // 2)
        y, u, v = self.planes
        return y[:height, :width], u[: half[0], : half[1]], v[: half[0], : half[1]]


def between(
    past: Decoded, future: Decoded, back: int, ahead: int, *, spanned_by_future: bool
) -> Decoded:
    """What a B-frame is decoded with, in place of the frame before."""
    known, n = future.field if spanned_by_future else past.field, back + ahead
    assert known is not None
    u = (known.previous if spanned_by_future else -known.key).astype(np.int64)
    field = _native.MotionField(
        np.full_like(known.modes, 2),
        np.zeros_like(known.filters),
        np.floor((2 * u * back + n) / (2 * n)).astype(np.int16),
        (-u).astype(np.int16),
    )
    if past.row_sums is None:
        return Decoded(past.planes, past, None, field, None, future)
    assert past.magnitudes is not None
    assert future.magnitudes is not None
    assert future.row_sums is not None
    magnitudes = np.minimum(past.magnitudes, future.magnitudes)
    a, b = ((s >> 1) + (t >> 1) for s, t in zip(past.row_sums, future.row_sums, strict=True))
    return Decoded(past.planes, past.key, magnitudes, field, (a, b), future)


def class_of(row: int) -> int:
    return sum(row >= first for first in (8, 16, 26))


def moved(rows: Ints, sums: Ints) -> Ints:
    """Rows (n, h, w, 96) by the shifts of sums (96, 4, 8)."""
    candidates = sorted(range(-3, 5), key=lambda shift: (abs(shift), shift))
    costs = np.stack([sums[:, :, shift + 3] + 512 * shift * shift for shift in candidates])
    shifts = np.array(candidates)[costs.argmin(0)]  # the first of equals
    result = np.zeros_like(rows)
    for at, row in np.ndenumerate(rows):
        if row > 0:
            result[at] = min(max(row + shifts[at[3], class_of(row)], 1), 63)
    return result


def log2_256(value: int) -> int:
    """floor(256 log2(value)), with a fraction whose eight bits come from squares of 31 bits."""
    whole = value.bit_length() - 1
    mantissa, fraction = (value << 31) >> whole, 0
    for _ in range(8):
        mantissa = mantissa * mantissa >> 31
        fraction *= 2
        if mantissa >> 32:
            mantissa >>= 1
            fraction += 1
    return 256 * whole + fraction


class Oracle:
    def __init__(self, weights: DctWeights) -> None:
        self.weights = weights
        self.network: Network = on_grids(weights.network, weights.kind)
        self.log = weights.log_table.astype(np.int64)
        self.costs: dict[tuple[int, int], int] = {}

    def decode(
        self, payload: bytes, size: tuple[int, int], reference: Decoded | None = None
    ) -> Decoded:
        assert payload[0] < 64
        tables = self._tables()
        decoder = _native.SymbolDecoder(tables, payload[2:])

        def get(rows: NDArray[np.uint16], _: NDArray[np.uint16]) -> NDArray[np.int32]:
            return decoder.get(rows)

        padded = tuple(-(-side // 16) * 16 for side in size)
        if self.weights.kind == "intra":
            decoded = self.intra(payload[0], padded, get, payload[1])
        else:
            assert reference is not None
            decoded = self.inter(
                payload[0],
                reference,
                self._motion(payload[0], reference, decoder, tables),
                get,
                payload[1],
            )
        decoder.finish()
        return decoded

    def intra(self, quality: int, padded: tuple[int, int], get: Get, sets: int = 0) -> Decoded:
        h8, w8 = padded[0] // 8, padded[1] // 8
        channels, width = self.network.slot("z").channels, self.network.slot("hyper").channels
        z_rows = np.broadcast_to(64 + np.arange(channels), (-(-h8 // 4), -(-w8 // 4), channels))
        z_rows = z_rows.astype(np.uint16)
        z = get(z_rows.ravel(), z_rows.ravel()).reshape(z_rows.shape)
        given = {
            "z": z.astype(np.int16),
            "hyper_half": _zeros(h8 // 2, w8 // 2, width),
            "hyper": _zeros(h8, w8, width),
        }
        hyper = self._run("hyper", quality, given)["hyper"]

        linear = self.weights.extra
        u = np.zeros((h8, w8, 96), np.int64)
        context = _zeros(h8, w8, 192 + len(linear))
        sums = np.zeros((96, 4, 8), np.int64)
        for step, grids in enumerate(STEPS["intra"]):
            found = self._run(f"indexes_{step}", quality, {"hyper": hyper, "context": context})[
                "rows"
            ].astype(np.int64)
            (py, px), means = grids[0], found[:, :, :96].clip(-8191, 8191)
            first = self._first_row(sets, step)
            symbols, new = self._symbols(_limited(found[None, :, :, 96:]), sums, get, first)
            sums += new
            u[py::2, px::2] = here = 32 * symbols[0] + means
            logs = self.log[np.minimum(np.abs(here) >> 1, 4095)]
            signed = np.where(here < 0, -logs, logs)
            context[py::2, px::2] = np.concatenate(
                (signed, logs, here[:, :, linear].clip(-8191, 8191)), 2
            )

        coefficients = ((u * self.weights.step[quality] + 256) >> 9).clip(-8191, 8191)
        residual = pack4(untransform(coefficients))
        maps = {
            "residual": residual.astype(np.int16),
            "coefficients": coefficients.astype(np.int16),
        }
        o = self._run("synthesis", quality, maps)["synthesis_out"].astype(np.int64)
        decoded = Decoded(_pixels(128 + ((o + 8) >> 4)))
        decoded.key = decoded
        return decoded

    def inter(
        self,
        quality: int,
        reference: Decoded,
        field: _native.MotionField,
        get: Get,
        flags: int = 0,
    ) -> Decoded:
        assert reference.key is not None
        w = self.weights
        second = reference.future or reference.key
        prediction = _native.predict_motion(field, reference.planes, second.planes)
        cells, d = pack4(wide(prediction)), transform(wide(prediction))
        h8, w8, _ = d.shape
        scaled = (np.abs(d) * w.gain[quality].astype(np.int64) + 2**15) >> 16
        before = (
            np.zeros(d.shape, np.int64) if reference.magnitudes is None else reference.magnitudes
        )
        features_in = np.concatenate((self.log[np.minimum(scaled, 4095)], self.log[16 * before]), 2)
        features = self._run("features", quality, {"features_in": features_in.astype(np.int16)})[
            "features"
        ]

        symbols = np.zeros(d.shape, np.int64)
        context = _zeros(h8, w8, 96)
        sums_before = reference.row_sums or (np.zeros((96, 4, 8), np.int64),) * 2
        hadamard, sets = flags & 16 != 0, flags & 15
        stage = "hadamard" if hadamard else "indexes"
        new_sums: list[Ints] = []
        for name, grids, before in zip("ab", STEPS["inter"], sums_before, strict=True):
            rows = []
            for py, px in grids:
                found = self._run(
                    f"{stage}_{name}{py}{px}", quality, {"features": features, "context": context}
                )
                rows.append(_limited(found["rows"]))
            first = self._first_row(sets, len(new_sums))
            values, new = self._symbols(np.stack(rows), before, get, first)
            new_sums.append(before - (before >> 3) + new)
            for (py, px), part in zip(grids, values, strict=True):
                symbols[py::2, px::2] = part
                if name == "a":
                    context[py::2, px::2] = self.log[
                        16 * np.minimum(np.abs(symbols[py::2, px::2]), 255)
                    ]

        coefficients = ((symbols * w.step[quality] + 8) >> 4).clip(-32768, 32767)
        if hadamard:
            coefficients = mixed(coefficients, w.hadamard)
        synthesis_in = np.concatenate((pack4(untransform(coefficients)), cells), 2).astype(np.int16)
        o = self._run("synthesis", quality, {"synthesis_in": synthesis_in})["synthesis_out"].astype(
            np.int64
        )
        planes = _pixels(cells + 128 + ((o + 8) >> 4))
        magnitudes = np.minimum(np.abs(symbols), 255)
        return Decoded(planes, reference.key, magnitudes, field, (new_sums[0], new_sums[1]))

    def _first_row(self, sets: int, step: int) -> int:
        """Of the set that a step of a frame has, whose byte is `sets`."""
        number, known = sets // 4**step % 4, self.weights.sets
        assert number < known
        return len(self.weights.tables.cdf_length) - 64 * (known - number) if number > 0 else 0

    def _symbols(self, rows: Ints, sums: Ints, get: Get, first: int = 0) -> tuple[Ints, Ints]:
        """Symbols with rows (parities, h16, w16, 96), moved by the sums, and what they add to them."""
        in_order = [r.ravel().astype(np.uint16) for r in (first + moved(rows, sums), rows)]
        symbols = get(in_order[0], in_order[1]).reshape(rows.shape)
        assert np.abs(symbols).max() <= 2047
        new = np.zeros((96, 4, 8), np.int64)
        every = 1 + (rows.shape[1] * rows.shape[2] - 1) // 4096
        for (grid, y, x, channel), row in np.ndenumerate(rows):
            if row == 0 or y % every:
                continue
            magnitude = abs(int(symbols[grid, y, x, channel]))
            for shift in range(-3, 5):
                cost = self._cost(min(max(int(row) + shift, 1), 63), magnitude)
                new[channel, class_of(int(row)), shift + 3] += cost
        return symbols.astype(np.int64), new

    def _cost(self, row: int, symbol: int) -> int:
        """In 1/256 bit."""
        if (row, symbol) not in self.costs:
            tables = self.weights.tables
            length = int(tables.cdf_length[row])
            frequencies = np.diff(tables.quantized_cdf[row, :length]).tolist()
            place, values = symbol - int(tables.offset[row]), length - 2
            cost = 256 * 14 - log2_256(frequencies[place if 0 <= place < values else -1])
            if not 0 <= place < values:
                code = -2 * place if place < 0 else 2 * (place - values) + 1
                cost += 256 * (2 * (code.bit_length() - 1) + 1)
            self.costs[row, symbol] = cost
        return self.costs[row, symbol]

    def _motion(
        self,
        quality: int,
        reference: Decoded,
        decoder: _native.SymbolDecoder,
        tables: _native.Tables,
    ) -> _native.MotionField:
        rows, columns = (side // 16 for side in reference.planes[0].shape)
        return _native.MotionTables(tables, 64).read(
            decoder,
            rows,
            columns,
            previous=reference.field,
            has_key=reference.key is not reference,
            quality=quality,
        )

    def _tables(self) -> _native.Tables:
        tables = self.weights.tables
        return _native.Tables(tables.quantized_cdf, tables.cdf_length, tables.offset)

    def _run(
        self, stage: str, quality: int, maps: dict[str, NDArray[np.int16]]
    ) -> dict[str, NDArray[np.int16]]:
        return run_stage(self.network, stage, maps, condition=round(256 * (63 - 2 * quality) / 63))


def _zeros(*shape: int) -> NDArray[np.int16]:
    return np.zeros(shape, np.int16)


def _limited(values: NDArray[np.int16] | Ints) -> Ints:
    return values.clip(0, 63).astype(np.int64)


def _pixels(cells: Ints) -> Planes:
    y, u, v = (plane.clip(0, 255).astype(np.uint8) for plane in unpack4(cells))
    return y, u, v
