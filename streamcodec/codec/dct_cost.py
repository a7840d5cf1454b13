"""How much arithmetic the networks of the default models take, counted from their weights."""

from dataclasses import dataclass

from streamcodec import _native
from streamcodec.codec.dct_grids import on_grids
from streamcodec.codec.dct_weights import DctWeights
from streamcodec.engine.native import native
from streamcodec.engine.program import convolutions

__all__ = ["NetworkCost", "network_cost"]

SIDE = 256
"""Of the frame that is counted: a multiple of every grid."""

GRIDS = {
    "analysis_in": 4,
    "residual": 4,
    "synthesis_in": 4,
    "coefficients": 8,
    "context": 8,
    "features_in": 8,
    "hyper": 8,
    "hyper_in": 8,
    "hyper_half": 16,
    "z": 32,
}
"""Pixels of the frame per position of each slot whose size is given (dct_weights.py)."""

ENCODER_STAGES = ("analysis", "hyper_analysis")
"""What the encoder runs beside the decoder's half."""


@dataclass(frozen=True)
class NetworkCost:
    """Of a model: numbers in its networks, and thousands of multiplications (with an addition each) per pixel of a frame.

    A convolution counts as it is defined, however it is computed. Motion and the transforms are not counted; of stages that take
    the place of others in a frame (`hadamard_*`, of `indexes_*`, as large) the numbers alone.
    """

    parameters: int
    encode_kmac: float
    decode_kmac: float


def network_cost(weights: DctWeights) -> NetworkCost:
    """Count. Raises UsageError for a network that the engine does not take."""
    network = on_grids(weights.network, weights.kind)
    sizes = {slot.name: (SIDE // GRIDS[slot.name],) * 2 for slot in network.slots if slot.is_given}
    workspace = _native.Workspace(native(network), sizes)
    counts = {stage.name: workspace.multiplications(stage.name) for stage in network.stages}
    for name in [name for name in counts if name.startswith("hadamard_")]:
        counts.pop(name)
    decode = sum(count for name, count in counts.items() if name not in ENCODER_STAGES)
    layers = [layer for _, layer in convolutions(weights.network)]
    per_pixel = 1 / (1000 * SIDE**2)
    return NetworkCost(
        sum(
            layer.weights.size + layer.bias.size + (0 if layer.slope is None else layer.slope.size)
            for layer in layers
        ),
        sum(counts.values()) * per_pixel,
        decode * per_pixel,
    )
