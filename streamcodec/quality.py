"""What a quality of the default models stands for when they are trained and measured: the quantiser q.

q is on the scale of H.264's QP: a step doubles every 6. Coding itself takes its numbers from the weights
(codec/dct_weights.py), which were made with these.
"""

from streamcodec.types import QUALITIES

__all__ = ["COARSEST", "FINEST", "motion_lambda_16", "q_of", "quality_of"]

FINEST, COARSEST = 12.0, 44.0
"""q of the best and of the lowest quality."""


def q_of(quality: float) -> float:
    """Of a quality 0..63, or between two."""
    return COARSEST - (COARSEST - FINEST) * quality / (QUALITIES - 1)


def quality_of(q: float) -> int:
    """The quality 0..63 whose quantiser is nearest to q."""
    nearest = round((COARSEST - q) * (QUALITIES - 1) / (COARSEST - FINEST))
    return min(max(nearest, 0), QUALITIES - 1)


def motion_lambda_16(q: float) -> int:
    """What a bit of motion weighs in the search, in squared differences of luma / 16.

    As much as any bit, up to the factor: 0.6 and 2 times this need more bits in all (docs/experiments.md).
    """
    return round(16 * 2 ** ((q - FINEST) / 3))
