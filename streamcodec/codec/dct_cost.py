"""What coding with a DCT model costs, counted from its weights."""

from collections.abc import Iterator
from dataclasses import dataclass

from streamcodec.codec.dct_weights import DctWeights
from streamcodec.engine import Conv, DepthToSpace, SpaceToDepth, Stage

__all__ = ["DctCost", "cost_of"]

INPUT_SCALES = {
    "inter": {"features_in": 8, "context": 8, "synthesis_in": 4, "analysis_in": 4},
    "intra": {"z": 32, "context": 8, "residual": 4, "coefficients": 8, "analysis_in": 4, "hyper_in": 8},
}
"""Slots that the frame codec writes -> how many pixels of luma lie between their samples."""
RUNS = {"indexes_a": 2, "indexes_b": 2}
"""Stages that run several times a frame, once for each grid."""
ENCODER_ONLY = ("analysis", "hyper_analysis")


@dataclass(frozen=True)
class DctCost:
    """`parameters`: weights and biases. Thousands of multiplications for each pixel of luma; the encoder does the decoder's too."""

    parameters: int
    encode_kmac: float
    decode_kmac: float


def cost_of(weights: DctWeights) -> DctCost:
    """Of the networks; motion, transforms and entropy coding come on top."""
    scales: dict[str, float] = dict(INPUT_SCALES[weights.kind])
    parameters, costs = 0, {}
    for stage in weights.network.stages:
        macs = 0.0
        for layer, scale in _scaled(stage, scales):
            parameters += layer.weights.size + layer.bias.size
            macs += layer.weights.size / scale**2
        costs[stage.name] = macs * RUNS.get(stage.name, 1) / 1000
    decode = sum(cost for name, cost in costs.items() if name not in ENCODER_ONLY)
    return DctCost(parameters, sum(costs.values()), decode)


def _scaled(stage: Stage, scales: dict[str, float]) -> Iterator[tuple[Conv, float]]:
    """The convolutions of a stage with the scales of their outputs, which are noted down."""
    for layer in stage.layers:
        scale = scales[layer.input.slot]
        if isinstance(layer, DepthToSpace):
            scale /= 2
        elif isinstance(layer, SpaceToDepth):
            scale *= 2
        else:
            scale *= layer.stride
            yield layer, scale
        scales[layer.output.slot] = scale
