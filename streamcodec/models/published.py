"""Published checkpoints under today's keys.

CompressAI's layout of a state_dict is ours, but its files differ by age and by who saved them: in a wrapper or not, from a
DataParallel or not, and with three spellings of the entropy bottleneck's parameters.
"""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["current_keys"]

WRAPPERS = ("network", "state_dict", "model_state_dict")
SPELLINGS = [
    (re.compile(r"^module\."), ""),
    (re.compile(r"(?:^|(?<=\.))_matrix(\d+)$"), r"matrices.\1"),
    (re.compile(r"(?:^|(?<=\.))_bias(\d+)$"), r"biases.\1"),
    (re.compile(r"(?:^|(?<=\.))_factor(\d+)$"), r"factors.\1"),
    (re.compile(r"(?:^|(?<=\.))_(matrices|biases|factors)\.(\d+)$"), r"\1.\2"),
    (re.compile(r"\.downsample\."), ".skip."),
]


def current_keys(state: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of a checkpoint, unwrapped, under the keys of a state_dict as it is now. What is current stays as it is."""
    for wrapper in WRAPPERS:
        if isinstance(inner := state.get(wrapper), Mapping):
            return current_keys(inner)
    return {_current(key): value for key, value in state.items()}


def _current(key: str) -> str:
    for pattern, name in SPELLINGS:
        key = pattern.sub(name, key)
    return key
