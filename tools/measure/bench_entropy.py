#!/usr/bin/env python3
"""Measures the entropy coder: symbols a second for each instruction set, and what tables and lanes cost in bits.

    tools/measure/bench_entropy.py [--symbols N] [--repeats N]

Symbols are rounded samples of N(0, scale^2), with a scale for each symbol from a log-normal distribution that is shifted to
give the wanted rate; indexes name the nearest of 128 scales, log-spaced from 0.11 to 64.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from streamcodec.entropy.coder import SymbolDecoder, SymbolEncoder, Tables, instruction_sets
from streamcodec.entropy.tables import CERTAIN, TableData, fit_table, stack_tables

SCALES = np.exp(np.linspace(math.log(0.11), math.log(64), 128))
SPREAD = 1.0  # standard deviation of log(scale)
CERTAIN_BELOW = 0.13  # scales whose symbols are not coded, in the runs that skip


@dataclass(frozen=True)
class Workload:
    """symbols int32 (n,), indexes uint16 (n,) into SCALES, scales float64 (n,)."""

    symbols: NDArray[np.int32]
    indexes: NDArray[np.uint16]
    scales: NDArray[np.float64]

    def ideal_bits(self) -> float:
        """-log2 of the symbols' probabilities under their own scales."""
        return float(-np.log2(_probability(self.symbols, self.scales)).sum())

    def grid_bits(self) -> float:
        """The same under the nearest scales of the grid."""
        return float(-np.log2(_probability(self.symbols, SCALES[self.indexes])).sum())

    def table_bits(self, data: TableData) -> float:
        """The same under the tables, escapes counted as their symbol only."""
        position = np.minimum(
            (self.symbols - data.offset[self.indexes]).astype(np.uint32),
            data.cdf_length[self.indexes] - 2,
        )
        frequency = (
            data.quantized_cdf[self.indexes, position + 1]
            - data.quantized_cdf[self.indexes, position]
        )
        return float((14 - np.log2(frequency)).sum())


def make_workload(bits: float, count: int) -> Workload:
    """`count` symbols of about `bits` bits each."""
    rng = np.random.default_rng(0)
    normal, noise = rng.normal(size=count), rng.normal(size=count)
    low, high = -4.0, 4.0
    for _ in range(20):
        middle = (low + high) / 2
        workload = _workload(np.exp(middle + SPREAD * normal), noise)
        low, high = (middle, high) if workload.ideal_bits() < bits * count else (low, middle)
    return workload


def _workload(scales: NDArray[np.float64], noise: NDArray[np.float64]) -> Workload:
    scales = np.clip(scales, SCALES[0], SCALES[-1])
    step = math.log(SCALES[1] / SCALES[0])
    indexes = np.rint(np.log(scales / SCALES[0]) / step).astype(np.uint16)
    return Workload(np.rint(noise * scales).astype(np.int32), indexes, scales)


def _probability(values: NDArray[np.int32], scales: NDArray[np.float64]) -> NDArray[np.float64]:
    distance, width = np.abs(values) / scales, 0.5 / scales
    tail = np.frompyfunc(math.erfc, 1, 1)
    return ((tail((distance - width) / 2**0.5) - tail((distance + width) / 2**0.5)) / 2).astype(
        np.float64
    )


def gaussian_tables() -> TableData:
    tables = []
    for scale in SCALES:
        last = math.ceil(8 * scale + 4)
        values = np.arange(-last, last + 1)
        tables.append(fit_table(_probability(values, np.full(len(values), scale)), -last))
    return stack_tables(tables)


def with_certain_rows(data: TableData) -> TableData:
    """The same tables; those of the smallest scales are certain."""
    return stack_tables(
        [CERTAIN if scale < CERTAIN_BELOW else data.table(k) for k, scale in enumerate(SCALES)]
    )


def native(data: TableData) -> Tables:
    return Tables(data.quantized_cdf, data.cdf_length, data.offset)


def best_seconds(repeats: int, work: Callable[[], object]) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def encode(tables: Tables, workload: Workload, **options: object) -> bytes:
    encoder = SymbolEncoder(tables, **options)  # type: ignore[arg-type]
    encoder.put(workload.symbols, workload.indexes)
    return encoder.finish()


