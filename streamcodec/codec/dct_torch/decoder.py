"""Decoders of I- and P-frames as native/src/frame/frame.hpp specifies them, in its order and with its names.

Motion and symbols are read by the native entropy decoder on the CPU: rows of tables go there, symbols come back.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamcodec import _native
from streamcodec.codec.dct_grids import on_grids
from streamcodec.codec.dct_torch.blocks import (
    Planes,
    forward_transform,
    hadamard_transform,
    inverse_transform,
    pack4,
    unpack4,
)
from streamcodec.codec.dct_torch.motion import predict
from streamcodec.codec.dct_torch.reference import TorchReference
from streamcodec.codec.dct_weights import CHANNELS, SCALE_ROWS, DctWeights
from streamcodec.engine.torch_path import TorchNetwork
from streamcodec.errors import CorruptStreamError, TruncatedStreamError, UsageError
from streamcodec.types import QUALITIES

__all__ = ["FrameDecoder", "InterDecoder", "IntraDecoder"]

_HEAD_SIZE = 2
_SET_BITS = 2
_HADAMARD_FLAG = 16
_LARGEST_SYMBOL = 2047
_LIMIT = 8191
"""Of means, of linear channels in the context, and of the coefficients of I-frames."""
_SUMS = (CHANNELS, 4, 8)
"""Shape of row sums."""
_CHECKERBOARD = (("a", ((0, 0), (1, 1))), ("b", ((0, 1), (1, 0))))
"""Steps of P-frames: their stage, their parities."""
_QUARTERS = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Steps of I-frames: their parities."""


@dataclass(frozen=True)
class _Payload:
    """`first_rows`: where the rows of each step begin (native/src/frame/sets.hpp). `hadamard`: the flag of a P-frame."""

    quality: int
    first_rows: tuple[int, ...]
    hadamard: bool
    stream: _native.SymbolDecoder


class FrameDecoder(ABC):
    """What both kinds share. Immutable, as the native models are."""

    _steps: int

    def __init__(self, weights: DctWeights, device: torch.device) -> None:
        tables = weights.tables
        self._has_hadamard = weights.hadamard != ()
        self._first_rows = tuple(weights.first_row_of(number) for number in range(weights.sets))
        self._device = device
        self._tables = _native.Tables(tables.quantized_cdf, tables.cdf_length, tables.offset)
        self._adaptation = _native.RowAdaptation(self._tables, adapts=weights.adapts)
        self._slots = {slot.name: slot for slot in weights.network.slots}
        self._network = TorchNetwork(on_grids(weights.network, weights.kind), device)
        self._log = torch.from_numpy(weights.log_table).to(device)
        self._step, self._gain = (
            torch.from_numpy(numbers).long().to(device)[:, None, :, None, None]
            for numbers in (weights.step, weights.gain)
        )

    def decode(
        self, payload: bytes, size: tuple[int, int], reference: TorchReference | None
    ) -> TorchReference:
        """Raises CorruptStreamError or TruncatedStreamError, and UsageError for a reference that does not fit."""
        quality, flags = _head_of(payload)
        has_hadamard = self._has_hadamard and flags & _HADAMARD_FLAG != 0
        sets = flags - _HADAMARD_FLAG * has_hadamard
        numbers = [sets >> _SET_BITS * step & (1 << _SET_BITS) - 1 for step in range(self._steps)]
        if sets >> _SET_BITS * self._steps or max(numbers) >= len(self._first_rows):
            raise _damaged(quality, flags)
        self._check(reference, size)
        stream = _native.SymbolDecoder(self._tables, payload[_HEAD_SIZE:])
        first_rows = tuple(self._first_rows[number] for number in numbers)
        return self._decode(_Payload(quality, first_rows, has_hadamard, stream), size, reference)

    @abstractmethod
    def _check(self, reference: TorchReference | None, size: tuple[int, int]) -> None: ...

    @abstractmethod
    def _decode(
        self, payload: _Payload, size: tuple[int, int], reference: TorchReference | None
    ) -> TorchReference: ...

    def _run(self, stage: str, output: str, quality: int, **maps: Tensor) -> Tensor:
        """A slot after a stage, int16."""
        condition = round(256 * (QUALITIES - 1 - 2 * quality) / (QUALITIES - 1))
        given = {name: values.short() for name, values in maps.items()}
        return self._network.run(stage, given, condition=condition)[output]

    def _log_of(self, values: Tensor) -> Tensor:
        return self._log[values.clamp(max=len(self._log) - 1).long()]

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.int32, device=self._device)

    def _symbols(
        self, payload: _Payload, step: int, rows: Tensor, sums: NDArray[np.int32]
    ) -> tuple[Tensor, NDArray[np.int32]]:
        """rows: (n, 96, h, w) of n parities, any integers, to be moved by what `sums` say. Symbols int32
        of the same shape, and what they add to the sums."""
        order = rows.short().permute(0, 2, 3, 1).contiguous().cpu().numpy()
        given, moved = self._adaptation.move(order, sums)
        symbols = payload.stream.get(moved.ravel() + np.uint16(payload.first_rows[step]))
        _check_symbols(symbols, _LARGEST_SYMBOL, "symbol")
        shaped = symbols.reshape(given.shape)
        found = torch.from_numpy(shaped).to(self._device).permute(0, 3, 1, 2)
        return found, self._adaptation.sums(given, shaped)


