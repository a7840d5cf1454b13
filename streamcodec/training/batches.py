"""Crops of several folders as batches: rows, windows, views and qualities are drawn by chance.

A view of a pair is a pair that the codec could meet as well: mirrored, turned over, transposed, with U
and V exchanged, or with less contrast at a finer quantiser. The magnitudes of DCT coefficients, and
so the symbols of the frame before, do not change by it, or only their places do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamcodec.errors import UsageError
from streamcodec.models.dct.transforms import CHANNELS, LUMA, Planes
from streamcodec.training.config import Kind, Qualities
from streamcodec.training.data import PairFolder, open_pairs

__all__ = ["Batch", "DataSet", "draw_batch", "held_batches", "open_data"]

HELD_BATCH = 20
CONTRASTS = (0.6, 1.25)
RECONTRASTED = 0.5
"""Share of the rows whose contrast is changed."""
OCTAVE = 6.0
"""Steps of q that double the quantiser."""
GREY = 128.0
CHROMA = (CHANNELS - LUMA) // 2
EXCHANGED = np.r_[:LUMA, LUMA + CHROMA : CHANNELS, LUMA : LUMA + CHROMA]
"""The channels of coefficients where U and V are exchanged."""
TRANSPOSED = np.r_[
    np.arange(LUMA).reshape(8, 8).T.ravel(),
    LUMA + np.arange(CHROMA).reshape(4, 4).T.ravel(),
    LUMA + CHROMA + np.arange(CHROMA).reshape(4, 4).T.ravel(),
]
"""The channels where rows and columns are."""


@dataclass(frozen=True)
class Batch:
    """`frame`: planes of samples 0..255, float. `q` (N,). Of pairs: `prediction`, likewise, and
    `before` (N, 96, H / 8, W / 8)."""

    frame: Planes
    q: Tensor
    prediction: Planes | None = None
    before: Tensor | None = None


@dataclass(frozen=True)
class DataSet:
    """Folders whose crops have one size. The first `held[i]` rows of folder i are not drawn."""

    folders: tuple[PairFolder, ...]
    held: tuple[int, ...]
    kind: Kind

    @property
    def drawn(self) -> int:
        """Rows that can be drawn."""
        return sum(folder.count for folder in self.folders) - sum(self.held)

    def describe(self) -> list[str]:
        """The folders, to tell whether a run goes on with what it began with."""
        return [f"{folder.path.name}: {folder.count}" for folder in self.folders]


def open_data(paths: Sequence[Path], kind: Kind, crop: int, held: int) -> DataSet:
    """Holds back `held` rows in all, but no more than a quarter of a folder. Raises UsageError
    for folders that do not fit."""
    folders = tuple(open_pairs(path) for path in paths)
    if not folders:
        raise UsageError("a run needs data; name folders of pairs (streamcodec train data)")
    for folder in folders:
        if folder.crop < crop or folder.crop != folders[0].crop:
            raise UsageError(
                f"{folder.path} has crops of {folder.crop} pixels; "
                f"accepted: {crop} or more, the same in all folders"
            )
        if kind == "inter" and folder.crops.predictions is None:
            raise UsageError(
                f"{folder.path} holds frames without predictions; they train kind intra only"
            )
    each = tuple(min(held // len(folders), folder.count // 4) for folder in folders)
    return DataSet(folders, each, kind)


def draw_batch(
    data: DataSet, size: int, crop: int, qualities: Qualities, rng: np.random.Generator
) -> Batch:
    """`size` windows of `crop` pixels, each in a view of its own."""
    picks = [_draw(data, int(number), crop, rng) for number in rng.integers(0, data.drawn, size)]
    q = rng.uniform(qualities.lowest_q, qualities.highest_q, size)
    if data.kind == "inter":
        near = (
            np.array([_q(data, pick) for pick in picks])
            + OCTAVE * np.log2([pick.view.contrast for pick in picks])
            + rng.uniform(-1, 1, size) * qualities.q_spread
        )
        q = np.where(rng.random(size) < qualities.any_q, q, near)
    return _load(data, picks, crop, q.clip(qualities.lowest_q, qualities.highest_q))


def held_batches(data: DataSet, qualities: Qualities) -> Iterator[Batch]:
    """All rows that are held back, whole; each at its pair's quality, or at qualities that cover
    the range."""
    rows = [(folder, row) for folder, held in enumerate(data.held) for row in range(held)]
    crop = data.folders[0].crop
    spread = np.linspace(qualities.lowest_q, qualities.highest_q, max(2, len(rows)))
    for first in range(0, len(rows), HELD_BATCH):
        picks = [_Pick(*pair, 0, 0, View()) for pair in rows[first : first + HELD_BATCH]]
        q = spread[first : first + len(picks)]
        if data.kind == "inter":
            q = np.array([_q(data, pick) for pick in picks]).clip(
                qualities.lowest_q, qualities.highest_q
            )
        yield _load(data, picks, crop, q)


@dataclass(frozen=True)
class View:
    """How a crop is shown. `contrast`: samples' distance from grey is multiplied by it."""

    mirrored: bool = False
    upside_down: bool = False
    transposed: bool = False
    chroma_exchanged: bool = False
    contrast: float = 1.0