def decode(
    tables: Tables, workload: Workload, data: bytes, instruction_set: str
) -> NDArray[np.int32]:
    decoder = SymbolDecoder(tables, data, instruction_set=instruction_set)  # type: ignore[arg-type]
    symbols = decoder.get(workload.indexes)
    decoder.finish()
    return symbols


def print_speed(name: str, data: TableData, workload: Workload, repeats: int) -> None:
    tables, count, streams = native(data), len(workload.symbols), set()
    base: tuple[float, float] | None = None
    for instruction_set in instruction_sets():
        stream = encode(tables, workload, instruction_set=instruction_set)
        streams.add(stream)
        if not np.array_equal(decode(tables, workload, stream, instruction_set), workload.symbols):
            raise SystemExit(f"{name}: {instruction_set} does not return the symbols")
        encoding = best_seconds(
            repeats, partial(encode, tables, workload, instruction_set=instruction_set)
        )
        decoding = best_seconds(repeats, partial(decode, tables, workload, stream, instruction_set))
        base = base or (encoding, decoding)
        speeds = f"{count / encoding / 1e6:8.0f} {base[0] / encoding:6.2f}x {count / decoding / 1e6:8.0f} {base[1] / decoding:6.2f}x"
        print(f"{name:<26} {8 * len(stream) / count:6.3f}  {instruction_set:<8} {speeds}")
    if len(streams) != 1:
        raise SystemExit(f"{name}: instruction sets write different bytes")


def print_cost(bits: float, data: TableData, workload: Workload) -> None:
    ideal, grid, table = workload.ideal_bits(), workload.grid_bits(), workload.table_bits(data)
    coded = 8 * len(encode(native(data), workload))
    costs = " ".join(
        f"{100 * (after / before - 1):+10.4f} %"
        for before, after in ((ideal, grid), (grid, table), (table, coded), (ideal, coded))
    )
    print(f"{bits:<10} {ideal / len(workload.symbols):8.4f} {costs}")


def print_lanes(count: int, data: TableData, workload: Workload) -> None:
    part = Workload(workload.symbols[:count], workload.indexes[:count], workload.scales[:count])
    ideal = part.table_bits(data) / 8
    sizes = [len(encode(native(data), part, lanes=lanes)) for lanes in (1, 4, 32, None)]
    print(
        f"{count:<10} {ideal:10.1f} "
        + " ".join(f"{size:8d} {100 * (size / ideal - 1):+7.2f} %" for size in sizes)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--symbols",
        type=int,
        default=1_600_000,
        help="symbols in each run (default: a 1080p latent)",
    )
    parser.add_argument("--repeats", type=int, default=9, help="runs; the fastest counts")
    options = parser.parse_args()
    data = gaussian_tables()
    workloads = {bits: make_workload(bits, options.symbols) for bits in (0.5, 2.0)}

    print(
        f"{'speed, one thread':<26} {'bit/sym':>7} {'':<8} {'encode':>9} {'':>7} {'decode':>8}   Msym/s; scalar is a plain loop"
    )
    for bits, workload in workloads.items():
        print_speed(f"{bits} bit a symbol", data, workload, options.repeats)
    skipping = with_certain_rows(data)
    kept = np.where(data.certain | skipping.certain, 0, 1).astype(np.int32)
    workload = workloads[0.5]
    workload = Workload(
        workload.symbols * kept[workload.indexes], workload.indexes, workload.scales
    )
    print_speed(
        f"0.5, {100 * (1 - kept[workload.indexes].mean()):.0f} % not coded",
        skipping,
        workload,
        options.repeats,
    )

    print(
        f"\n{'cost':<10} {'ideal':>8} {'scale grid':>12} {'14-bit cdf':>12} {'coded':>12} {'all':>12}"
    )
    for bits, workload in workloads.items():
        print_cost(bits, data, workload)

    print(
        f"\n{'lanes':<10} {'tables, B':>10} {'1':>18} {'4':>18} {'32':>18} {'chosen':>18}   bytes at 0.5 bit a symbol"
    )
    for count in (10, 100, 1000, 10_000, 100_000, 1_000_000):
        if count <= options.symbols:
            print_lanes(count, data, workloads[0.5])


if __name__ == "__main__":
    main()
