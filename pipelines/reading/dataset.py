"""`read_ssf`: frames or clips of .ssf streams as a dataset of Ray Data, for training.

    clips = read_ssf("coded/", clip_length=8, resize=256, crop=224, columns=("data",), shuffle=True)
    clips.iter_torch_batches(batch_size=4)

Paths and ranges of frames travel; frames are decoded in the read tasks, and a task holds no more
than a block of them at a time.
"""

import os
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from streamcodec.errors import SourceError, UsageError
from streamcodec.stream.sampling.shaping import Shaping, Size
from streamcodec.types import MAX_PIXELS, OnDamage

from ..files.sources import STREAM_SUFFIXES, Filter, Sources, list_sources, names_of
from .blocks import COLUMNS, WEIGHTS, Piece, Reading, blocks, deal, pieces_of

try:
    import ray.data
    from ray.data import Dataset, Datasource, ReadTask
    from ray.data.block import BlockAccessor, BlockMetadata
except ImportError as error:
    raise UsageError(
        f"this needs Ray Data, which is not installed ({error}); pip install 'streamcodec[ray]'"
    ) from error

__all__ = ["SsfDatasource", "read_ssf"]

OPENED_AT_ONCE = 16  # files, while their indexes are read: of a store, each takes a few round trips


def read_ssf(
    paths: Sources,
    *,
    clip_length: int | None = None,
    columns: Sequence[str] = COLUMNS,
    resize: Size | None = None,
    crop: Size | None = None,
    shuffle: bool = False,
    seed: int = 0,
    device: str | None = "cpu",
    on_damage: OnDamage = "raise",
    max_pixels: int = MAX_PIXELS,
    num_cpus: float | None = None,
    num_gpus: float | None = None,
    concurrency: int | None = None,
    override_num_blocks: int | None = None,
) -> Dataset:
    """All frames of some streams, or all clips of `clip_length` frames, each exactly once; rows
    with these `columns`:

    data: (3, H, W) uint8 RGB; of a clip (T, 3, H, W). path: of the stream. index: of the frame, or
    of the clip's first. pts_seconds, duration_seconds: of the frame; of a clip (T,).

    The clips of a stream lie end to end from its first frame on, across GOPs; what is left at its
    end, shorter than a clip, is left out. `paths`: files, folders, globs, lists and URLs
    (sources.py); their indexes are read before this returns. `resize`: (height, width), or the length
    of the shorter side; `crop`: (height, width), or the side of a square, from the centre of what
    was resized: with these, rows of videos of different sizes go into one batch. Batches for torch
    take columns of numbers: leave out `path`. `shuffle` mixes the GOPs, not what is
    in them, by `seed`: take another one for every epoch. Ray hands rows out as they are done,
    unless `ray.data.DataContext.get_current().execution_options.preserve_order` is set. `device`:
    where networks run; with "cuda" give `num_gpus`. `on_damage` "skip" leaves out rows with frames
    that are lost, and streams that cannot be opened; "conceal" the latter only. `max_pixels`: as
    for `streamcodec.open`. The others are Ray's.

    Raises UsageError for arguments that are not accepted, SourceError for a source that is missing
    or if there are no streams, and the errors of `streamcodec.open`.
    """
    reading = Reading(
        clip_length,
        tuple(columns),
        device,
        on_damage,
        max_pixels,
        os.environ.get(WEIGHTS),
        Shaping(resize, crop),
    )
    source = SsfDatasource(names_of(paths), reading, shuffle=shuffle, seed=seed)
    found: Dataset = ray.data.read_datasource(
        source,
        num_cpus=num_cpus,
        num_gpus=num_gpus,
        concurrency=concurrency,
        override_num_blocks=override_num_blocks,
    )
    return found


class SsfDatasource(Datasource):
    """The GOPs of streams, dealt out over read tasks."""

    def __init__(
        self, sources: Sequence[str], reading: Reading, *, shuffle: bool = False, seed: int = 0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._reading = reading
        locations = [item.location for item in list_sources(sources, Filter(STREAM_SUFFIXES))]
        if not locations:
            raise SourceError(
                f"there are no streams in {', '.join(sources) or 'nothing'}; accepted: .ssf files, and folders that hold some"
            )
        with ThreadPoolExecutor(OPENED_AT_ONCE) as pool:
            found = pool.map(partial(pieces_of, reading=reading), locations)
            self._pieces = [piece for pieces in found for piece in pieces]
        if shuffle:
            random.Random(seed).shuffle(self._pieces)

    def estimate_inmemory_data_size(self) -> int:
        """Bytes of all pixels."""
        return sum(piece.size_bytes for piece in self._pieces)

    def get_read_tasks(
        self, parallelism: int, per_task_row_limit: int | None = None, data_context: Any = None
    ) -> list[ReadTask]:
        """Runs of GOPs with about as many frames in each."""
        return [self._task(part, per_task_row_limit) for part in deal(self._pieces, parallelism)]

    def _task(self, pieces: Sequence[Piece], row_limit: int | None) -> ReadTask:
        reading = self._reading
        paths = tuple(dict.fromkeys(piece.location for piece in pieces))
        rows, size = (
            sum(len(piece.starts) for piece in pieces),
            sum(piece.size_bytes for piece in pieces),
        )
        exact = reading.on_damage == "raise"
        about = BlockMetadata(
            num_rows=rows if exact else None, size_bytes=size, input_files=paths, exec_stats=None
        )
        return ReadTask(
            lambda: map(BlockAccessor.batch_to_block, blocks(pieces, reading)),
            about,
            per_task_row_limit=row_limit,
        )
