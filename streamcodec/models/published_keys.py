"""Published checkpoints under today's keys.

CompressAI's layout of a state_dict is ours, but its files differ by age and by who saved them: in a wrapper or not, from a
DataParallel or a compiled model or not, and with three spellings of the entropy bottleneck's parameters.
"""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["current_key", "current_keys", "unwrap"]

WRAPPERS = ("network", "state_dict", "model_state_dict", "model", "net")
MAX_WRAPPERS = 8
"""In each other; a damaged file can go on for ever, or hold itself."""
SPELLINGS = [
    (re.compile(r"^(?:module\.|_orig_mod\.)+"), ""),
    (re.compile(r"(?:^|(?<=\.))_matrix(\d+)$"), r"matrices.\1"),
    (re.compile(r"(?:^|(?<=\.))_bias(\d+)$"), r"biases.\1"),
    (re.compile(r"(?:^|(?<=\.))_factor(\d+)$"), r"factors.\1"),
    (re.compile(r"(?:^|(?<=\.))_(matrices|biases|factors)\.(\d+)$"), r"\1.\2"),
    (re.compile(r"\.downsample\."), ".skip."),
]


def current_keys(state: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of a checkpoint, unwrapped, under the keys of a state_dict as it is now. What is current stays as it is."""
    inner, _, _ = unwrap(state)
    return {current_key(key): value for key, value in inner.items()}


def unwrap(state: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...], tuple[str, ...]]:
    """(the state_dict inside, names of the wrappers around it, what else stands in them: optimizers, the epoch)."""
    wrappers: list[str] = []
    others: list[str] = []
    while len(wrappers) < MAX_WRAPPERS:
        wrapper = next((name for name in WRAPPERS if isinstance(state.get(name), Mapping)), None)
        if wrapper is None:
            break
        wrappers.append(wrapper)
        others += (str(key) for key in state if key != wrapper)
        state = state[wrapper]
    return state, tuple(wrappers), tuple(others)


def current_key(key: str) -> str:
    """A key of any published age as it is spelt now."""
    for pattern, name in SPELLINGS:
        key = pattern.sub(name, key)
    return key