@dataclass(frozen=True)
class _Pick:
    folder: int
    row: int
    top: int
    left: int
    view: View


def _draw_view(rng: np.random.Generator) -> View:
    mirrored, upside_down, transposed, exchanged, recontrasted = rng.random(5) < (
        *(0.5,) * 4,
        RECONTRASTED,
    )
    contrast = float(np.exp(rng.uniform(*np.log(CONTRASTS)))) if recontrasted else 1.0
    return View(bool(mirrored), bool(upside_down), bool(transposed), bool(exchanged), contrast)


def _row(data: DataSet, number: int) -> tuple[int, int]:
    for index, (folder, held) in enumerate(zip(data.folders, data.held, strict=True)):
        if number < folder.count - held:
            return index, held + number
        number -= folder.count - held
    raise IndexError(number)


def _draw(data: DataSet, number: int, crop: int, rng: np.random.Generator) -> _Pick:
    """A window of the number-th row that can be drawn."""
    folder, row = _row(data, number)
    places = (data.folders[0].crop - crop) // 16 + 1
    top, left = (int(place) * 16 for place in rng.integers(0, places, 2))
    return _Pick(folder, row, top, left, _draw_view(rng))


def _q(data: DataSet, pick: _Pick) -> float:
    values = data.folders[pick.folder].crops.q
    assert values is not None
    return float(values[pick.row])


def _load(data: DataSet, picks: Sequence[_Pick], crop: int, q: NDArray[np.float64]) -> Batch:
    crops = [data.folders[pick.folder].crops for pick in picks]
    rows = list(zip(crops, picks, strict=True))
    frame = _planes([_cut(each.frames, pick, crop, data) for each, pick in rows])
    qualities = torch.from_numpy(q.astype(np.float32))
    if data.kind == "intra":
        return Batch(frame, qualities)
    prediction = _planes(
        [
            _cut(each.predictions, pick, crop, data)
            for each, pick in rows
            if each.predictions is not None
        ]
    )
    before = np.zeros((len(picks), CHANNELS, crop // 8, crop // 8), np.float32)
    for cells, (each, pick) in zip(before, rows, strict=True):
        if each.before is not None:
            cells[:] = _seen_cells(_part(each.before[pick.row], pick, 8, crop // 8), pick.view)
    return Batch(frame, qualities, prediction, torch.from_numpy(before))


def _cut(
    rows: NDArray[np.uint8], pick: _Pick, crop: int, data: DataSet
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Luma (crop, crop) and chroma (2, crop / 2, crop / 2) of a pick, as its view shows them."""
    side, row = data.folders[0].crop, rows[pick.row]
    luma, chroma = (
        row[: side * side].reshape(side, side),
        row[side * side :].reshape(2, side // 2, side // 2),
    )
    chroma = chroma[::-1] if pick.view.chroma_exchanged else chroma
    return (
        _seen_samples(_part(luma, pick, 1, crop), pick.view),
        _seen_samples(_part(chroma, pick, 2, crop // 2), pick.view),
    )


def _part(plane: NDArray[np.uint8], pick: _Pick, divisor: int, side: int) -> NDArray[np.uint8]:
    """The window, turned and mirrored as the view is."""
    top, left = pick.top // divisor, pick.left // divisor
    part = plane[..., top : top + side, left : left + side]
    part = part[..., ::-1] if pick.view.mirrored else part
    part = part[..., ::-1, :] if pick.view.upside_down else part
    return part.swapaxes(-1, -2) if pick.view.transposed else part


def _seen_samples(part: NDArray[np.uint8], view: View) -> NDArray[np.float32]:
    if view.contrast == 1:
        return part.astype(np.float32)
    return ((part.astype(np.float32) - GREY) * view.contrast + GREY).clip(0, 255)


def _seen_cells(part: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """Magnitudes of coefficients, in the places that they have in the view."""
    part = part[TRANSPOSED] if view.transposed else part
    return part[EXCHANGED] if view.chroma_exchanged else part


def _planes(cuts: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> Planes:
    luma, chroma = (torch.from_numpy(np.stack([cut[i] for cut in cuts])) for i in (0, 1))
    return luma[:, None], chroma
