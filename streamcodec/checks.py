"""Checks of arguments that several public functions take, which raise UsageError, also for values of another type; JSON from outside."""

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, Literal, TypeGuard, cast, get_args

from streamcodec.errors import UsageError
from streamcodec.types import MAX_SIDE, QUALITIES, Hdr, OnDamage, Precision, Preset

__all__ = [
    "MAX_SECONDS",
    "check_count",
    "check_fps",
    "check_hdr",
    "check_on_damage",
    "check_path",
    "check_precision",
    "check_preset",
    "check_quality",
    "check_range",
    "check_scale",
    "check_seconds",
    "check_text",
    "is_integer",
    "is_number",
    "json_lines",
    "parse_json",
    "parse_json_lines",
]

MAX_FPS, MAX_RATE_TERM, MAX_DECIMAL = 1000, 10**6, 1001
"""Of a frame rate: frames per second; numerator or denominator; denominator where a decimal is given."""

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


def is_integer(value: Any, least: int, most: int) -> TypeGuard[int]:
    """Whether this is an int of Python's from `least` to `most`. True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


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


def check_count(what: str, value: object, unit: str, *, at_least: int = 1) -> int:
    """Return `value` if it is an integer in at_least .. 2^63 - 1; `what` names it, `unit` what it counts."""
    if (
        isinstance(value, bool)
        or not isinstance(value, Integral)
        or not at_least <= int(value) < 1 << 63
    ):
        raise UsageError(f"{what} is {value!r}; accepted: an integer, {at_least} or more {unit}")
    return int(value)


def check_quality(quality: int) -> int:
    """Return `quality` if it is an integer in 0..63."""
    if not is_integer(quality, 0, QUALITIES - 1):
        raise UsageError(
            f"quality is {quality!r}; accepted: an integer in 0..{QUALITIES - 1}, higher is better"
        )
    return quality


def check_precision(precision: str) -> Precision:
    """Return `precision` if it names an arithmetic."""
    return cast(Precision, _check_choice("precision", precision, get_args(Precision)))


def check_preset(preset: str) -> Preset:
    """Return `preset` if there is one of this name."""
    return cast(Preset, _check_choice("preset", preset, get_args(Preset)))


def check_on_damage(on_damage: str) -> OnDamage:
    """Return `on_damage` if it is one of OnDamage."""
    return cast(OnDamage, _check_choice("on_damage", on_damage, get_args(OnDamage)))


def check_hdr(hdr: str) -> Hdr:
    """Return `hdr` if it is one of Hdr."""
    return cast(Hdr, _check_choice("hdr", hdr, get_args(Hdr)))


def _check_choice(what: str, value: object, choices: tuple[str, ...]) -> object:
    if value not in choices:
        raise UsageError(f"{what} is {value!r}; accepted: {', '.join(choices)}")
    return value


def check_scale(scale: Any) -> tuple[int, int]:
    """(width, height) of a text such as "1280x720"."""
    sides = scale.split("x") if isinstance(scale, str) else []
    if len(sides) != 2 or not all(
        side.isascii() and side.isdecimal() and 1 <= int(side) <= MAX_SIDE for side in sides
    ):
        raise UsageError(
            f"scale is {scale!r}; accepted: WIDTHxHEIGHT, as in 1280x720, up to {MAX_SIDE} on each side"
        )
    return int(sides[0]), int(sides[1])


def check_fps(fps: Any) -> Fraction:
    """Frames per second, from a number or from text such as "25", "30000/1001" or "29.97". A decimal becomes the nearest fraction with a
    denominator of at most 1001, so that 29.97003 is 30000/1001."""
    rate = Fraction(0)
    with suppress(ValueError, ZeroDivisionError, TypeError, OverflowError):
        rate = Fraction(fps) if not isinstance(fps, bool) else rate
    if isinstance(fps, float) or "." in str(fps):
        rate = rate.limit_denominator(MAX_DECIMAL)
    if not 0 < rate <= MAX_FPS or max(rate.numerator, rate.denominator) > MAX_RATE_TERM:
        raise UsageError(
            f"fps is {fps!r}; accepted: a number above 0, to {MAX_FPS}, or a fraction such as 30000/1001"
        )
    return rate


def check_seconds(what: str, seconds: Any) -> float:
    """Return a time to wait, above 0 s; inf is accepted."""
    if not isinstance(seconds, Real) or isinstance(seconds, bool) or not float(seconds) > 0:
        raise UsageError(f"{what} is {seconds!r} s; accepted: above 0, or inf")
    return float(seconds)


def exact_seconds(seconds: float) -> Fraction:
    """Seconds to the microsecond, so that 0.04 means a frame at 1/25."""
    return Fraction(float(seconds)).limit_denominator(10**6)


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


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """JSON, one object a line."""
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def parse_json_lines(lines: Iterable[bytes], *, damaged: Literal["stop", "skip"]) -> Iterator[Any]:
    """What each line holds. The last may be cut off, where its writer was killed: the values end at a damaged line, or leave it out."""
    for line in lines:
        try:
            value = parse_json(line.decode())
        except ValueError:
            if damaged == "stop":
                return
        else:
            yield value


def check_text(what: str, value: Any) -> str:
    """The text."""
    if not isinstance(value, str):
        raise UsageError(f"{what} is {value!r}; accepted: a text")
    return value
