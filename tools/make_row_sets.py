#!/usr/bin/env python3
"""Makes the sets of rows of P- and B-frames (native/src/frame/sets.hpp) from what coded videos use.

    tools/make_row_sets.py VIDEO_OR_FOLDER ... --weights INTRA INTER --out NEW_INTER.safetensors

Pieces of 17 frames of 320x224 pixels are drawn from the videos by chance and coded by the models, at
qualities from all four classes, without B-frames and in runs of 7. The symbols of each step are counted
by row. The steps are then divided into groups, again and again: each goes where it costs least, and the
rows of a group are fitted to its counts. Set 0 stays as it is: what symbols are chosen by, and so the
pictures, do not change. A folder of pictures is a video too.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamcodec import EncodeOptions
from streamcodec._native import InterModel, IntraModel, Reference
from streamcodec.codec import pyramid
from streamcodec.codec.dct_weights import (
    MAX_SETS,
    SCALE_ROWS,
    DctWeights,
    load_dct_weights,
    read_weights_file,
    save_dct_weights,
)
from streamcodec.entropy.tables import CERTAIN, Table, escape_bits, fit_table, stack_tables
from streamcodec.files import replace_on_success
from streamcodec.stream.control.offsets import PlaceInGop
from streamcodec.training.data.planes import Planes, middle
from streamcodec.training.data.sources import find_videos, read_clip
from streamcodec.types import QUALITIES

HEIGHT, WIDTH, FRAMES, RUN = 224, 320, 17, 7
CLASSES = 4
NEAR = 31
"""Magnitudes up to it are counted one by one, all others together."""
THREADS = 2
LARGEST_SYMBOL = 2047
PRIOR = 500.0
"""Symbols' worth of set 0 that each row of another set begins with."""
STARTS, TURNS = 8, 15
Counts = NDArray[np.float64]
"""(steps, rows, NEAR + 2)"""


class Coder:
    def __init__(self, intra: DctWeights, inter: DctWeights) -> None:
        models = intra.native(), inter.native()
        assert isinstance(models[0], IntraModel)
        assert isinstance(models[1], InterModel)
        self._intra, self._inter = models

    def counts(self, clip: list[Planes], quality: int, run: int) -> tuple[Counts, int]:
        """Of the steps of a GOP with runs of so many B-frames; and the bytes of the GOP."""
        payload, reference = self._intra.encode(
            clip[0], EncodeOptions().quality_of_key(quality), threads=THREADS
        )
        coded, size, found = {0: reference}, len(payload), list[NDArray[np.uint32]]()

        def code(number: int, offset: int, reference: Reference) -> int:
            level = min(max(quality + offset, 0), QUALITIES - 1)
            payload, coded[number] = self._inter.encode(
                clip[number], level, reference, threads=THREADS, counts=found
            )
            return len(payload)

        for first, last in pairwise(range(0, len(clip), run + 1)):
            size += code(last, PlaceInGop(last, run).offset, coded[first])
            for place in pyramid(run):
                number, future = first + place.at, coded[first + place.future]
                before = coded[first + place.past].between(
                    future,
                    back=place.at - place.past,
                    ahead=place.future - place.at,
                    spanned_by_future=place.spanned_by_future,
                )
                size += code(number, PlaceInGop(number, run, place.level).offset, before)
        return np.stack([by_magnitude(each) for each in found]), size


def by_magnitude(counts: NDArray[np.uint32]) -> NDArray[np.float64]:
    """(rows, NEAR + 2) of what the encoder counted: -NEAR - 1 .. NEAR, then all others."""
    middle = NEAR + 1
    above = counts[:, middle : 2 * middle].astype(np.float64)
    above[:, 1:] += counts[:, middle - 1 : 0 : -1]
    return np.column_stack((above, counts[:, 0] + counts[:, -1]))


def probabilities(table: Table) -> NDArray[np.float64]:
    """Of the values -LARGEST_SYMBOL..LARGEST_SYMBOL, as the bits that they take say."""
    found = np.zeros(2 * LARGEST_SYMBOL + 1)
    shares = np.diff(table.cdf) / table.cdf[-1]
    if table.is_certain:
        found[LARGEST_SYMBOL] = 1
        return found
    start, stop = (LARGEST_SYMBOL + table.offset + k for k in (0, len(shares) - 1))
    found[start:stop] = shares[:-1]
    below, above = np.arange(1, start + 1), np.arange(1, len(found) - stop + 1)
    found[:start] = (shares[-1] * 2.0 ** -escape_bits(below, above=False))[::-1]
    found[stop:] = shares[-1] * 2.0 ** -escape_bits(above, above=True)
    return found


