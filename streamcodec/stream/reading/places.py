"""Where a frame stands in a stream: by its number, and by the time at which it is shown."""

import math
import operator
from fractions import Fraction
from numbers import Real

from streamcodec.container import Index
from streamcodec.errors import FrameIndexError, UsageError
from streamcodec.text import counted

__all__ = ["place_of", "ticks_at"]


def place_of(what: str, number: int, count: int) -> int:
    """0 .. count - 1, for a number from either end.

    Raises FrameIndexError past the ends, UsageError if it is not an integer.
    """
    try:
        place = operator.index(number)
    except TypeError as error:
        raise UsageError(
            f"{what} is {number!r}; accepted: an integer (for frames also a slice of integers)"
        ) from error
    if not -count <= place < count:
        raise FrameIndexError(f"{what} is {place}; the video has {counted(count, what)}")
    return place % count


def ticks_at(seconds: float, index: Index, time_base: Fraction) -> int:
    """The last tick that is not later than `seconds`, by the clock of the stream.

    Raises FrameIndexError before the first frame and after the last, UsageError if it is not a number.
    """
    if not isinstance(seconds, Real):
        raise UsageError(f"time is {seconds!r}; accepted: seconds, a number")
    position = seconds / time_base
    pts = round(position) if math.isfinite(position) else index.end_pts + 1
    pts -= float(pts * time_base) > seconds
    if not index.entries or not index.entries[0].pts <= pts < max(
        index.end_pts, index.entries[-1].pts + 1
    ):
        raise FrameIndexError(
            f"time is {_text(float(seconds))} s; {_shown_from_to(index, time_base)}"
        )
    return pts


def _shown_from_to(index: Index, time_base: Fraction) -> str:
    if not index.entries:
        return "the stream has no frames"
    begin, end = (float(pts * time_base) for pts in (index.entries[0].pts, index.end_pts))
    return f"the stream is shown from {_text(begin)} s to {_text(end)} s"


def _text(seconds: float) -> str:
    """As short as it can be to the microsecond."""
    return str(round(seconds, 6))
