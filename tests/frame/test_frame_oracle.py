"""The native decoder against the oracle: streams of the encoder, and streams of any symbols at all."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from streamcodec import _native
from streamcodec.codec.dct_weights import DctWeights, load_dct_weights
from streamcodec.weights import PACKAGED

from .oracle import Decoded, Oracle, TorchOracle, basis, inverse
from .pictures import assert_planes_equal, models, picture, weights_of

SIZES = [(16, 16), (33, 50), (70, 130)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quality", [0, 32, 63])
def test_decoders_agree(size: tuple[int, int], quality: int) -> None:
    intra, inter = models()
    oracles = Oracle(weights_of("intra")), Oracle(weights_of("inter"))
    reference: _native.Reference | None = None
    decoded: Decoded | None = None
    for time in range(3):
        model, oracle = (intra, oracles[0]) if time == 0 else (inter, oracles[1])
        payload, reference = model.encode(picture(*size, time), quality, reference)
        decoded = oracle.decode(payload, size, decoded)
        assert_planes_equal(reference.planes(), decoded.cropped(*size))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_shipped_models_decode_alike_in_pytorch(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    size = (48, 80)
    files = [load_dct_weights(PACKAGED / f"dct-{kind}.safetensors") for kind in ("intra", "inter")]
    models_ = [weights.native() for weights in files]
    oracles = [TorchOracle(weights, device) for weights in files]
    reference: _native.Reference | None = None
    decoded: Decoded | None = None
    for time in range(6):
        kind = min(time, 1)
        payload, reference = models_[kind].encode(picture(*size, time), 40, reference)
        decoded = oracles[kind].decode(payload, size, decoded)
        assert_planes_equal(reference.planes(), decoded.cropped(*size))


class AnySymbols:
    """Symbols of all sizes, and the stream that codes them."""

    def __init__(self, weights: DctWeights, seed: int) -> None:
        tables = weights.tables
        self._rng = np.random.default_rng(seed)
        self._certain = tables.certain
        self.encoder = _native.Encoder(
            _native.Tables(tables.quantized_cdf, tables.cdf_length, tables.offset)
        )

    def get(self, rows: NDArray[np.uint16]) -> NDArray[np.int32]:
        limit = 2.0 ** self._rng.uniform(0, 11, len(rows))
        symbols = np.round(self._rng.uniform(-1, 1, len(rows)) * np.minimum(limit, 2047)).astype(
            np.int32
        )
        symbols[rows >= 64] = symbols[rows >= 64].clip(-127, 127)
        symbols[self._certain[rows]] = 0
        self.encoder.put(symbols, rows)
        return symbols

    def payload(self, quality: int) -> bytes:
        return bytes([quality, 0]) + self.encoder.finish()


@pytest.mark.parametrize("instruction_set", _native.instruction_sets())
@pytest.mark.parametrize("quality", [0, 20, 63])
def test_decoders_agree_on_any_symbols(instruction_set: str, quality: int) -> None:
    size = (32, 48)
    intra, inter = models()
    weights = weights_of("intra")
    stream = AnySymbols(weights, quality)
    decoded = Oracle(weights).intra(quality, size, stream.get)
    reference = intra.decode(stream.payload(quality), size, instruction_set=instruction_set)
    assert_planes_equal(reference.planes(), decoded.planes)

    weights = weights_of("inter")
    for seed in range(3):
        stream = AnySymbols(weights, seed)
        field = any_field(seed, *size, has_key=seed > 0).derived(
            previous=decoded.field, has_key=seed > 0, quality=quality
        )
        tables = weights.tables
        motion = _native.MotionTables(
            _native.Tables(tables.quantized_cdf, tables.cdf_length, tables.offset), 64
        )
        motion.write(
            stream.encoder, field, previous=decoded.field, has_key=seed > 0, quality=quality
        )
        decoded = Oracle(weights).inter(quality, decoded, field, stream.get)
        reference = inter.decode(
            stream.payload(quality), size, reference, threads=2, instruction_set=instruction_set
        )
        assert_planes_equal(reference.planes(), decoded.planes)


def any_field(seed: int, height: int, width: int, *, has_key: bool) -> _native.MotionField:
    rng = np.random.default_rng(seed)
    rows, columns = height // 16, width // 16
    modes = rng.integers(0, 3 if has_key else 1, (rows, columns)).astype(np.uint8)
    filters = rng.integers(0, 3, (rows, columns)).astype(np.uint8)
    previous = rng.integers(-200, 201, (2 * rows, 2 * columns, 2)).astype(np.int16)
    key = rng.integers(-200, 201, (rows, columns, 2)).astype(np.int16).repeat(2, 0).repeat(2, 1)
    return _native.MotionField(modes, filters, previous, key)


@pytest.mark.parametrize("side", [4, 8])
def test_basis_is_nearly_orthonormal(side: int) -> None:
    b = basis(side) / 2**13
    np.testing.assert_allclose(b @ b.T, np.eye(side), atol=1e-3)
    assert np.abs(basis(side)).sum(0).max() * 32768 < 2**31
    assert np.abs(inverse(np.full((side, side), 32767))).max() <= 8191
