"""Motion prediction and the reading of motion symbols, slow and obvious, from the text of predict.hpp and syntax.hpp."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]

LUMA_TAPS = [
    [
        [0, 0, 0, 64, 0, 0, 0, 0],
        [-1, 4, -10, 58, 17, -5, 1, 0],
        [-1, 4, -11, 40, 40, -11, 4, -1],
        [0, 1, -5, 17, 58, -10, 4, -1],
    ],
    [
        [0, 1, 15, 32, 15, 1, 0, 0],
        [0, 1, 9, 30, 21, 3, 0, 0],
        [0, 0, 6, 26, 26, 6, 0, 0],
        [0, 0, 3, 21, 30, 9, 1, 0],
    ],
    [
        [3, 8, 13, 16, 13, 8, 3, 0],
        [3, 6, 12, 15, 14, 9, 4, 1],
        [2, 5, 10, 15, 15, 10, 5, 2],
        [1, 4, 9, 14, 15, 12, 6, 3],
    ],
]
_HALVES = [  # fractions of 0 to 4 eighths; the others are mirrored
    [[0, 64, 0, 0], [-2, 58, 10, -2], [-4, 54, 16, -2], [-6, 46, 28, -4], [-4, 36, 36, -4]],
    [[5, 54, 5, 0], [3, 53, 8, 0], [1, 49, 14, 0], [1, 41, 22, 0], [0, 32, 32, 0]],
    [[16, 32, 16, 0], [13, 30, 18, 3], [10, 29, 21, 4], [8, 28, 23, 5], [6, 26, 26, 6]],
]
CHROMA_TAPS = [[*half, *(taps[::-1] for taps in half[3:0:-1])] for half in _HALVES]


def pad(plane: NDArray[np.uint8], multiple: int) -> NDArray[np.uint8]:
    return np.pad(plane, [(0, -side % multiple) for side in plane.shape], mode="edge")


def shifted(
    reference: NDArray[np.uint8], vector: Array, filter_: int, taps: list, fraction: int
) -> Array:
    """What block prediction gives at every pixel of the plane with one vector."""
    n = len(taps[0][0]) // 2 - 1
    h, w = reference.shape
    (iy, fy), (ix, fx) = (divmod(int(v), fraction) for v in vector)
    rows, columns = np.arange(h) + iy, np.arange(w) + ix
    total = np.zeros((h, w), np.int64)
    for k, ty in enumerate(taps[filter_][fy]):
        for j, tx in enumerate(taps[filter_][fx]):
            picked = reference[
                np.ix_((rows + k - n).clip(0, h - 1), (columns + j - n).clip(0, w - 1))
            ]
            total += ty * tx * picked.astype(np.int64)
    return ((total + 2048) >> 12).clip(0, 255)


def predict_plane(
    field, previous: NDArray[np.uint8], key: NDArray[np.uint8], block: int
) -> NDArray[np.uint8]:
    """One padded plane; block 8 for luma, 4 for chroma."""
    taps, fraction = (LUMA_TAPS, 4) if block == 8 else (CHROMA_TAPS, 8)
    modes, filters, to_previous, to_key = field.modes, field.filters, field.previous, field.key
    h, w = previous.shape
    made: dict[tuple, Array] = {}

    def of_block(y: int, x: int) -> Array:
        y, x = min(max(y, 0), h // block - 1), min(max(x, 0), w // block - 1)
        mode, filter_ = modes[y // 2, x // 2], filters[y // 2, x // 2]
        parts = []
        for used, plane, vector, name in (
            (mode != 1, previous, to_previous[y, x], 0),
            (mode != 0, key, to_key[y, x], 1),
        ):
            if used:
                at = (name, int(filter_), *map(int, vector))
                if at not in made:
                    made[at] = shifted(plane, vector, filter_, taps, fraction)
                parts.append(made[at])
        return parts[0] if len(parts) == 1 else (parts[0] + parts[1] + 1) >> 1

    out = np.zeros((h, w), np.int64)
    for y in range(h):
        c, g = divmod(2 * y + 1 - block, 2 * block)
        for x in range(w):
            d, k = divmod(2 * x + 1 - block, 2 * block)
            total = 2 * block * block
            for row, weight in ((c, 2 * block - g), (c + 1, g)):
                for column, share in ((d, 2 * block - k), (d + 1, k)):
                    total += weight * share * of_block(row, column)[y, x]
            out[y, x] = total // (4 * block * block)
    return out.astype(np.uint8)


class Reader:
    """Reads a field symbol by symbol: get(row) -> symbol. `previous` has modes, filters, previous and key, or is None."""

    def __init__(
        self,
        get: Callable[[int], int],
        rows: int,
        columns: int,
        previous: object,
        has_key: bool,
        quality: int,
    ) -> None:
        self.get, self.rows, self.columns, self.old, self.has_key = (
            get,
            rows,
            columns,
            previous,
            has_key,
        )
        self.base = 166 * (quality // 16)
        self.modes, self.filters = np.zeros((rows, columns), int), np.zeros((rows, columns), int)
        self.fresh = np.zeros((rows, columns), int)
        self.vectors = [
            np.zeros((2 * rows, 2 * columns, 2), int) for _ in range(2)
        ]  # previous, key
        for row in range(rows):
            for column in range(columns):
                self.macroblock(row, column)

    def chain(self, vector: tuple, y: int, x: int, size: int) -> tuple:
        earlier = (0, 0)
        if self.old is not None:
            py = min(max(8 * y + 4 * size + vector[0] // 4, 0), 16 * self.rows - 1) // 8
            px = min(max(8 * x + 4 * size + vector[1] // 4, 0), 16 * self.columns - 1) // 8
            earlier = tuple(map(int, self.old.key[py, px]))
        return tuple(min(max(a + b, -1023), 1023) for a, b in zip(vector, earlier, strict=True))

    def around(self, y: int, x: int, size: int, block: int, get: Callable) -> tuple:
        """L, U, R by `get(y, x)`; of nothing if there are none."""
        left = get(y, x - 1) if x > 0 else None
        up = get(y - 1, x) if y > 0 else None
        left, up = up if left is None else left, left if up is None else up
        if left is None:
            return (None, None, None)
        corner = up
        if y > 0 and block != 3 and x + size < 2 * self.columns:
            corner = get(y - 1, x + size)
        elif y > 0 and x > 0:
            corner = get(y - 1, x - 1)
        return left, up, corner

    def at(self, y: int, x: int) -> tuple:
        return (
            self.modes[y // 2, x // 2],
            self.filters[y // 2, x // 2],
            *(tuple(map(int, v[y, x])) for v in self.vectors),
        )

    def macroblock(self, row: int, column: int) -> None:
        y, x, nothing = 2 * row, 2 * column, (0, 0, (0, 0), (0, 0))
        left, up, corner = (nothing if m is None else m for m in self.around(y, x, 2, 0, self.at))
        old = left
        if self.old is not None:
            vector = tuple(map(int, self.old.previous[y, x]))
            mode = self.old.modes[row, column] if self.has_key else 0
            old = (mode, self.old.filters[row, column], vector, self.chain(vector, y, x, 2))
        candidates = different([left, up, corner], same)
        t = next((k for k, m in enumerate(candidates) if same(m, old)), 3)
        candidates = different([*candidates, old, nothing], same)[:4]
        new = (self.fresh[row, column - 1] if column else 0) + (
            self.fresh[row - 1, column] if row else 0
        )
        kind = self.get(self.base + (pattern(left, up, corner, same) * 4 + t) * 3 + new)
        blocks = [(y + k // 2, x + k % 2) for k in range(4)]
        if kind < 4:
            self.modes[row, column], self.filters[row, column], *pair = candidates[kind]
            for k in blocks:
                for vectors, vector in zip(self.vectors, pair, strict=True):
                    vectors[k] = vector
        else:
            self.fresh[row, column] = 1
            mode = self.get(self.base + 60 + 3 * left[0] + up[0]) if self.has_key else 0
            self.filters[row, column] = self.get(self.base + 69 + 3 * left[1] + up[1])
            self.modes[row, column] = mode
            first = 1 if mode == 1 else 0
            around = tuple((m[2], m[3]) for m in (left, up, corner))
            if kind == 4:
                vector = self.difference(0, [m[first] for m in around])
                for k in blocks:
                    self.vectors[first][k] = vector
            else:
                for number, k in enumerate(blocks):
                    self.vectors[first][k] = self.block(
                        number, k, first, median([m[0] for m in around])
                    )
            if mode == 2:
                expected = self.chain(tuple(map(int, self.vectors[0][y, x])), y, x, 2)
                key = self.difference(2, [m[1] for m in around], expected)
                for k in blocks:
                    self.vectors[1][k] = key
            if mode == 1:
                for k in blocks:
                    self.vectors[0][k] = median([m[0] for m in around])
        if self.modes[row, column] == 0:
            for k in blocks:
                self.vectors[1][k] = self.chain(tuple(map(int, self.vectors[0][k])), *k, 1)

    def block(self, number: int, at: tuple, first: int, expected: tuple) -> tuple:
        around = self.around(
            *at, 1, number, lambda y, x: tuple(map(int, self.vectors[first][y, x]))
        )
        around = tuple((0, 0) if v is None else v for v in around)
        old = around[0]
        if self.old is not None:
            old = self.chain(expected, *at, 1) if first else tuple(map(int, self.old.previous[at]))
        choices = different([*around, old], lambda a, b: a == b)
        row = 10 * number + 2 * pattern(*around, lambda a, b: a == b) + (old not in around)
        choice = self.get(self.base + 78 + row)
        return choices[choice] if choice < 4 else self.difference(1, list(around))

    def difference(self, number: int, around: list, expected: tuple | None = None) -> tuple:
        expected = median(around) if expected is None else expected
        base = self.base + 118 + 16 * number
        dy = self.get(base + spread([v[0] for v in around]))
        size = 0 if dy == 0 else 1 if abs(dy) <= 3 else 2
        dx = self.get(base + 4 + 3 * spread([v[1] for v in around]) + size)
        return expected[0] + dy, expected[1] + dx


def same(a: tuple, b: tuple) -> bool:
    return a[:2] == b[:2] and (a[0] == 1 or a[2] == b[2]) and (a[0] == 0 or a[3] == b[3])


def different(items: list, alike: Callable) -> list:
    kept: list = []
    for item in items:
        if not any(alike(item, k) for k in kept):
            kept.append(item)
    return kept


def pattern(left: tuple, up: tuple, corner: tuple, alike: Callable) -> int:
    lu, ur, lr = alike(left, up), alike(up, corner), alike(left, corner)
    return 0 if lu and ur else 1 if lu else 2 if ur else 3 if lr else 4


def median(vectors: list) -> tuple:
    return tuple(sorted(v[k] for v in vectors)[1] for k in range(2))


def spread(values: list) -> int:
    total = abs(values[0] - values[1]) + abs(values[1] - values[2]) + abs(values[0] - values[2])
    return 0 if total == 0 else 1 if total <= 4 else 2 if total <= 16 else 3
