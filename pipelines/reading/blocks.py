"""From streams to rows of frames or clips, GOP by GOP: what a read task does. Nothing here needs
Ray."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np

import streamcodec
from streamcodec.checks import check_count, check_on_damage
from streamcodec.errors import CorruptStreamError, FormatError, SourceError, UsageError
from streamcodec.stream.sampling.shaping import Shaping
from streamcodec.types import MAX_PIXELS, OnDamage

from ..files.locations import local_path

__all__ = ["COLUMNS", "WEIGHTS", "Piece", "Reading", "blocks", "deal", "pieces_of"]

COLUMNS = ("data", "path", "index", "pts_seconds", "duration_seconds")
WEIGHTS = "STREAMCODEC_WEIGHTS"
BLOCK_BYTES = 32 << 20  # of pixels, in a block of rows

Block = dict[str, np.ndarray[Any, Any]]
"""Column -> array, whose first dimension is that of rows."""


@dataclass(frozen=True)
class Reading:
    """How rows are made: what `read_ssf` was told. `weights`: folder of models beside the
    package's, for tasks on other machines."""

    clip_length: int | None = None
    columns: tuple[str, ...] = COLUMNS
    device: str | None = "cpu"
    on_damage: OnDamage = "raise"
    max_pixels: int = MAX_PIXELS
    weights: str | None = None
    shaping: Shaping = field(default_factory=Shaping)

    def __post_init__(self) -> None:
        if self.clip_length is not None:
            check_count("clip length", self.clip_length, "frames")
        if not self.columns or set(self.columns) - set(COLUMNS):
            raise UsageError(
                f"columns are {self.columns}; accepted: at least one of {', '.join(COLUMNS)}"
            )
        check_on_damage(self.on_damage)

    @property
    def frames(self) -> int:
        """Of a row."""
        return self.clip_length or 1


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows that begin in one GOP: at frames `first`, `first` + `step`, ... before `end`.
    `row_bytes`: of the pixels of each."""

    location: str
    first: int
    end: int
    step: int
    row_bytes: int

    @property
    def starts(self) -> range:
        """The first frames of the rows."""
        return range(self.first, self.end, self.step)

    @property
    def size_bytes(self) -> int:
        """Of all pixels."""
        return len(self.starts) * self.row_bytes


def pieces_of(location: str, reading: Reading) -> list[Piece]:
    """The pieces of a stream, from its index. Raises the errors of `streamcodec.open`, unless
    damage is skipped: then there are none."""
    try:
        with opened(location, reading) as video:
            return _cut(location, video, reading)
    except (SourceError, FormatError):
        if reading.on_damage == "raise":
            raise
        return []


def _cut(location: str, video: "streamcodec.Video", reading: Reading) -> list[Piece]:
    """A piece for every GOP in which a row begins."""
    height, width = reading.shaping.size_of(video.size, location)
    frames = reading.frames
    last = len(video) - frames
    ends = [*video.key_frames[1:], last + 1]
    pieces = []
    for begin, end in zip(video.key_frames, ends, strict=True):
        first = -(-begin // frames) * frames
        pieces.append(
            Piece(location, first, min(end, last + 1), frames, frames * 3 * height * width)
        )
    return [piece for piece in pieces if piece.starts]


def deal(pieces: Sequence[Piece], parts: int) -> list[list[Piece]]:
    """At most `parts` groups of pieces, in order, each of about as many bytes."""
    total = sum(piece.size_bytes for piece in pieces)
    dealt: list[list[Piece]] = [[] for _ in range(max(parts, 1))]
    before = 0
    for piece in pieces:
        dealt[before * len(dealt) // total].append(piece)
        before += piece.size_bytes
    return [part for part in dealt if part]


def blocks(pieces: Iterable[Piece], reading: Reading) -> Iterator[Block]:
    """The rows of some pieces, in blocks of about BLOCK_BYTES and of one shape."""
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # idle threads of networks sleep; read when PyTorch is loaded
    if reading.weights is not None:
        os.environ[WEIGHTS] = reading.weights
    kept: list[dict[str, Any]] = []
    size = 0
    for piece, row in _rows(pieces, reading):
        if kept and (
            size + piece.row_bytes > BLOCK_BYTES or row["data"].shape != kept[0]["data"].shape
        ):
            yield _block(kept, reading.columns)
            kept, size = [], 0
        kept.append(row)
        size += piece.row_bytes
    if kept:
        yield _block(kept, reading.columns)


def _block(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> Block:
    return {name: np.stack([row[name] for row in rows]) for name in columns}


def _rows(pieces: Iterable[Piece], reading: Reading) -> Iterator[tuple[Piece, dict[str, Any]]]:
    """Consecutive pieces of a stream share one open Video, so a clip may cross GOPs."""
    for location, run in groupby(pieces, key=attrgetter("location")):
        with opened(location, reading) as video:
            for piece in run:
                for start in piece.starts:
                    try:
                        batch = video[start : start + piece.step]
                    except CorruptStreamError:
                        if reading.on_damage == "raise":
                            raise
                        continue
                    yield piece, _row(location, batch, reading)


def _row(location: str, batch: "streamcodec.FrameBatch", reading: Reading) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "data": reading.shaping.pixels(batch.array, location, ""),
        "pts_seconds": batch.pts_seconds,
        "duration_seconds": batch.duration_seconds,
    }
    single = reading.clip_length is None
    own = {name: values[0] if single else values for name, values in columns.items()}
    return {**own, "path": np.array(location), "index": batch.indexes[0]}


@contextmanager
def opened(location: str, reading: Reading) -> Iterator["streamcodec.Video"]:
    """A stream on a disk or behind a URL; only what is needed is read."""
    settings: dict[str, Any] = {
        "device": reading.device,
        "on_damage": reading.on_damage,
        "max_pixels": reading.max_pixels,
    }
    path = local_path(location)
    with streamcodec.open(location if path is None else path, **settings) as video:
        yield video
