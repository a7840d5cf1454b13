"""The encoder's symbols against an oracle that chooses them as native/src/frame/quantiser.hpp says."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streamcodec import _native
from streamcodec.codec.dct_weights import DctWeights
from streamcodec.engine.reference import run_stage
from streamcodec.entropy.tables import PROBABILITY_BITS
from streamcodec.errors import UsageError

from .oracle import STEPS, Decoded, Oracle
from .pictures import HADAMARD, models, picture, weights_of
from .transforms import Ints, Planes, mixed, pack4, transform, wide

SIZE = (48, 64)


def cost(weights: DctWeights, row: int, symbol: int) -> int:
    """1/256 bit."""
    table = weights.tables.table(row)
    frequencies, count = np.diff(table.cdf), len(table.cdf) - 2
    place = symbol - table.offset
    escape = 0
    if not 0 <= place < count:
        code = -2 * place if place < 0 else 2 * (place - count) + 1
        escape, place = 256 * (2 * int(np.floor(np.log2(code))) + 1), count
    return 256 * PROBABILITY_BITS - int(np.floor(256 * np.log2(frequencies[place]))) + escape


class Chooser:
    """Symbols for y (h8, w8, 96) in 1/256 step, step by step, and the stream that codes them."""

    def __init__(self, weights: DctWeights, quality: int, y: Ints, z: Ints | None = None) -> None:
        self._weights, self._lambda, self._y, self._z = (
            weights,
            int(weights.rd_lambda[quality]),
            y,
            z,
        )
        self._grids = iter(STEPS[weights.kind])
        tables = weights.tables
        self.encoder = _native.SymbolEncoder(
            _native.Tables(tables.quantized_cdf, tables.cdf_length, tables.offset)
        )
        self.means: Ints | None = None
        self.symbols = np.zeros_like(y)

    def get(self, rows: NDArray[np.uint16], given: NDArray[np.uint16]) -> NDArray[np.int32]:
        """The rows before they are moved decide."""
        if self._z is not None:
            symbols, self._z = self._z.ravel().astype(np.int32), None
        else:
            grids = next(self._grids)
            values = np.concatenate([self._y[py::2, px::2].ravel() for py, px in grids])
            values = values if self.means is None else values - 8 * self.means.ravel()
            symbols = np.array(
                [self.choose(*pair) for pair in zip(values.tolist(), given.tolist(), strict=True)],
                np.int32,
            )
            for (py, px), part in zip(grids, np.split(symbols, len(grids)), strict=True):
                grid = self.symbols[py::2, px::2]
                grid[:] = part.reshape(grid.shape)
        self.encoder.put(symbols, rows)
        return symbols

    def choose(self, y: int, row: int) -> int:
        if self._weights.tables.certain[row]:
            return 0
        sign, nearest = -1 if y < 0 else 1, min((abs(y) + 128) >> 8, 2047)
        if nearest == 0:
            return 0

        def weighed(candidate: int) -> int:
            return (abs(y) - 256 * candidate) ** 2 + (
                (self._lambda * cost(self._weights, row, sign * candidate)) >> 8
            )

        return sign * min((nearest, nearest - 1, 0), key=weighed)


def padded(planes: Planes) -> Planes:
    y, u, v = planes
    rows, columns = -y.shape[0] % 16, -y.shape[1] % 16
    half = (y.shape[0] + rows) // 2 - u.shape[0], (y.shape[1] + columns) // 2 - u.shape[1]
    bottom_right = ((0, half[0]), (0, half[1]))
    return (
        np.pad(y, ((0, rows), (0, columns)), mode="edge"),
        np.pad(u, bottom_right, mode="edge"),
        np.pad(v, bottom_right, mode="edge"),
    )


def steps_of(weights: DctWeights, quality: int, latent: Ints) -> Ints:
    return (latent * weights.gain[quality].astype(np.int64) + 2**11) >> 12


@pytest.mark.parametrize("quality", [10, 45])
@pytest.mark.parametrize("size", [SIZE, (34, 53)])
def test_intra(quality: int, size: tuple[int, int]) -> None:
    weights = weights_of("intra")
    oracle = Oracle(weights)
    frame = wide(padded(picture(*size, 0, noise=20)))
    condition = round(256 * (63 - 2 * quality) / 63)
    maps = {"analysis_in": pack4(frame).astype(np.int16)}
    analysis = run_stage(oracle.network, "analysis", maps, condition=condition)["analysis_out"]
    y = steps_of(weights, quality, transform(frame) + analysis)
    u = (y + 4) >> 3
    logs = oracle.log[np.minimum(np.abs(u) >> 1, 4095)]
    maps = {"hyper_in": np.where(u < 0, -logs, logs).astype(np.int16)}
    z = run_stage(oracle.network, "hyper_analysis", maps, condition=condition)["z_out"].astype(
        np.int64
    )
    chooser = Chooser(weights, quality, y, z)

    height, width, _ = y.shape
    run = oracle._run

    def run_and_tell(
        stage: str, q: int, given: dict[str, NDArray[np.int16]]
    ) -> dict[str, NDArray[np.int16]]:
        found = run(stage, q, given)
        if stage.startswith("indexes"):
            chooser.means = found["rows"][:, :, :96].astype(np.int64).clip(-8191, 8191)
        return found

    oracle._run = run_and_tell  # type: ignore[method-assign]
    oracle.intra(quality, (8 * height, 8 * width), chooser.get)
    payload, _ = models()[0].encode(picture(*size, 0, noise=20), quality)
    assert payload == bytes([quality, 0]) + chooser.encoder.finish()


def gains_by_hadamard(weights: DctWeights, quality: int, latent: Ints) -> bool:
    """By the estimate of native/src/frame/hadamard.cpp."""

    def estimate(y: Ints) -> int:
        values = steps_of(weights, quality, y)[:, :, list(weights.hadamard)].ravel().tolist()
        bit = int(weights.rd_lambda[quality])
        return sum(min(v * v, bit * (8 + 2 * ((abs(v) + 128) >> 8).bit_length())) for v in values)

    return estimate(mixed(latent, weights.hadamard)) < estimate(latent)


def refined(latent: Ints, coded: Ints, error: Ints) -> Ints:
    """Of luma: three quarters of the way to what was coded and what it left."""
    latent = latent.copy()
    luma = latent[:, :, :64]
    for way in (coded[:, :, :64] - luma, error[:, :, :64]):
        luma += (3 * way) >> 2
    return latent


@pytest.mark.parametrize("preset", ["medium", "slow"])
@pytest.mark.parametrize("quality", [10, 60])
@pytest.mark.parametrize("channels", [(), HADAMARD])
@pytest.mark.parametrize("noise", [3, 20])
def test_inter(quality: int, preset: str, channels: tuple[int, ...], noise: int) -> None:
    weights = weights_of("inter", hadamard=channels)
    oracle = Oracle(weights)
    reference = models()[0].encode(picture(*SIZE, 0), quality)[1]
    decoded = Decoded(reference.planes())
    decoded.key = decoded
    for time in (1, 2):
        frame = picture(*SIZE, time, noise=noise)
        payload, after = models(hadamard=channels)[1].encode(
            frame, quality, reference, preset=preset
        )
        field = after.motion
        assert field is not None
        prediction = _native.predict_motion(field, decoded.planes, reference_key(decoded))
        d = tuple(a.astype(np.int64) - b for a, b in zip(frame, prediction, strict=True))
        maps = {
            "analysis_in": np.concatenate((pack4(d), pack4(wide(prediction))), 2).astype(np.int16)
        }
        analysis = oracle._run("analysis", quality, maps)["analysis_out"]
        latent = transform(d) + analysis
        pays = gains_by_hadamard(weights, quality, latent)
        used = channels if pays else ()
        if preset == "slow":
            wanted = steps_of(weights, quality, mixed(latent, used))
            draft = Chooser(weights, quality, wanted)
            shown = oracle.inter(quality, decoded, field, draft.get, 16 * pays).planes
            coded = (draft.symbols * weights.step[quality].astype(np.int64) + 8) >> 4
            coded = mixed(coded, used)
            left = tuple(a.astype(np.int64) - b for a, b in zip(frame, shown, strict=True))
            latent = refined(latent, coded, transform(left))
        wanted = steps_of(weights, quality, mixed(latent, used))
        chooser = Chooser(weights, quality, wanted)
        tables = weights.tables
        motion = _native.MotionTables(
            _native.Tables(tables.quantized_cdf, tables.cdf_length, tables.offset), 64
        )
        motion.write(
            chooser.encoder, field, previous=decoded.field, has_key=time > 1, quality=quality
        )
        decoded = oracle.inter(quality, decoded, field, chooser.get, 16 * pays)
        assert payload == bytes([quality, 16 * pays]) + chooser.encoder.finish()
        reference = after


def reference_key(decoded: Decoded) -> Planes:
    assert decoded.key is not None
    return decoded.key.planes


def test_the_choice_of_the_transform_goes_both_ways() -> None:
    """What is flat over a macroblock gains; what differs from block to block does not."""
    intra, inter = models(hadamard=HADAMARD)
    grey = (np.full(SIZE, 100, np.uint8), *[np.full((24, 32), 128, np.uint8)] * 2)
    _, reference = intra.encode(grey, 40)
    flat = (np.full(SIZE, 130, np.uint8), *grey[1:])
    single = grey[0].copy()
    single[:8, :8] = 220
    found = [inter.encode(each, 40, reference)[0][1] for each in (flat, (single, *grey[1:]))]
    assert found == [16, 0]


def test_choices_of_the_transform_that_fail() -> None:
    plain, other = models()[1], models(hadamard=HADAMARD)[1]
    reference = models()[0].encode(picture(*SIZE, 0), 40)[1]
    with pytest.raises(UsageError, match="no channels for it"):
        plain.encode(picture(*SIZE, 1), 40, reference, hadamard=True)
    with pytest.raises(UsageError, match="accepted: True, False, 'auto'"):
        other.encode(picture(*SIZE, 1), 40, reference, hadamard="best")  # type: ignore[arg-type]
