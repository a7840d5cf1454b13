"""Training of the default models: `make_pairs(recipe, folder, count)`, then `train(config,
[folder], run)`; or `streamcodec train`."""

# ruff: noqa: E402 (what follows imports PyTorch, which is asked for first)

from streamcodec.runtime import require_torch

require_torch("streamcodec.training")

from streamcodec.training.config import TrainConfig, load_config
from streamcodec.training.data import Recipe, make_pairs, open_pairs
from streamcodec.training.export import export_state
from streamcodec.training.state import averaged_model
from streamcodec.training.trainer import Ending, train

__all__ = [
    "Ending",
    "Recipe",
    "TrainConfig",
    "averaged_model",
    "export_state",
    "load_config",
    "make_pairs",
    "open_pairs",
    "train",
]
