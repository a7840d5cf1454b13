"""Training of the default model: `train(config, shards, folder)`, or `python -m streamcodec.training`."""

from streamcodec.training.config import TrainConfig, load_config
from streamcodec.training.data import Shards
from streamcodec.training.loop import Trainer, train

__all__ = ["Shards", "TrainConfig", "Trainer", "load_config", "train"]
