"""A folder of pairs: arrays that NumPy maps into memory, so that a run reads only what it draws.

    pairs.json       {"format": 1, "crop": C, "count": n, ...}; written last: the folder is complete
    frames.npy       uint8 (n, C * C * 3 / 2): Y, U and V of a square, one after the other
    predictions.npy  uint8, likewise: its motion-compensated prediction (of pairs)
    q.npy            float32 (n,): the quantiser of its references, 12..44 (of pairs)
    before.npy       uint8 (n, 96, C / 8, C / 8): |symbols| of the P-frame before, at most 255
                     (where the codec coded the references)

While it is being made, `making.json` says how and `done.npy` which groups of rows are there: it can
be stopped at any time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from streamcodec.checks import parse_json
from streamcodec.errors import OutputError, UsageError
from streamcodec.files import replace_on_success, writing
from streamcodec.models.dct.transforms import CHANNELS

__all__ = ["Crops", "PairFolder", "PairWriter", "open_pairs"]

INFO, MAKING, DONE = "pairs.json", "making.json", "done.npy"


@dataclass(frozen=True)
class Crops:
    """Rows of the arrays above. `predictions`, `q`: None of I-frames' crops; `before`: None if
    there is none."""

    frames: NDArray[np.uint8]
    predictions: NDArray[np.uint8] | None = None
    q: NDArray[np.float32] | None = None
    before: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class PairFolder:
    """An open folder: `crops` are mapped arrays of `count` rows, squares of `crop` pixels."""

    path: Path
    crop: int
    count: int
    crops: Crops


def open_pairs(path: Path) -> PairFolder:
    """Raises UsageError if the folder holds no complete pairs."""
    try:
        info = parse_json((path / INFO).read_text(encoding="utf-8"))
        crop, count = int(info["crop"]), int(info["count"])
        arrays = {
            name: np.load(path / f"{name}.npy", mmap_mode="r")
            for name in ("frames", "predictions", "q", "before")
            if (path / f"{name}.npy").exists()
        }
        folder = PairFolder(path, crop, count, Crops(**arrays))
    except (OSError, ValueError, KeyError, TypeError) as error:
        unfinished = (
            " yet: make it with the same command again"
            if (path / MAKING).exists()
            else f": {_reason(error)}"
        )
        raise UsageError(
            f"{path} is not a folder of pairs (streamcodec train data){unfinished}"
        ) from error
    for name, array in arrays.items():
        if array.shape != _shape(name, crop, count):
            raise UsageError(
                f"{path / name}.npy is {array.shape}; accepted: {_shape(name, crop, count)}"
            )
    return folder


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        return f"it has no {Path(error.filename).name}"
    return str(error)


def _shape(name: str, crop: int, count: int) -> tuple[int, ...]:
    if name == "q":
        return (count,)
    return (
        (count, CHANNELS, crop // 8, crop // 8)
        if name == "before"
        else (count, crop * crop * 3 // 2)
    )


class PairWriter:
    """Fills a folder group by group, `group` rows at once and in any order; goes on where it
    stopped.

    `recipe`: all that decides what the rows are. Raises OutputError if the folder holds something
    made otherwise.
    """

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        crop: int,
        count: int,
        group: int,
        recipe: Mapping[str, Any],
    ) -> None:
        self._path, self._group = path, group
        self._info = {"format": 1, "crop": crop, "count": count, **recipe}
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            self.is_complete = (path / INFO).exists()
            begun = self.is_complete or (path / MAKING).exists()
            if begun:
                self._check(path / (INFO if self.is_complete else MAKING))
            if self.is_complete:
                return
            self._arrays = {
                name: self._map(name, begun, _shape(name, crop, count)) for name in names
            }
            self._done = self._map("done", begun, (-(-count // group),))
            if not begun:
                self._write(path / MAKING)

    def missing(self) -> list[int]:
        """Numbers of the groups that are still missing."""
        return [] if self.is_complete else np.flatnonzero(self._done == 0).tolist()

    def put(self, number: int, crops: Crops) -> None:
        """The rows of one group; those beyond the folder's count are dropped."""
        with writing(self._path):
            for name, array in self._arrays.items():
                rows = array[number * self._group : (number + 1) * self._group]
                values = getattr(crops, name)
                rows[:] = 0 if values is None else values[: len(rows)]
            self._done[number] = 1

    def finish(self) -> None:
        """After the last group."""
        if self.is_complete:
            return
        with writing(self._path):
            for array in self._arrays.values():
                array.flush()
            self._write(self._path / INFO)
            (self._path / MAKING).unlink()
            (self._path / DONE).unlink()

    def _check(self, path: Path) -> None:
        held = parse_json(path.read_text(encoding="utf-8"))
        if held != json.loads(json.dumps(self._info)):
            differing = sorted(
                key for key in held | self._info if held.get(key) != self._info.get(key)
            )
            raise OutputError(
                f"{self._path} holds pairs made otherwise ({', '.join(differing)}); "
                "name another folder"
            )

    def _map(self, name: str, exists: bool, shape: tuple[int, ...]) -> "np.memmap[Any, Any]":
        kind = np.float32 if name == "q" else np.uint8
        mode: Literal["r+", "w+"] = "r+" if exists else "w+"
        return np.lib.format.open_memmap(self._path / f"{name}.npy", mode, kind, shape)

    def _write(self, path: Path) -> None:
        with replace_on_success(path, overwrite=True) as part:
            part.write_text(json.dumps(self._info, indent=1), encoding="utf-8")
