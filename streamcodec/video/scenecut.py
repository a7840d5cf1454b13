"""Where a new scene begins, from two cheap looks at each pair of neighbouring frames in 96x64 grey.

    score = (share + histogram) / 2       0 = the same picture, 1 = nothing in common
    share      = inter / (inter + intra + 1)    mean absolute error, in grey levels, of the
                                          motion-compensated last frame (inter) and of a 9x9 box blur
                                          of the frame itself (intra): what prediction is worth
    histogram  = half the L1 distance of 32-bin histograms
    a cut  <=>  score >= threshold  and  score >= m + 0.2 (1 - m)
                                          m: running mean of the scores, halved at each step

The running mean keeps fast motion, whose scores are all high, from being cut into pieces. Motion is
searched for in blocks of 8x8 as far as a tenth of the picture, at half the resolution first.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from streamcodec.errors import UsageError

__all__ = ["DEFAULT_THRESHOLD", "SceneCutDetector", "cut_score"]

DEFAULT_THRESHOLD = 0.35

WIDTH, HEIGHT = 96, 64
SAMPLES = 4  # of luma that are averaged, in each direction
BLOCK = 8
REACH_X, REACH_Y = 10, 6
FINE = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
REACH_BLUR = 4
BINS = 32
NOISE = 1.0  # grey levels: two black frames are not a cut
MARGIN = 0.2

Gray = NDArray[np.int16]
"""(64, 96), 0..255."""


class SceneCutDetector:
    """Fed with one frame after the other; `threshold` in 0..1, 0 = off. UsageError for another threshold."""

    def __init__(self, threshold: float = DEFAULT_THRESHOLD) -> None:
        if not 0 <= threshold <= 1:
            raise UsageError(f"scene-cut threshold is {threshold!r}; accepted: 0 (off) to 1")
        self._threshold = threshold
        self._last: Gray | None = None
        self._mean = 0.0

    def is_cut(self, luma: NDArray[np.uint8]) -> bool:
        """Whether a frame, given by its luma (H, W) uint8, begins a new scene.

        The first frame does not: nothing was there before. Raises UsageError for another array.
        """
        if self._threshold == 0:
            return False
        small = _shrink(luma)
        last, self._last = self._last, small
        if last is None:
            return False
        score = cut_score(small, last)
        stands_out = score >= self._mean + MARGIN * (1 - self._mean)
        self._mean = (self._mean + score) / 2
        return stands_out and score >= self._threshold


def cut_score(current: Gray, last: Gray) -> float:
    """0..1, as described above."""
    inter = float(_least_errors(current, last).sum()) / current.size
    intra = float(np.abs(current - _blurred(current)).mean())
    share = inter / (inter + intra + NOISE)
    return (share + _histogram_distance(current, last)) / 2


def _least_errors(current: Gray, last: Gray) -> NDArray[np.int32]:
    """Of every block of `current`: the sum of absolute errors of the best place found in `last`."""
    padded = np.pad(last, ((REACH_Y + 1, REACH_Y + 1), (REACH_X + 1, REACH_X + 1)), mode="edge")
    top, left = _coarse_motion(_halved(current), _halved(last))
    blocks = current.reshape(HEIGHT // BLOCK, BLOCK, WIDTH // BLOCK, BLOCK).swapaxes(1, 2)
    rows = np.arange(HEIGHT).reshape(-1, 1, BLOCK, 1) + (top + REACH_Y + 1)[..., None, None]
    columns = np.arange(WIDTH).reshape(1, -1, 1, BLOCK) + (left + REACH_X + 1)[..., None, None]
    errors = [np.abs(blocks - padded[rows + y, columns + x]).sum((2, 3)) for y, x in FINE]
    least: NDArray[np.int32] = np.min(errors, axis=0)
    return least


def _coarse_motion(current: Gray, last: Gray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(8, 12) each: displacements down and right, in full pixels, of pictures at half the resolution."""
    reach_y, reach_x, side = REACH_Y // 2, REACH_X // 2, BLOCK // 2
    padded = np.pad(last, ((reach_y, reach_y), (reach_x, reach_x)), mode="edge")
    errors = np.abs(current - sliding_window_view(padded, current.shape))
    columns = np.add.reduce([errors[..., place::side] for place in range(side)])
    sums = np.add.reduce([columns[..., place::side, :] for place in range(side)])
    best = sums.reshape(-1, *sums.shape[2:]).argmin(0)
    return 2 * (best // (2 * reach_x + 1) - reach_y), 2 * (best % (2 * reach_x + 1) - reach_x)


def _halved(gray: Gray) -> Gray:
    return (gray[::2, ::2] + gray[1::2, ::2] + gray[::2, 1::2] + gray[1::2, 1::2] + 2) >> 2


def _blurred(gray: Gray) -> NDArray[np.float64]:
    """The mean of 9x9 samples around each, edges repeated."""
    side = 2 * REACH_BLUR + 1
    sums = np.pad(gray, REACH_BLUR, mode="edge").cumsum(0, dtype=np.int64).cumsum(1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    blurred: NDArray[np.float64] = inside / side**2
    return blurred


def _histogram_distance(a: Gray, b: Gray) -> float:
    first, second = (np.bincount(gray.ravel() * BINS // 256, minlength=BINS) for gray in (a, b))
    return float(np.abs(first - second).sum()) / (2 * a.size)


def _shrink(luma: NDArray[np.uint8]) -> Gray:
    """Means of samples at equal distances."""
    if luma.dtype != np.uint8 or luma.ndim != 2 or luma.size == 0:
        raise UsageError(f"luma is {luma.dtype} {luma.shape}; accepted: uint8 (H, W)")
    rows, columns = _places(luma.shape[0], HEIGHT), _places(luma.shape[1], WIDTH)
    samples = luma[rows][:, columns].reshape(HEIGHT, SAMPLES, WIDTH, SAMPLES)
    sums: Gray = samples.sum((1, 3), dtype=np.int16)
    sums += SAMPLES**2 // 2
    sums //= SAMPLES**2
    return sums


def _places(length: int, parts: int) -> NDArray[np.intp]:
    count = SAMPLES * parts
    return (2 * np.arange(count) + 1) * length // (2 * count)
