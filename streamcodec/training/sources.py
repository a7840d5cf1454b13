"""Which data a run learns from: shards, a folder of videos, or Vimeo-90K."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from streamcodec.training.clips import ClipMaker, MadeClips
from streamcodec.training.config import TrainConfig
from streamcodec.training.data import ClipSource, Shards
from streamcodec.training.replicas import ALONE, Replicas

__all__ = ["Data", "DataKind"]

DataKind = Literal["shards", "videos", "vimeo90k"]


@dataclass(frozen=True)
class Data:
    """A folder and what is in it."""

    kind: DataKind
    folder: Path

    def open(self, config: TrainConfig, replicas: Replicas = ALONE) -> ClipSource:
        """The clips for one of the processes, in an order that the config's seed decides. Raises UsageError if the folder has none."""
        if self.kind == "shards":
            return Shards(self.folder, replicas.rank, replicas.world)
        return MadeClips(self._maker(config), replicas.rank, replicas.world, walking=config.chains)

    def _maker(self, config: TrainConfig) -> ClipMaker:
        """Loaded when needed: shards want neither FFmpeg nor OpenCV."""
        if self.kind == "videos":
            from streamcodec.training.videos import VideoClips

            return VideoClips(self.folder, length=config.clip_frames, side=config.crop, seed=config.seed)
        from streamcodec.training.vimeo import Vimeo90K

        return Vimeo90K(self.folder, side=config.crop, seed=config.seed)
