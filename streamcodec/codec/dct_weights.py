"""Weights of the DCT codec: what a weights file of kind "intra" or "inter" holds, its checks and limits.

A weights file is a safetensors file of integer arrays, and metadata with the key "config": JSON. `DctWeights` is its content in
memory. Everything that decides symbols or pixels is in it; native/src/frame/frame.hpp specifies what is computed with it.

Both kinds. M = 96 latent channels, Q = 64 qualities

    name            array              content and limits
    step            int32 (64, 96)     step of the quantiser in 1/128 pixel, at quality Q. inter 64..65535, intra 64..24576
    gain            int32 (64, 96)     round(2^24 / step), or what else the encoder should multiply with: 1..262144
    rd_lambda       int32 (64,)        what a bit weighs in the choice of symbols, in squared steps / 65536: 0..2^20
    log_table       int16 (4096,)      LOG[a] = round(256 ln(1 + a / 16)); read by both sides, so part of the format:
                                       not negative, not falling, at most 8191
    quantized_cdf   uint16 (n,)        the probability tables (streamcodec/entropy/tables.py) of everything in a payload, K rows
    cdf_length      int32 (K,)         one after another, cdf_length numbers each:
    offset          int32 (K,)         rows 0..63 for the symbols of the latent. Row 0 must be certain; a certain row
                                       must have the value 0; a row's values must lie within +-2047
                                       inter: then the rows of the motion syntax (streamcodec.motion says how many)
                                       intra: then a row for each channel of z
                                       format 3: then 64 rows like the first ones for each further set
                                       (native/src/frame/sets.hpp)
    network.*       ...                arrays of the network, as the engine's `Network.to_arrays()` names them

inter only

    motion_lambda   int32 (64,)        what a bit of motion weighs in the search, in squared differences of luma / 16:
                                       1..2^24 (trained ones: streamcodec/quality.py)

intra only

    linear_channels int32 (L,)         the channels of the latent that the context also sees as they are: 0..95, rising

config: {"format": 3 with "sets" or "hadamard", else 2, or 1 if rows are not moved (native/src/frame/adapt.hpp),
"kind": "inter" or "intra", "network": what `Network` needs besides its arrays,
"sets": 2..4, of several sets of rows,
"hadamard": inter only, the channels of the latent that frames may code after a Hadamard transform: 0..95, rising}.
Other keys are ignored (training, provenance).

The network. A model has one `Network` (streamcodec/engine), with the stages and slots below; others slots are its own affair
(hidden layers: any name but these). Grids: 1/4, 1/8, 1/16 of the padded frame, whose sides are multiples of 16: 1/8 is h8 x w8, both
even, 1/16 is h8/2 x w8/2, z is ceil(h8/4) x ceil(w8/4). Widths F, H, Z, L are free (1..256). `max_abs` of a slot that is an input must be
at least what is given here. All stages run with the condition round(256 (1 - 2 Q / 63)) of their conditional biases.

    inter: slot     channels, grid, magnitude
    features_in     192 at 1/8, 8191   input. LOG of the prediction's coefficients in 1/16 step; LOG[16 min(|s|, 255)] of
                                       the previous P-frame's symbols s, 0 after an I-frame
    features        F at 1/8           written by stage `features`
    context         96 at 1/8, 8191    input. LOG[16 min(|s|, 255)] of the symbols of step A, 0 elsewhere
    rows            96 at 1/16         written by `indexes_*`, `hadamard_*`: row of each symbol (limited to 0..63)
    synthesis_in    48 at 1/4, 8191    input. pack4 of the residual in 1/16 pixel, then pack4 of prediction - 128
    synthesis_out   24 at 1/4          written by `synthesis`: pack4 of what is added to the prediction, 1/16 pixel
    analysis_in     48 at 1/4, 255     input. pack4 of frame - prediction, then of prediction - 128, in pixels
    analysis_out    96 at 1/8          written by `analysis`: is added to the DCT of frame - prediction, 1/8 pixel

    inter: stage    reads                      writes
    features        features_in                features
    indexes_a       features                   rows
    indexes_b       features, context          rows
    hadamard_a00, hadamard_a11, hadamard_b01, hadamard_b10     as indexes_a and indexes_b, where there are channels for that
    synthesis       synthesis_in               synthesis_out
    analysis        analysis_in                analysis_out

    intra: slot     channels, grid, magnitude
    z               Z at z, free       input. The symbols z themselves; larger ones than max_abs are damage
    hyper_half      H at 1/16          given size: what the first DepthToSpace of `hyper` crops to
    hyper           H at 1/8           given size, written by stage `hyper`
    context         192 + L at 1/8, 8191   input. What is known of the latent, 0 elsewhere
    rows            192 at 1/16        written by `indexes_*`: means in 1/32 step (limited to +-8191), rows (to 0..63)
    residual        24 at 1/4, 8191    input. pack4 of the inverse DCT, 1/16 pixel
    coefficients    96 at 1/8, 8191    input. The coefficients, 1/8 pixel
    synthesis_out   24 at 1/4          written by `synthesis`: pack4 of the picture - 128, 1/16 pixel
    analysis_in     24 at 1/4, 128     input. pack4 of frame - 128, in pixels
    analysis_out    96 at 1/8          written by `analysis`: is added to the DCT of frame - 128, 1/8 pixel
    hyper_in        96 at 1/8, 8191    input. sign(u) LOG[|u| / 2], u the coefficients in 1/32 step
    z_out           Z at z             written by `hyper_analysis`: the symbols z (limited to z's max_abs)

    intra: stage    reads                      writes
    hyper           z                          hyper
    indexes_0       hyper                      rows
    indexes_1 .. 3  hyper, context             rows
    synthesis       residual, coefficients     synthesis_out
    analysis        analysis_in                analysis_out
    hyper_analysis  hyper_in                   z_out

The stages `indexes_*` and `hadamard_*` go from 1/8 to 1/16, by layers of stride 2. They are stored for the positions with even row
and even column, that is with origin (0, 0); for the grid with parity (py, px), (py, px) is added to the origin of each layer of
stride 2. So indexes_a runs on the grids (0,0) and (1,1), indexes_b on (0,1) and (1,0), indexes_0..3 on (0,0), (1,1), (0,1), (1,0);
the names of `hadamard_*` say the grid.
A layer of stride 2 elsewhere gives ceil(size / 2) rows and columns.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from streamcodec import _native
from streamcodec.checks import parse_json
from streamcodec.codec.dct_grids import Kind, on_grids
from streamcodec.engine import Network, from_arrays, to_arrays, to_config
from streamcodec.engine.native import native
from streamcodec.entropy.tables import TableData
from streamcodec.errors import ModelError, OutputError, UsageError

__all__ = [
    "CHANNELS",
    "FORMAT",
    "SCALE_ROWS",
    "DctWeights",
    "Kind",
    "are_channels",
    "load_dct_weights",
    "read_weights_file",
    "save_dct_weights",
]

FORMAT = 3
FORMATS = (1, 2, FORMAT)
MAX_SETS = 4
CHANNELS = 96
"""Of the latent: 64 of luma's 8x8 DCT, 16 each of the 4x4 DCT of U and V."""
MAX_TABLE_NUMBERS = 1 << 25
SCALE_ROWS = 64
"""Rows of the tables that code symbols of the latent; the first is certain."""