def shares(table: Table) -> NDArray[np.float64]:
    """The same by magnitude: (NEAR + 2,), the last one of all larger ones."""
    values = probabilities(table)
    both = values[LARGEST_SYMBOL:] + values[LARGEST_SYMBOL::-1]
    both[0] /= 2
    near = both[: NEAR + 1]
    return np.append(near, max(1 - near.sum(), 0.0))


def fitted(base: Counts, counts: Counts) -> Counts:
    """Shares (rows, NEAR + 2) of a group's counts."""
    return (counts + PRIOR * base) / (counts.sum(1, keepdims=True) + PRIOR)


def group(
    base: Counts, counts: Counts, sets: int, rng: np.random.Generator
) -> tuple[float, Counts]:
    """What the symbols cost in the best of several groupings, against set 0 alone; and its shares (sets, rows,
    NEAR + 2), the first those of `base`. Each grouping begins with the rows of a few steps."""
    flat = counts.reshape(len(counts), -1)
    least, best = np.inf, base[None]
    for _ in range(STARTS):
        first = counts[rng.choice(len(counts), sets - 1, replace=False)]
        found = np.stack([base, *(fitted(base, each) for each in first)])
        for _ in range(TURNS):
            costs = -flat @ np.log2(np.maximum(found, 1e-12)).reshape(sets, -1).T
            chosen = costs.argmin(1)
            cost = float(costs.min(1).sum() / costs[:, 0].sum())
            if cost < least:
                least, best = cost, found.copy()
            for number in np.unique(chosen[chosen > 0]):
                found[number] = fitted(base, counts[chosen == number].sum(0))
    return least, best


def table_of(share: NDArray[np.float64], usual: Table) -> Table:
    """With the usual table's tail beyond NEAR."""
    if usual.is_certain:
        return CERTAIN
    pmf, before = probabilities(usual), shares(usual)
    magnitude = np.abs(np.arange(-LARGEST_SYMBOL, LARGEST_SYMBOL + 1))
    near = magnitude <= NEAR
    pmf[~near] *= share[-1] / max(before[-1], 1e-12)
    pmf[near] = share[magnitude[near]] / np.where(magnitude[near] > 0, 2, 1)
    return fit_table(pmf, -LARGEST_SYMBOL)


def drawn(videos: list[Path], count: int, rng: np.random.Generator) -> Iterator[list[Planes]]:
    """Pieces of the videos; fewer than `count` where many videos are too short or too small."""
    for _ in range(4 * count):
        clip = read_clip(videos[rng.integers(len(videos))], FRAMES, WIDTH, rng)
        if clip is None:
            continue
        yield [middle(frame, HEIGHT, WIDTH) for frame in clip]
        count -= 1
        if not count:
            return


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--weights", nargs=2, type=Path, required=True, metavar=("INTRA", "INTER"))
    parser.add_argument("--sets", type=int, choices=range(2, MAX_SETS + 1), default=3)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    intra, inter = (load_dct_weights(path) for path in options.weights)
    config, _ = read_weights_file(options.weights[1])
    rng, coder, gops = np.random.default_rng(options.seed), Coder(intra, inter), []
    for number, clip in enumerate(drawn(find_videos(options.videos), options.clips, rng)):
        per_class = QUALITIES // CLASSES
        quality = number % CLASSES * per_class + int(rng.integers(per_class))
        gops += [coder.counts(clip, quality, run) for run in (0, RUN)]
    if not gops:
        parser.error(f"no video has {FRAMES} frames of {WIDTH}x{WIDTH} or more")
    mean = np.mean([size for _, size in gops])  # a bit of a small GOP counts as much as its share
    steps = np.concatenate([counts * mean / size for counts, size in gops])
    usual = [inter.tables.table(row) for row in range(SCALE_ROWS)]
    base = np.stack([shares(table) for table in usual])
    cost, found = group(base, steps, options.sets, rng)
    rows = [table_of(*pair) for each in found[1:] for pair in zip(each, usual, strict=True)]
    kept = [
        inter.tables.table(row) for row in range(inter.tables.rows - SCALE_ROWS * (inter.sets - 1))
    ]
    made = replace(inter, tables=stack_tables(kept + rows), sets=options.sets)
    with replace_on_success(options.out, overwrite=True) as part:
        save_dct_weights(part, made, **config)
    print(f"{len(steps)} steps; their symbols take {100 * (cost - 1):+.2f} % bits")


if __name__ == "__main__":
    main()
