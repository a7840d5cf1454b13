"""Frames for training: GOPs are dealt out over the ranks of a job and the workers of their loaders."""

import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Unpack

from streamcodec.checks import check_count
from streamcodec.errors import UsageError
from streamcodec.files import ByteSource
from streamcodec.runtime import has_torch
from streamcodec.stream.reading.frames import Frame
from streamcodec.stream.reading.opening import hinting
from streamcodec.stream.sampling.epochs import SharedEpoch
from streamcodec.stream.sampling.samples import Samples, SampleSettings, sources_of
from streamcodec.stream.video import Video

__all__ = ["VideoDataset"]


if TYPE_CHECKING:
    from torch.utils.data import IterableDataset

    Base = IterableDataset[Any]
elif has_torch():
    from torch.utils.data import IterableDataset as Base
else:
    Base = Iterable


class VideoDataset(Base):
    """All samples of some streams, each exactly once over all ranks and workers; the GOP is what is dealt out.

    `sources`: what `streamcodec.open` takes, one or many; of a file object or pipe all bytes are read at once,
    paths are opened only while they are read. A sample is one frame, (3, H, W) uint8 RGB; with `clip_length` T it is a
    clip (T, 3, H, W), dealt out with the GOP in which it begins. It is a tensor, or without PyTorch an array.

    `clip_length`, `frame_stride`, `clip_stride`: T; frames from one of a clip to the next, and from one clip to the next
    (None: end to end). `resize`: (height, width), or the length of the shorter side; `crop`: (height, width), or the
    side of a square, at `crop_position` "center" or "random". `output_dtype`: "uint8" 0..255, or "float16", "float32",
    "bfloat16" 0..1. `transform`: makes the sample instead, of a Frame, or of a clip's FrameBatch, resized and cropped.

    `shuffle` mixes the GOPs, not what is in them, by `seed`, anew for every `set_epoch`; random crops lie where seed,
    epoch, source and first frame say, whatever the number of ranks and workers. `rank`, `world_size`: None takes
    torch.distributed's, if it is initialised. Other settings: as for `streamcodec.open`, but networks run on the CPU
    unless `device` says otherwise: keep to the CPU in worker processes. With `on_damage="skip"` samples with frames that
    are lost are left out.

    Raises UsageError for what is not accepted, also, while reading, for a crop that a stream's frames do not hold.
    """

    def __init__(
        self,
        sources: ByteSource | Sequence[ByteSource],
        *,
        transform: Callable[[Any], Any] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        **settings: Unpack[SampleSettings],
    ) -> None:
        self._sources = sources_of(sources)
        self._samples = Samples.of(settings, transform, seed)
        self._shuffle, self._seed, self._epoch = shuffle, seed, SharedEpoch()
        self._gop_counts: dict[int, int] = {}
        own_rank, own_world_size = _place()
        self._rank = own_rank if rank is None else rank
        self._world_size = own_world_size if world_size is None else world_size
        if check_count("rank", self._rank, "", at_least=0) >= check_count(
            "world_size", self._world_size, "processes"
        ):
            raise UsageError(
                f"rank is {self._rank} of {self._world_size}; accepted: 0 .. world_size - 1"
            )

    def set_epoch(self, epoch: int) -> None:
        """Choose another order for the next iteration, the same on all ranks.

        Worker processes that live on (`persistent_workers`) take it over too: there call it between iterations. Between `iter(loader)`
        and the first sample of each worker it is in doubt whether a worker has begun with the old epoch or begins with the new one; a
        loader does not tell. Raises UsageError unless `epoch` is an integer, 0 or more.
        """
        self._epoch.set(check_count("epoch", epoch, "", at_least=0))

    def __iter__(self) -> Iterator[Any]:
        worker = _worker()
        workers, number = (1, 0) if worker is None else worker
        shards = self._world_size * workers
        # Read here, not at the first sample, which may come much later than the loader's `iter`.
        epoch = self._epoch.of_iteration(in_worker=worker is not None)
        return self._of_shard(self._rank * workers + number, shards, epoch)

    def _of_shard(self, shard: int, shards: int, epoch: int) -> Iterator[Any]:
        gops = [
            (source, gop)
            for source in range(len(self._sources))
            for gop in range(self._count_gops(source))
        ]
        if self._shuffle:
            random.Random(f"{self._seed}/{epoch}").shuffle(gops)
        for source, run in groupby(gops[shard::shards], key=itemgetter(0)):
            # one is open at a time: there may be more than a process can hold open
            with self._samples.open(self._sources[source]) as video:
                for _, gop in run:
                    yield from self._of_gop(video, source, gop, epoch)

    def _of_gop(self, video: Video, source: int, gop: int, epoch: int) -> Iterator[Any]:
        samples = iter(self._samples.clips.of_gop(video, gop))
        while True:
            with hinting(self._samples.options.on_damage):
                shown = next(samples, None)
            if shown is None:
                return
            first = shown.index if isinstance(shown, Frame) else shown.indexes[0]
            yield self._samples.make(shown, self._sources[source], f"{epoch}/{source}/{first}")

    def _count_gops(self, source: int) -> int:
        if source not in self._gop_counts:
            with self._samples.open(self._sources[source]) as video:
                self._gop_counts[source] = len(video.key_frames)
        return self._gop_counts[source]


def _place() -> tuple[int, int]:
    """Rank and world size of torch.distributed, if it is initialised."""
    if sys.modules.get("torch") is None:
        return 0, 1
    from torch import distributed

    joined = distributed.is_available() and distributed.is_initialized()
    return (distributed.get_rank(), distributed.get_world_size()) if joined else (0, 1)


def _worker() -> tuple[int, int] | None:
    """How many workers the loader has, and which one this process is; None if it is none of them."""
    if sys.modules.get("torch") is None:
        return None
    from torch.utils.data import get_worker_info

    worker = get_worker_info()
    return None if worker is None else (worker.num_workers, worker.id)