_EXTRA = {"inter": "motion_lambda", "intra": "linear_channels"}


@dataclass(frozen=True, eq=False)
class DctWeights:
    """What a weights file holds, as above. `extra`: motion_lambda or linear_channels; `adapts`: whether what was coded moves
    rows, always in format 3; `sets`: of rows; `hadamard`: inter only. Numbers are checked by native()."""

    kind: Kind
    network: Network
    tables: TableData
    step: NDArray[np.int32]
    gain: NDArray[np.int32]
    rd_lambda: NDArray[np.int32]
    log_table: NDArray[np.int16]
    extra: NDArray[np.int32]
    adapts: bool = True
    sets: int = 1
    hadamard: tuple[int, ...] = ()

    @property
    def id(self) -> bytes:
        """16 bytes: a hash of everything that symbols or pixels depend on."""
        digest = hashlib.sha256(json.dumps(self.config(), sort_keys=True).encode())
        for name, array in sorted(self.arrays().items()):
            digest.update(f"{name} {array.dtype} {list(array.shape)}\n".encode())
            digest.update(
                np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
            )
        return digest.digest()[:16]

    def config(self) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if self.sets > 1:
            more["sets"] = self.sets
        if self.hadamard:
            more["hadamard"] = list(self.hadamard)
        version = FORMAT if more else 2 if self.adapts else 1
        return {"format": version, "kind": self.kind, "network": to_config(self.network), **more}

    def first_row_of(self, number: int) -> int:
        """Where the rows of a set begin."""
        return self.tables.rows - SCALE_ROWS * (self.sets - number) if number else 0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of the file, by name."""
        return {
            "step": self.step,
            "gain": self.gain,
            "rd_lambda": self.rd_lambda,
            "log_table": self.log_table,
            "quantized_cdf": _flat(self.tables),
            "cdf_length": self.tables.cdf_length,
            "offset": self.tables.offset,
            _EXTRA[self.kind]: self.extra,
            **{f"network.{name}": array for name, array in to_arrays(self.network).items()},
        }

    @staticmethod
    def of(config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> "DctWeights":
        """The reverse of config() and arrays(). Raises ModelError."""
        kind = config.get("kind")
        if config.get("format") not in FORMATS or (kind != "intra" and kind != "inter"):
            raise ModelError(
                f"weights are of format {config.get('format')!r} and kind {kind!r}; accepted: format 1 to {FORMAT}, kind intra or inter"
            )
        hadamard = config.get("hadamard", []) if config["format"] == FORMAT else []
        if not are_channels(hadamard) or (hadamard and kind == "intra"):
            raise ModelError(
                f"weights of kind {kind} have the hadamard channels {hadamard!r}; accepted: a list of numbers 0..95, rising, of kind inter"
            )
        sets = config.get("sets", 1) if config["format"] == FORMAT else 1
        if not isinstance(sets, int) or not 1 <= sets <= MAX_SETS:
            raise ModelError(f"weights have {sets!r} sets of rows; accepted: up to {MAX_SETS}")
        prefix = "network."
        try:
            network = from_arrays(
                config["network"],
                {
                    name.removeprefix(prefix): array
                    for name, array in arrays.items()
                    if name.startswith(prefix)
                },
            )
            tables = _tables(arrays["quantized_cdf"], arrays["cdf_length"], arrays["offset"])
            return DctWeights(
                kind,
                network,
                tables,
                step=arrays["step"],
                gain=arrays["gain"],
                rd_lambda=arrays["rd_lambda"],
                log_table=arrays["log_table"],
                extra=arrays[_EXTRA[kind]],
                adapts=config["format"] > 1,
                sets=sets,
                hadamard=tuple(hadamard),
            )
        except (KeyError, UsageError) as error:
            raise ModelError(
                f"weights are damaged: {'no ' if isinstance(error, KeyError) else ''}{error}"
            ) from error

    def native(self) -> "_native.IntraModel | _native.InterModel":
        """The model in C++, which checks all numbers. Raises ModelError."""
        arrays: dict[str, Any] = {
            "step": self.step,
            "gain": self.gain,
            "rd_lambda": self.rd_lambda,
            "log_table": self.log_table,
            "adapts": self.adapts,
            "sets": self.sets,
        }
        try:
            network = native(on_grids(self.network, self.kind))
            tables = _native.Tables(
                self.tables.quantized_cdf, self.tables.cdf_length, self.tables.offset
            )
            if self.kind == "inter":
                hadamard = np.array(self.hadamard, np.int32)
                return _native.InterModel(
                    network, tables, **arrays, motion_lambda=self.extra, hadamard=hadamard
                )
            return _native.IntraModel(network, tables, **arrays, linear_channels=self.extra)
        except UsageError as error:
            raise ModelError(f"weights are not accepted: {error}") from error


def save_dct_weights(path: Path, weights: DctWeights, **provenance: Any) -> bytes:
    """Write a weights file; returns its id. `provenance`: more for the config, which JSON can hold. Raises OutputError."""
    metadata = {"config": json.dumps({**provenance, **weights.config()}, sort_keys=True)}
    arrays = {name: np.ascontiguousarray(array) for name, array in weights.arrays().items()}
    try:
        path.write_bytes(save(arrays, metadata))
    except (OSError, SafetensorError) as error:
        raise OutputError(f"cannot write the weights {path}: {error}") from error
    return weights.id


def load_dct_weights(path: Path) -> DctWeights:
    """Read a weights file. Raises ModelError if it is missing, damaged or something else."""
    return DctWeights.of(*read_weights_file(path))


def read_weights_file(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Config and arrays of a weights file, as it has them. Raises ModelError if it is missing or damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        config = parse_json(metadata.get("config", ""))
    except (
        OSError,
        SafetensorError,
        AttributeError,
        TypeError,
        ValueError,
    ) as error:  # kinds of numbers that NumPy has not
        raise ModelError(f"cannot read the weights {path}: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"the weights {path} have a damaged config")
    return config, arrays


def _flat(tables: TableData) -> NDArray[np.uint16]:
    """The rows, one after another."""
    rows = zip(tables.quantized_cdf, tables.cdf_length, strict=True)
    return np.concatenate([row[:length] for row, length in rows]).astype(np.uint16)


def _tables(flat: NDArray[Any], lengths: NDArray[Any], offset: NDArray[Any]) -> TableData:
    """The reverse of _flat(). Raises UsageError."""
    good = (
        flat.dtype == np.uint16
        and flat.ndim == 1
        and lengths.dtype == np.int32
        and lengths.ndim == 1
    )
    if (
        not good
        or lengths.size == 0
        or lengths.min() < 2
        or lengths.astype(np.int64).sum() != flat.size
    ):
        raise UsageError(
            f"tables of {lengths.size} rows in {flat.size} numbers ({flat.dtype}) do not fit together"
        )
    if lengths.size * int(lengths.max()) > MAX_TABLE_NUMBERS:
        raise UsageError(
            f"tables have {lengths.size} rows of up to {lengths.max()} numbers; accepted: {MAX_TABLE_NUMBERS} in all"
        )
    cdf = np.zeros((lengths.size, int(lengths.max())), np.int32)
    cdf[np.arange(cdf.shape[1]) < lengths[:, None]] = flat
    return TableData(cdf, lengths, offset)


def are_channels(value: object) -> TypeGuard[list[int]]:
    """Whether they are numbers of channels, rising."""
    return (
        isinstance(value, list)
        and all(type(each) is int and 0 <= each < CHANNELS for each in value)
        and sorted(set(value)) == value
    )
