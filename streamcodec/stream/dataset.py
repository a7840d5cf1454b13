"""Frames for training: GOPs are dealt out over the ranks of a job and the workers of their loaders."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch.distributed
from torch.utils.data import IterableDataset, get_worker_info

from streamcodec.errors import UsageError
from streamcodec.files import ByteSource
from streamcodec.stream.frames import Frame
from streamcodec.stream.video import open

__all__ = ["VideoDataset"]


class VideoDataset(IterableDataset[Any]):
    """All frames of some streams, each exactly once over all ranks and workers; the GOP is what is dealt out.

    `sources`: what `streamcodec.open` takes, one or many. `transform`: Frame -> sample; by default the sample is `frame.data`,
    (3, H, W) uint8. `shuffle` mixes the GOPs, not the frames in them, anew for every `set_epoch`. `rank`, `world_size`: None takes
    torch.distributed's, if it is initialised. `device`: where networks run; in worker processes keep to "cpu".
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
        device: str | None = "cpu",
    ) -> None:
        one = isinstance(sources, (str, bytes)) or not isinstance(sources, Sequence)
        self._sources: list[ByteSource] = [sources] if one else list(sources)  # type: ignore[list-item, arg-type]
        self._transform = transform
        self._shuffle, self._seed, self._epoch = shuffle, seed, 0
        self._device = device
        joined = torch.distributed.is_available() and torch.distributed.is_initialized()
        self._rank = (torch.distributed.get_rank() if joined else 0) if rank is None else rank
        self._world_size = (torch.distributed.get_world_size() if joined else 1) if world_size is None else world_size
        if not 0 <= self._rank < self._world_size:
            raise UsageError(f"rank is {self._rank} of {self._world_size}; accepted: 0 .. world_size - 1")

    def set_epoch(self, epoch: int) -> None:
        """Choose another order for the next iteration, the same on all ranks."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        workers, number = (1, 0) if worker is None else (worker.num_workers, worker.id)
        shards = self._world_size * workers
        yield from self._samples(self._rank * workers + number, shards)

    def _samples(self, shard: int, shards: int) -> Iterator[Any]:
        videos = [open(source, device=self._device) for source in self._sources]
        gops = [(video, gop) for video in videos for gop in range(len(video.key_frames))]
        if self._shuffle:
            random.Random(f"{self._seed}/{self._epoch}").shuffle(gops)
        for video, gop in gops[shard::shards]:
            for frame in video.gop(gop):
                yield frame.data if self._transform is None else self._transform(frame)
