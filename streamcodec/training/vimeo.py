"""Vimeo-90K's septuplets as clips (T. Xue et al., "Video Enhancement with Task-Oriented Flow", IJCV 2019).

FOLDER/sep_trainlist.txt                     one septuplet a line: 00001/0001
FOLDER/sequences/00001/0001/im1.png ... im7.png
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from streamcodec.errors import SourceError, UsageError

__all__ = ["Vimeo90K"]

LIST, LENGTH = "sep_trainlist.txt", 7


class Vimeo90K:
    """Every septuplet once in each round, in an order drawn anew, each cut to a random square of `side` pixels.

    Raises UsageError if the list is missing or empty.
    """

    length = LENGTH

    def __init__(self, folder: Path, *, side: int, seed: int) -> None:
        self.side, self._folder, self._seed = side, folder, seed
        try:
            lines = (folder / LIST).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {folder / LIST}: {error}; accepted: the folder of Vimeo-90K's septuplets") from error
        self._names = sorted(lines)
        if not self._names:
            raise UsageError(f"{folder / LIST} is empty; accepted: one septuplet a line, such as 00001/0001")

    def __len__(self) -> int:
        return len(self._names)

    def __str__(self) -> str:
        return f"{len(self)} septuplets in {self._folder}"

    def make(self, number: int) -> NDArray[np.uint8]:
        """(7, 3, side, side) uint8 RGB. Raises SourceError if a picture cannot be read, or is smaller than that."""
        turn, index = divmod(number, len(self._names))
        order = np.random.default_rng([self._seed, turn]).permutation(len(self._names))
        sequence = self._folder / "sequences" / self._names[int(order[index])]
        place = np.random.default_rng([self._seed, turn, index]).random(2)
        return np.stack([self._square(sequence / f"im{frame}.png", place) for frame in range(1, LENGTH + 1)])

    def _square(self, path: Path, place: NDArray[np.float64]) -> NDArray[np.uint8]:
        try:
            with Image.open(path) as opened:
                picture = np.asarray(opened.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise SourceError(f"{path} is missing or not a picture: {error}") from error
        size = np.array(picture.shape[:2])
        if size.min() < self.side:
            raise SourceError(f"{path} is {size[1]}x{size[0]}; the clips' side is {self.side}; accepted: up to {size.min()}")
        top, left = (place * (size - self.side + 1)).astype(int)
        square = picture[top : top + self.side, left : left + self.side]
        return np.ascontiguousarray(square.transpose(2, 0, 1), dtype=np.uint8)
