"""Training of the default models and of published image models: `train(config, data, folder)`, or `streamcodec train`."""

# ruff: noqa: E402 (what follows imports PyTorch, which is asked for first)

from streamcodec.runtime import require_torch

require_torch("streamcodec.training")

from streamcodec.training.config import TrainConfig, load_config
from streamcodec.training.data import ClipSource, Shards
from streamcodec.training.loop import Trainer
from streamcodec.training.run import Ending, train
from streamcodec.training.sources import Data

__all__ = ["ClipSource", "Data", "Ending", "Shards", "TrainConfig", "Trainer", "load_config", "train"]
