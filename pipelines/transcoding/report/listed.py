"""Which of the files that are done the page shows: all, or of many those that stand out."""

import math
from collections.abc import Callable, Iterable
from heapq import heappush, heappushpop
from itertools import chain, zip_longest

from ..manifest.rows import FileRow

__all__ = ["Listed", "folder_of"]

MOST_LISTED = 200


class Listed:
    """Takes the rows of a job one by one and keeps the worst, half by PSNR, half by bits per pixel;
    all, where there are no more than `MOST_LISTED`."""

    def __init__(self) -> None:
        self._by_quality = _Lowest(MOST_LISTED, _quality)
        self._by_size = _Lowest(MOST_LISTED, _smallness)

    def add(self, row: FileRow) -> None:
        self._by_quality.add(row)
        self._by_size.add(row)

    def rows(self) -> tuple[FileRow, ...]:
        """The worst first."""
        in_turns = zip_longest(self._by_quality.rows(), self._by_size.rows())
        found = {row.output: row for row in chain.from_iterable(in_turns) if row is not None}
        taken = list(found.values())[:MOST_LISTED]
        return tuple(sorted(taken, key=lambda row: (_quality(row), _smallness(row))))


class _Lowest:
    """The rows of the lowest keys."""

    def __init__(self, most: int, key: Callable[[FileRow], float]) -> None:
        self._most, self._key = most, key
        self._count = 0
        self._heap: list[tuple[float, int, FileRow]] = []  # the highest key first

    def add(self, row: FileRow) -> None:
        self._count += 1
        item = (-self._key(row), -self._count, row)
        if len(self._heap) < self._most:
            heappush(self._heap, item)
        else:
            heappushpop(self._heap, item)

    def rows(self) -> list[FileRow]:
        """The lowest first."""
        return [row for *_, row in sorted(self._heap, key=lambda item: item[:2], reverse=True)]


def _quality(row: FileRow) -> float:
    return math.inf if row.psnr_db is None else row.psnr_db


def _smallness(row: FileRow) -> float:
    return math.inf if row.bpp is None else -row.bpp


def folder_of(locations: Iterable[str]) -> str:
    """What all locations begin with, up to a "/"; empty if there is none, or nothing else."""
    found = [location.rpartition("/")[0] for location in locations]
    if not found:
        return ""
    low, high = min(found).split("/"), max(found).split("/")
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    folder = "/".join(low[:same])
    return f"{folder}/" if folder.strip("/") else ""