class IntraDecoder(FrameDecoder):
    _steps = len(_QUARTERS)

    def __init__(self, weights: DctWeights, device: torch.device) -> None:
        super().__init__(weights, device)
        self._linear = torch.from_numpy(weights.extra).long().to(device)

    def _check(self, reference: TorchReference | None, size: tuple[int, int]) -> None:
        if reference is not None:
            raise UsageError("there is a reference; accepted for an I-frame: None")

    def _decode(
        self, payload: _Payload, size: tuple[int, int], reference: TorchReference | None
    ) -> TorchReference:
        quality = payload.quality
        u = self._latent(payload, self._hyper(payload.stream, quality, _eighth(size)))
        payload.stream.finish()
        coefficients = ((u * self._step[quality] + 256) >> 9).clamp(-_LIMIT, _LIMIT)
        residual = pack4(inverse_transform(coefficients))
        maps = {"residual": residual, "coefficients": coefficients}
        improved = self._run("synthesis", "synthesis_out", quality, **maps)
        return TorchReference(size, _pixels(128 + _rounded(improved)))

    def _hyper(
        self, stream: _native.SymbolDecoder, quality: int, eighth: tuple[int, int]
    ) -> Tensor:
        (h8, w8), slot = eighth, self._slots["z"]
        rows = np.arange(SCALE_ROWS, SCALE_ROWS + slot.channels, dtype=np.uint16)
        hz, wz = -(-h8 // 4), -(-w8 // 4)
        z = stream.get(np.tile(rows, hz * wz))
        _check_symbols(z, slot.max_abs, "z")
        channels = self._slots["hyper"].channels
        maps = {
            "z": torch.from_numpy(z).to(self._device).view(1, hz, wz, -1).permute(0, 3, 1, 2),
            "hyper_half": self._zeros(1, channels, h8 // 2, w8 // 2),
            "hyper": self._zeros(1, channels, h8, w8),
        }
        return self._run("hyper", "hyper", quality, **maps)

    def _latent(self, payload: _Payload, hyper: Tensor) -> Tensor:
        """u: (1, 96, h8, w8) in 1/32 step."""
        u = self._zeros(1, CHANNELS, *hyper.shape[2:])
        context = self._zeros(1, self._slots["context"].channels, *hyper.shape[2:])
        sums = np.zeros(_SUMS, np.int32)
        for step, (py, px) in enumerate(_QUARTERS):
            maps = {"hyper": hyper, "context": context}
            found = self._run(f"indexes_{step}", "rows", payload.quality, **maps)
            means, rows = found[:, :CHANNELS].clamp(-_LIMIT, _LIMIT), found[:, CHANNELS:]
            symbols, new = self._symbols(payload, step, rows, sums)
            sums += new
            here = 32 * symbols + means
            logs = self._log_of(here.abs() >> 1)
            linear = here[:, self._linear].clamp(-_LIMIT, _LIMIT)
            u[:, :, py::2, px::2] = here
            context[:, :, py::2, px::2] = torch.cat(
                (torch.where(here < 0, -logs, logs), logs, linear), 1
            )
        return u


class InterDecoder(FrameDecoder):
    _steps = len(_CHECKERBOARD)

    def __init__(self, weights: DctWeights, device: torch.device) -> None:
        super().__init__(weights, device)
        self._motion_tables = _native.MotionTables(self._tables, SCALE_ROWS)
        self._hadamard = torch.tensor(weights.hadamard, dtype=torch.long, device=device)

    def _check(self, reference: TorchReference | None, size: tuple[int, int]) -> None:
        if reference is None:
            raise UsageError("the reference is missing; a P-frame needs the frame before it")
        if reference.size != size:
            raise UsageError(
                f"the reference has {reference.size[0]}x{reference.size[1]} pixels; "
                f"accepted: {size[0]}x{size[1]}, as the frame"
            )

    def _decode(
        self, payload: _Payload, size: tuple[int, int], reference: TorchReference | None
    ) -> TorchReference:
        assert reference is not None  # _check()
        quality = payload.quality
        key = reference if reference.key is None else reference.key
        field = self._motion(payload.stream, quality, reference)
        predicted = predict(field, reference.padded, reference.second.padded)
        y, u, v = (plane - 128 for plane in predicted)
        features = self._features(quality, (y, u, v), reference.magnitudes)
        symbols, sums = self._latent(payload, features, reference.row_sums)
        payload.stream.finish()
        coefficients = ((symbols * self._step[quality] + 8) >> 4).clamp(-32768, 32767)
        if payload.hadamard:
            coefficients = hadamard_transform(coefficients, self._hadamard)
        cells = pack4((y, u, v))
        maps = {"synthesis_in": torch.cat((pack4(inverse_transform(coefficients)), cells), 1)}
        improved = self._run("synthesis", "synthesis_out", quality, **maps)
        planes = _pixels(cells + 128 + _rounded(improved))
        return TorchReference(size, planes, key, field, symbols.abs().clamp(max=255), sums)

    def _motion(
        self, stream: _native.SymbolDecoder, quality: int, reference: TorchReference
    ) -> _native.MotionField:
        rows, columns = (side // 16 for side in reference.padded[0].shape[2:])
        return self._motion_tables.read(
            stream,
            rows,
            columns,
            previous=reference.motion,
            has_key=reference.key is not None,
            quality=quality,
        )

    def _features(self, quality: int, prediction: Planes, magnitudes: Tensor | None) -> Tensor:
        d = forward_transform(prediction).abs()
        scaled = (d * self._gain[quality] + 2**15) >> 16
        before = torch.zeros_like(d) if magnitudes is None else magnitudes
        features_in = torch.cat((self._log_of(scaled), self._log_of(16 * before)), 1)
        return self._run("features", "features", quality, features_in=features_in)

    def _latent(
        self, payload: _Payload, features: Tensor, sums_before: NDArray[np.int32] | None
    ) -> tuple[Tensor, NDArray[np.int32]]:
        """Symbols, int32 (1, 96, h8, w8), and the row sums that they leave."""
        before = np.zeros((2, *_SUMS), np.int32) if sums_before is None else sums_before
        sums = before - (before >> 3)
        symbols, context = (self._zeros(1, CHANNELS, *features.shape[2:]) for _ in range(2))
        name = "hadamard" if payload.hadamard else "indexes"
        for number, (step, parities) in enumerate(_CHECKERBOARD):
            maps = {"features": features} | ({"context": context} if step == "b" else {})
            rows = [
                self._run(f"{name}_{step}{py}{px}", "rows", payload.quality, **maps)
                for py, px in parities
            ]
            found, new = self._symbols(payload, number, torch.cat(rows), before[number])
            sums[number] += new
            for (py, px), part in zip(parities, torch.split(found, 1), strict=True):
                symbols[:, :, py::2, px::2] = part
                context[:, :, py::2, px::2] = self._log_of(16 * part.abs().clamp(max=255))
        return symbols, sums


def _head_of(payload: bytes) -> tuple[int, int]:
    """The quality, and the byte behind it."""
    if len(payload) < _HEAD_SIZE:
        raise TruncatedStreamError("the frame ends within its head")
    quality, flags = payload[:_HEAD_SIZE]
    if quality >= QUALITIES:
        raise _damaged(quality, flags)
    return quality, flags


def _damaged(quality: int, flags: int) -> CorruptStreamError:
    return CorruptStreamError(f"the frame is damaged: its head is {quality}, {flags}")


def _check_symbols(symbols: NDArray[np.int32], limit: int, name: str) -> None:
    if symbols.min(initial=0) < -limit or symbols.max(initial=0) > limit:
        raise CorruptStreamError(f"the frame is damaged: a {name} is too large")


def _eighth(size: tuple[int, int]) -> tuple[int, int]:
    height, width = (2 * -(-side // 16) for side in size)
    return height, width


def _rounded(sixteenths: Tensor) -> Tensor:
    return (sixteenths.int() + 8) >> 4


def _pixels(cells: Tensor) -> Planes:
    return unpack4(cells.clamp(0, 255).byte())
