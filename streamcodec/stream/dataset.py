"""Frames for training: GOPs are dealt out over the ranks of a job and the workers of their loaders."""

import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Unpack

from streamcodec.checks import check_count
from streamcodec.errors import UsageError
from streamcodec.file_objects import reading_object
from streamcodec.files import STANDARD_STREAM, ByteSource, input_file
from streamcodec.runtime import has_torch
from streamcodec.stream.options import DecodeOptions, OpenSettings
from streamcodec.stream.reading.frames import Frame
from streamcodec.stream.reading.opening import hinting
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
    """All frames of some streams, each exactly once over all ranks and workers; the GOP is what is dealt out.

    `sources`: what `streamcodec.open` takes, one or many; of a file object or pipe all bytes are read at once,
    paths are opened only while they are read. `transform`: Frame -> sample; by default the sample is
    `frame.data`, a tensor (3, H, W) uint8 RGB, or without PyTorch `frame.array`. `shuffle` mixes the GOPs, not
    the frames in them, anew for every `set_epoch`. `rank`, `world_size`: None takes torch.distributed's, if it is
    initialised. `settings`: as for `streamcodec.open`, but networks run on the CPU unless `device` says otherwise:
    keep to the CPU in worker processes.
    """

    def __init__(
        self,
        sources: ByteSource | Sequence[ByteSource],
        *,
        transform: Callable[[Frame], Any] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        **settings: Unpack[OpenSettings],
    ) -> None:
        one = isinstance(sources, (str, bytes, bytearray, memoryview)) or not isinstance(
            sources, Sequence
        )
        several: list[ByteSource] = [sources] if one else list(sources)  # type: ignore[list-item, arg-type]
        self._sources = [_that_opens_again(source) for source in several]
        self._transform = transform
        self._shuffle, self._seed, self._epoch = shuffle, seed, SharedEpoch()
        settings.setdefault("device", "cpu")
        self._options = DecodeOptions(**settings)
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

        Worker processes that live on (`persistent_workers`) take it over too. Raises UsageError
        unless `epoch` is an integer, 0 or more.
        """
        self._epoch.set(check_count("epoch", epoch, "", at_least=0))

    def __iter__(self) -> Iterator[Any]:
        worker = _worker()
        workers, number = (1, 0) if worker is None else worker
        shards = self._world_size * workers
        # The epoch is read here, not at the first sample: a loader waits until all of its workers
        # have come this far, so that they take the same one.
        epoch = self._epoch.of_iteration(in_worker=worker is not None)
        return self._samples(self._rank * workers + number, shards, epoch)

    def _samples(self, shard: int, shards: int, epoch: int) -> Iterator[Any]:
        gops = [
            (source, gop)
            for source in range(len(self._sources))
            for gop in range(self._count_gops(source))
        ]
        if self._shuffle:
            random.Random(f"{self._seed}/{epoch}").shuffle(gops)
        for source, run in groupby(gops[shard::shards], key=itemgetter(0)):
            with self._opened(
                source
            ) as video:  # one at a time: there may be more than a process can hold open
                for _, gop in run:
                    for frame in self._frames(video, gop):
                        yield _sample(frame) if self._transform is None else self._transform(frame)

    def _frames(self, video: Video, gop: int) -> Iterator[Frame]:
        with hinting(self._options.on_damage):
            yield from video.gop(gop)

    def _count_gops(self, source: int) -> int:
        if source not in self._gop_counts:
            with self._opened(source) as video:
                self._gop_counts[source] = len(video.key_frames)
        return self._gop_counts[source]

    def _opened(self, source: int) -> Video:
        with hinting(self._options.on_damage):
            return Video(self._sources[source], self._options)


class SharedEpoch:
    """A number, 0 at first, that workers see change: forked ones, and those that a loader sends it to.

    A worker's first iteration takes the number that stood when the process was made, as that may
    start later than the loop that asked for it. Without PyTorch, which has such workers, the number
    is this process's own. A copy made by pickle or copy.deepcopy goes its own way.
    """

    def __init__(self) -> None:
        self._at_start = 0
        self._begun_in: int | None = None
        self._shared = _shared_integer()

    def set(self, epoch: int) -> None:
        self._at_start = epoch
        if self._shared is not None:
            self._shared.fill_(epoch)

    def of_iteration(self, *, in_worker: bool) -> int:
        """The epoch of an iteration that begins now."""
        first = in_worker and self._begun_in != os.getpid()
        self._begun_in = os.getpid() if in_worker else self._begun_in
        return self._at_start if first or self._shared is None else int(self._shared)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._shared is not None:
            self._shared.share_memory_()


def _shared_integer() -> Any:
    """A tensor of one int64 in memory that processes share, 0; None without PyTorch."""
    if sys.modules.get("torch") is None:
        return None
    import torch

    shared: Any = torch.zeros((), dtype=torch.int64)
    return shared.share_memory_()


def _sample(frame: Frame) -> Any:
    return frame.data if has_torch() else frame.array


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


def _that_opens_again(source: ByteSource) -> ByteSource:
    """The source, or its bytes if it can be read but once."""
    if source == STANDARD_STREAM or hasattr(source, "read"):
        with input_file(source) as file, reading_object("a source"):
            return file.read()
    return bytes(source) if isinstance(source, memoryview) else source
