"""Weights of the DCT codec that were not trained, for tests and benchmarks: valid, of any width, and not of much use.

The networks are the ones that training makes, with random weights; symbols and pictures behave roughly as trained ones do.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamcodec.codec.dct_weights import (
    CHANNELS,
    SCALE_ROWS,
    DctWeights,
    Kind,
)
from streamcodec.engine import Channels, Conv, DepthToSpace, Network, Slot, Stage, log_table
from streamcodec.engine.program import Layer
from streamcodec.entropy.tables import CERTAIN, Table, TableData, fit_table, stack_tables
from streamcodec.motion import bootstrap_tables
from streamcodec.quality import motion_lambda_16, q_of
from streamcodec.types import QUALITIES

__all__ = ["random_weights"]

Taps = tuple[tuple[int, int], ...]

_ONE: Taps = ((0, 0),)
_CROSS: Taps = ((-1, 0), (0, -1), (0, 1), (1, 0))
_DIAGONAL: Taps = ((-1, -1), (-1, 1), (1, -1), (1, 1))
_LIMIT = 8191


def random_weights(
    kind: Kind,
    *,
    small: bool = True,
    seed: int = 0,
    sets: int = 1,
    hadamard: tuple[int, ...] = (),
) -> DctWeights:
    """Weights with few channels (`small`), or as many as the trained ones have, so many sets of rows, and these channels for
    the transform of P-frames across macroblocks."""
    builder = _Builder(np.random.default_rng(seed))
    parts = ("indexes", "hadamard") if hadamard else ("indexes",)
    network = _inter(builder, small, parts) if kind == "inter" else _intra(builder, small)
    qs = [q_of(quality) for quality in range(QUALITIES)]
    step = (
        np.clip(np.round(128 * 2 ** ((np.array(qs) - 4) / 6)), 64, 24576)
        .astype(np.int32)[:, None]
        .repeat(CHANNELS, 1)
    )
    return DctWeights(
        kind,
        network,
        TableData.join(
            _scale_tables(),
            bootstrap_tables() if kind == "inter" else _z_tables(4 if small else 24),
            *(_scale_tables(1.25**number) for number in range(1, sets)),
        ),
        step,
        np.round(2**24 / step).astype(np.int32),
        np.full(QUALITIES, 6554, np.int32),
        log_table(),
        np.array([motion_lambda_16(q) for q in qs], np.int32)
        if kind == "inter"
        else np.array([0, 1, 8, 64, 80] if small else range(0, CHANNELS, 4), np.int32),
        sets=sets,
        hadamard=hadamard,
    )


def _square(side: int) -> Taps:
    first = -((side - 1) // 2)
    return tuple((y, x) for y in range(first, first + side) for x in range(first, first + side))


@dataclass
class _Builder:
    rng: np.random.Generator
    slots: dict[str, Slot] = field(default_factory=dict)
    stages: dict[str, list[Layer]] = field(default_factory=dict)

    def given(self, name: str, channels: int, max_abs: int = _LIMIT) -> str:
        self.slots[name] = Slot(name, channels, max_abs, True)
        return name

    def conv(
        self,
        stage: str,
        source: str | Channels,
        output: str | Channels,
        outputs: int,
        taps: Taps = _ONE,
        *,
        inputs: int = 0,
        stride: int = 1,
        relu: bool = True,
        add: Channels | None = None,
        gain: float = 1.0,
        bias: NDArray[np.float64] | None = None,
        high: int = _LIMIT,
    ) -> str:
        """A convolution, with the slot of its output if there is none yet. gain: what becomes of the size of numbers; bias: in units of
        the output."""
        source = Channels(source) if isinstance(source, str) else source
        output = Channels(output) if isinstance(output, str) else output
        inputs = inputs or self.slots[source.slot].channels - source.first
        shift = 12
        spread = min(
            gain * 2**shift / np.sqrt(inputs * len(taps)), 2**28 / (_LIMIT * inputs * len(taps))
        )
        weights = np.clip(
            np.round(self.rng.normal(0, spread, (outputs, len(taps), inputs))), -3000, 3000
        ).astype(np.int16)
        biases = self.rng.normal(0, 100, outputs) if bias is None else bias
        self.slots.setdefault(output.slot, Slot(output.slot, output.first + outputs, high))
        layer = Conv(
            source,
            output,
            taps,
            weights,
            np.round(biases * 2**shift + 2 ** (shift - 1)).astype(np.int32),
            np.full(outputs, shift, np.int32),
            0 if relu else -high,
            high,
            stride,
            slope=self.rng.integers(-300, 300, outputs).astype(np.int32)
            if self.rng.random() < 0.5
            else None,
            add=add,
        )
        self.stages.setdefault(stage, []).append(layer)
        return output.slot

    def residual(self, stage: str, source: str, names: tuple[str, str], channels: int) -> str:
        """source + two convolutions of 3x3."""
        inner = self.conv(stage, source, names[0], channels, _square(3))
        return self.conv(
            stage, inner, names[1], channels, _square(3), relu=False, add=Channels(source), gain=0.5
        )

    def enlarge(self, stage: str, source: str, output: str | Channels, channels: int) -> None:
        output = Channels(output) if isinstance(output, str) else output
        self.slots.setdefault(output.slot, Slot(output.slot, output.first + channels, _LIMIT))
        self.stages.setdefault(stage, []).append(DepthToSpace(Channels(source), output, channels))

    def network(self) -> Network:
        return Network(
            tuple(self.slots.values()),
            tuple(Stage(name, tuple(layers)) for name, layers in self.stages.items()),
        )


def _row_bias() -> NDArray[np.float64]:
    """Rows of the tables fall with the frequency."""
    luma = np.add.outer(np.arange(8), np.arange(8)).ravel()
    chroma = np.tile(3 + 2 * np.add.outer(np.arange(4), np.arange(4)).ravel(), 2)
    return np.asarray(22 - 3.5 * np.concatenate((luma, chroma)), np.float64)


def _inter(b: _Builder, small: bool, parts: tuple[str, ...]) -> Network:
    """`parts`: kinds of index stages."""
    w, s = (8, 8) if small else (64, 32)
    last = 8 if small else 96
    b.given("features_in", 2 * CHANNELS)
    b.conv("features", "features_in", "f1", w)
    b.conv("features", "f1", "features", w, _square(3))
    steps = {"indexes": ("a", "b"), "hadamard": ("a00", "a11", "b01", "b10")}
    for stage in [f"{part}_{step}" for part in parts for step in steps[part]]:
        cat = "_b" in stage
        hidden = Channels("ctx" if cat else "i1")
        b.conv(stage, "features", hidden, w, stride=2)
        if cat:
            b.given("context", CHANNELS)
            b.slots["ctx"] = Slot("ctx", 2 * w, _LIMIT)
            b.conv(stage, "context", Channels("ctx", w), w, _CROSS, stride=2)
        b.conv(stage, hidden.slot, f"{stage}_2", w)
        if cat:
            b.conv(stage, f"{stage}_2", f"{stage}_3", last)
        hidden_name = f"{stage}_3" if cat else f"{stage}_2"
        b.conv(stage, hidden_name, "rows", CHANNELS, relu=False, gain=0.01, bias=_row_bias())
    b.given("synthesis_in", 48)
    _synthesis(b, "synthesis_in", s, residual="synthesis_in")
    b.given("analysis_in", 48, 255)
    _analysis(b, 8 if small else 32, _square(2))
    return b.network()


def _synthesis(b: _Builder, source: str, width: int, *, residual: str) -> None:
    """`residual`: what is improved, the first 24 channels of this slot."""
    x = b.conv("synthesis", source, "s0", width, _square(3))
    x = b.residual("synthesis", x, ("s1", "s2"), width)
    x = b.residual("synthesis", x, ("s3", "s4"), width)
    b.conv(
        "synthesis",
        x,
        "synthesis_out",
        24,
        _square(3),
        relu=False,
        add=Channels(residual),
        gain=0.004,
        bias=np.zeros(24),
    )


def _analysis(b: _Builder, width: int, last: Taps) -> None:
    b.conv("analysis", "analysis_in", "a0", width, _square(3))
    b.conv("analysis", "a0", "a1", width, _square(3))
    b.conv(
        "analysis",
        "a1",
        "analysis_out",
        CHANNELS,
        last,
        stride=2,
        relu=False,
        gain=0.02,
        bias=np.zeros(CHANNELS),
    )


def _intra(b: _Builder, small: bool) -> Network:
    z, h, w, s = (4, 8, 8, 8) if small else (24, 48, 80, 48)
    linear = 5 if small else 24
    b.given("z", z, 127)
    b.given("hyper_half", h)
    b.given("hyper", h)
    b.conv("hyper", "z", "h0", 4 * h, gain=40)
    b.enlarge("hyper", "h0", "hyper_half", h)
    b.conv("hyper", "hyper_half", "h1", 4 * h)
    b.enlarge("hyper", "h1", "hyper", h)
    b.given("context", 2 * CHANNELS + linear)
    for step, taps in enumerate((_ONE, _DIAGONAL, _CROSS, _DIAGONAL + _CROSS)):
        stage = f"indexes_{step}"
        cat = f"i{step}"
        b.slots[cat] = Slot(cat, w if step == 0 else 2 * w, _LIMIT)
        b.conv(stage, "hyper", Channels(cat), w, stride=2)
        if step > 0:
            b.conv(stage, "context", Channels(cat, w), w, taps, stride=2)
        b.conv(stage, cat, f"i{step}_1", w)
        means_and_rows = np.concatenate((np.zeros(CHANNELS), _row_bias() + 6))
        b.conv(
            stage, f"i{step}_1", "rows", 2 * CHANNELS, relu=False, gain=0.01, bias=means_and_rows
        )
    b.given("residual", 24)
    b.given("coefficients", CHANNELS)
    b.slots["cells"] = Slot("cells", 48, _LIMIT)
    b.conv("synthesis", "residual", Channels("cells"), 24, relu=False)
    b.conv("synthesis", "coefficients", "s_up", 4 * 24, relu=False)
    b.enlarge("synthesis", "s_up", Channels("cells", 24), 24)
    _synthesis(b, "cells", s, residual="residual")
    b.given("analysis_in", 24, 128)
    _analysis(b, 8 if small else 48, _square(4))
    b.given("hyper_in", CHANNELS)
    b.conv("hyper_analysis", "hyper_in", "z0", 8 if small else 48)
    b.conv("hyper_analysis", "z0", "z1", 8 if small else 48, _square(5), stride=2)
    b.conv(
        "hyper_analysis",
        "z1",
        "z_out",
        z,
        _square(5),
        stride=2,
        relu=False,
        gain=0.003,
        bias=np.zeros(z),
        high=127,
    )
    return b.network()


def _scale_tables(factor: float = 1.0) -> TableData:
    """A certain row, then distributions from nearly certain to wide, their scales times a factor."""
    values = np.arange(-2047, 2048)
    rows: list[Table] = [CERTAIN]
    for scale in factor * np.geomspace(0.1, 150, SCALE_ROWS - 1):
        edges = 1 / (1 + np.exp(-np.clip((np.append(values, 2048) - 0.5) / scale, -700, 700)))
        rows.append(fit_table(np.diff(edges), -2047))
    return stack_tables(rows)


def _z_tables(channels: int) -> TableData:
    pmf = 0.8 ** np.abs(np.arange(-20, 21))
    return stack_tables([fit_table(pmf / pmf.sum(), -20)] * channels)
