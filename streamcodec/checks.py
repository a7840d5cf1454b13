"""Checks of arguments that several public functions take. Each raises UsageError, also for values of another type."""

import json
import math
import os
from numbers import Real
from typing import Any, TypeGuard, get_args

from streamcodec.errors import UsageError
from streamcodec.types import OnDamage, check_count

__all__ = [
    "MAX_SECONDS",
    "check_on_damage",
    "check_path",
    "check_range",
    "check_text",
    "is_number",
    "parse_json",
]

MAX_SECONDS = 10**9
"""Of a start or a duration, in seconds: 31 years. In units of any time base it is an integer of 64 bits."""


def is_number(value: Any) -> TypeGuard[float]:
    """Whether this is a real number, of Python's or numpy's, and finite. True and False are none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def check_range(start_seconds: Any, duration_seconds: Any = None, max_frames: Any = None) -> None:
    """Refuse a time range of a video that cannot be.

    It starts at 0 s or later; its duration and number of frames are above 0, or None.
    """
    if not is_number(start_seconds) or not 0 <= start_seconds <= MAX_SECONDS:
        raise UsageError(f"start is {start_seconds!r} s; accepted: 0 to {MAX_SECONDS}")
    if duration_seconds is not None and (
        not is_number(duration_seconds) or not 0 < duration_seconds <= MAX_SECONDS
    ):
        raise UsageError(f"duration is {duration_seconds!r} s; accepted: above 0, to {MAX_SECONDS}")
    if max_frames is not None:
        check_count("number of frames", max_frames, "frames")


def check_on_damage(on_damage: str) -> OnDamage:
    """Return `on_damage` if it is "raise", "skip" or "conceal"."""
    if on_damage not in get_args(OnDamage):
        raise UsageError(f"on_damage is {on_damage!r}; accepted: {', '.join(get_args(OnDamage))}")
    return on_damage  # type: ignore[return-value]


def check_path(what: str, value: Any) -> str:
    """The path, or other name, as text."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(text := os.fspath(value), str):
        raise UsageError(f"{what} is {value!r}; accepted: a text or a path")
    return text


def parse_json(text: str) -> Any:
    """What a JSON text holds. Raises ValueError, also for one that is nested so deep that Python's parser gives up."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def check_text(what: str, value: Any) -> str:
    """The text."""
    if not isinstance(value, str):
        raise UsageError(f"{what} is {value!r}; accepted: a text")
    return value
