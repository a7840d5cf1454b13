"""Integer networks: the same numbers on every machine, by every instruction set and in PyTorch.

program: networks as values. arrays: to and from files. native: run in C++. torch_path, reference: run elsewhere.
"""

from streamcodec.engine.arrays import from_arrays, to_arrays, to_config
from streamcodec.engine.lookup import log_table
from streamcodec.engine.program import (
    Channels,
    Conv,
    DepthToSpace,
    Layer,
    Network,
    Slot,
    SpaceToDepth,
    Stage,
    square_taps,
)

__all__ = [
    "Channels",
    "Conv",
    "DepthToSpace",
    "Layer",
    "Network",
    "Slot",
    "SpaceToDepth",
    "Stage",
    "from_arrays",
    "log_table",
    "square_taps",
    "to_arrays",
    "to_config",
]
