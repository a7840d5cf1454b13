"""The stages of a weights file for the grids that they run on (dct_weights.py, "The network")."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from streamcodec.engine import Conv, Network, Stage
from streamcodec.errors import UsageError

__all__ = ["Kind", "on_grids"]

Kind = Literal["intra", "inter"]
Grid = tuple[int, int]

_A, _B = (("00", (0, 0)), ("11", (1, 1))), (("01", (0, 1)), ("10", (1, 0)))
_GRIDS: dict[Kind, dict[str, tuple[str, Grid]]] = {
    "inter": {
        f"indexes_{step}{name}": (f"indexes_{step}", grid)
        for step, grids in (("a", _A), ("b", _B))
        for name, grid in grids
    },
    "intra": {
        f"indexes_{step}": (f"indexes_{step}", grid)
        for step, grid in enumerate(((0, 0), (1, 1), (0, 1), (1, 0)))
    },
}
"""Name of a stage on its grid -> what it is stored as, and the grid."""
_HADAMARD = {
    f"hadamard_{step}{name}": grid for step, grids in (("a", _A), ("b", _B)) for name, grid in grids
}


def on_grids(network: Network, kind: Kind) -> Network:
    """The network with the stages `indexes_*` and `hadamard_*` for the grids that they run on. Raises UsageError if one of the
    former is missing."""
    stages = {stage.name: stage for stage in network.stages}
    others = tuple(
        _shifted(stage, stage.name, _HADAMARD[stage.name]) if stage.name in _HADAMARD else stage
        for stage in network.stages
        if not stage.name.startswith("indexes_")
    )
    indexes = tuple(
        _shifted(_stored(stages, stored), name, grid)
        for name, (stored, grid) in _GRIDS[kind].items()
    )
    return Network(network.slots, others + indexes)


def _stored(stages: Mapping[str, Stage], name: str) -> Stage:
    if name not in stages:
        raise UsageError(f"the network has no stage {name}; it has {', '.join(stages)}")
    return stages[name]


def _shifted(stage: Stage, name: str, grid: Grid) -> Stage:
    layers = [
        replace(layer, origin=(layer.origin[0] + grid[0], layer.origin[1] + grid[1]))
        if isinstance(layer, Conv) and layer.stride == 2
        else layer
        for layer in stage.layers
    ]
    return Stage(name, tuple(layers))
