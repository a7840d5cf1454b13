"""The frame codec's decoder from its specification (native/src/frame/frame.hpp), in plain numpy: slow and obvious.

The entropy coder and motion have oracles of their own; here the native ones are used.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamcodec import _native
from streamcodec.codec.dct_weights import DctWeights, on_grids
from streamcodec.engine import Network
from streamcodec.engine.reference import run_stage

Ints = NDArray[np.int64]
Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
Get = Callable[[NDArray[np.uint16]], NDArray[np.int32]]
"""Rows of symbols, in the order of the stream -> the symbols."""

STEPS = {
    "inter": (((0, 0), (1, 1)), ((0, 1), (1, 0))),
    "intra": (((0, 0),), ((1, 1),), ((0, 1),), ((1, 0),)),
}


@dataclass
class Decoded:
    """Padded planes; of a P-frame the magnitudes of its symbols (h8, w8, 96) and its motion."""

    planes: Planes
    key: "Decoded | None" = None
    magnitudes: Ints | None = None
    field: _native.MotionField | None = None

    def cropped(self, height: int, width: int) -> Planes:
        half = ((height + 1) // 2, (width + 1) // 2)
        y, u, v = self.planes
        return y[:height, :width], u[: half[0], : half[1]], v[: half[0], : half[1]]


def basis(n: int) -> Ints:
    frequency, pixel = np.arange(n)[:, None], np.arange(n)[None]
    b = 2**13 * np.sqrt(2 / n) * np.cos(np.pi * (2 * pixel + 1) * frequency / (2 * n))
    b[0] *= np.sqrt(0.5)
    return np.round(b).astype(np.int64)


def forward(block: Ints) -> Ints:
    b = basis(len(block))
    return ((((b @ block + 2**9) >> 10) @ b.T + 2**12) >> 13).clip(-32768, 32767)


def inverse(coefficients: Ints) -> Ints:
    b = basis(len(coefficients))
    half = ((b.T @ coefficients + 2**11) >> 12).clip(-32768, 32767)
    return ((half @ b + 2**12) >> 13).clip(-8191, 8191)


def blocks(planes: tuple[Ints, Ints, Ints]) -> list[tuple[int, int, slice, int, int, Ints]]:
    """(y, x, channels, plane, side, view) of all transform blocks."""
    found = []
    for number, (plane, first, side) in enumerate(zip(planes, (0, 64, 80), (8, 4, 4), strict=True)):
        for y in range(plane.shape[0] // side):
            for x in range(plane.shape[1] // side):
                view = plane[side * y : side * y + side, side * x : side * x + side]
                found.append((y, x, slice(first, first + side * side), number, side, view))
    return found


def transform(planes: tuple[Ints, Ints, Ints]) -> Ints:
    """(h8, w8, 96)"""
    latent = np.zeros((planes[0].shape[0] // 8, planes[0].shape[1] // 8, 96), np.int64)
    for y, x, channels, _, _, view in blocks(planes):
        latent[y, x, channels] = forward(view).ravel()
    return latent


def untransform(latent: Ints) -> tuple[Ints, Ints, Ints]:
    height, width = 8 * latent.shape[0], 8 * latent.shape[1]
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    y, u, v = (np.zeros(shape, np.int64) for shape in shapes)
    for row, column, channels, _, side, view in blocks((y, u, v)):
        view[:] = inverse(latent[row, column, channels].reshape(side, side))
    return y, u, v


def pack4(planes: tuple[Ints, Ints, Ints]) -> Ints:
    cells = np.zeros((planes[0].shape[0] // 4, planes[0].shape[1] // 4, 24), np.int64)
    for first, side, plane in zip((0, 16, 20), (4, 2, 2), planes, strict=True):
        for iy in range(side):
            for ix in range(side):
                cells[:, :, first + side * iy + ix] = plane[iy::side, ix::side]
    return cells


def unpack4(cells: Ints) -> tuple[Ints, Ints, Ints]:
    planes = []
    for first, side in ((0, 4), (16, 2), (20, 2)):
        plane = np.zeros((side * cells.shape[0], side * cells.shape[1]), np.int64)
        for iy in range(side):
            for ix in range(side):
                plane[iy::side, ix::side] = cells[:, :, first + side * iy + ix]
        planes.append(plane)
    return planes[0], planes[1], planes[2]


def wide(planes: Planes) -> tuple[Ints, Ints, Ints]:
    y, u, v = (plane.astype(np.int64) - 128 for plane in planes)
    return y, u, v


class Oracle:
    def __init__(self, weights: DctWeights) -> None:
        self.weights = weights
        self.network: Network = on_grids(weights.network, weights.kind)
        self.log = weights.log_table.astype(np.int64)

    def decode(
        self, payload: bytes, size: tuple[int, int], reference: Decoded | None = None
    ) -> Decoded:
        assert payload[0] < 64
        assert payload[1] == 0
        tables = self._tables()
        decoder = _native.Decoder(tables, payload[2:])
        padded = tuple(-(-side // 16) * 16 for side in size)
        if self.weights.kind == "intra":
            decoded = self.intra(payload[0], padded, decoder.get)
        else:
            assert reference is not None
            decoded = self.inter(
                payload[0],
                reference,
                self._motion(payload[0], reference, decoder, tables),
                decoder.get,
            )
        decoder.finish()
        return decoded

    def intra(self, quality: int, padded: tuple[int, int], get: Get) -> Decoded:
        h8, w8 = padded[0] // 8, padded[1] // 8
        channels, width = self.network.slot("z").channels, self.network.slot("hyper").channels
        z_rows = np.broadcast_to(64 + np.arange(channels), (-(-h8 // 4), -(-w8 // 4), channels))
        z = get(z_rows.ravel().astype(np.uint16)).reshape(z_rows.shape)
        given = {
            "z": z.astype(np.int16),
            "hyper_half": _zeros(h8 // 2, w8 // 2, width),
            "hyper": _zeros(h8, w8, width),
        }
        hyper = self._run("hyper", quality, given)["hyper"]

        linear = self.weights.extra
        u = np.zeros((h8, w8, 96), np.int64)
        context = _zeros(h8, w8, 192 + len(linear))
        for step, grids in enumerate(STEPS["intra"]):
            found = self._run(f"indexes_{step}", quality, {"hyper": hyper, "context": context})[
                "rows"
            ].astype(np.int64)
            (py, px), means = grids[0], found[:, :, :96].clip(-8191, 8191)
            symbols = get(_rows(found[:, :, 96:])).reshape(means.shape)
            assert np.abs(symbols).max() <= 2047
            u[py::2, px::2] = here = 32 * symbols.astype(np.int64) + means
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
        self, quality: int, reference: Decoded, field: _native.MotionField, get: Get
    ) -> Decoded:
        assert reference.key is not None
        w = self.weights
        prediction = _native.predict_motion(field, reference.planes, reference.key.planes)
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
        for name, grids in zip("ab", STEPS["inter"], strict=True):
            rows = []
            for py, px in grids:
                found = self._run(
                    f"indexes_{name}{py}{px}", quality, {"features": features, "context": context}
                )
                rows.append(_rows(found["rows"]))
            values = get(np.concatenate(rows))
            assert np.abs(values).max() <= 2047
            for (py, px), part in zip(grids, np.split(values, 2), strict=True):
                symbols[py::2, px::2] = part.reshape(h8 // 2, w8 // 2, 96)
                if name == "a":
                    context[py::2, px::2] = self.log[
                        16 * np.minimum(np.abs(symbols[py::2, px::2]), 255)
                    ]

        coefficients = ((symbols * w.step[quality] + 8) >> 4).clip(-32768, 32767)
        synthesis_in = np.concatenate((pack4(untransform(coefficients)), cells), 2).astype(np.int16)
        o = self._run("synthesis", quality, {"synthesis_in": synthesis_in})["synthesis_out"].astype(
            np.int64
        )
        planes = _pixels(cells + 128 + ((o + 8) >> 4))
        return Decoded(planes, reference.key, np.minimum(np.abs(symbols), 255), field)

    def _motion(
        self, quality: int, reference: Decoded, decoder: _native.Decoder, tables: _native.Tables
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


def _rows(values: NDArray[np.int16] | Ints) -> NDArray[np.uint16]:
    return values.clip(0, 63).ravel().astype(np.uint16)


def _pixels(cells: Ints) -> Planes:
    y, u, v = (plane.clip(0, 255).astype(np.uint8) for plane in unpack4(cells))
    return y, u, v
