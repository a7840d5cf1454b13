"""Frames out of many streams in one call."""

import operator
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Unpack

from streamcodec.checks import is_number
from streamcodec.errors import FrameIndexError, UsageError
from streamcodec.files import ByteSource
from streamcodec.stream.options import DecodeOptions, OpenSettings
from streamcodec.stream.reading.frames import Frame
from streamcodec.stream.reading.opening import hinting
from streamcodec.stream.sampling.samples import label_of
from streamcodec.stream.video import Video

__all__ = ["frames_at", "frames_at_seconds"]


def frames_at(
    places: Iterable[tuple[ByteSource, int]], **settings: Unpack[OpenSettings]
) -> list[Frame]:
    """The frames at these (source, index), in this order: one Frame for each, of its own stream's size.

    Each source is opened once, and each GOP that is needed decoded once, up to the last frame that is asked for. Sources are what
    `streamcodec.open` takes, indexes 0 .. frames - 1, or from the end -1, -2, ... `settings`: as for `streamcodec.open`.

    Raises FrameIndexError past the ends, UsageError for what is no pair, and the errors of `streamcodec.open`; each names the stream.
    """
    return _read(_pairs(places, "index"), _index_from_start, settings)


def frames_at_seconds(
    places: Iterable[tuple[ByteSource, float]],
    *,
    tolerance_seconds: float | None = None,
    **settings: Unpack[OpenSettings],
) -> list[Frame]:
    """The frames that are shown at these (source, seconds), in this order, by the clock of `pts_seconds`; read as in `frames_at`.

    With `tolerance_seconds`, 0 or more, it is the frame that begins nearest to the time, and no further from it than that: for times that
    were rounded, as float32 rounds them. A time before the first frame (less the tolerance), past the end of the stream, or with no frame
    within the tolerance is a FrameIndexError: never another frame.
    """
    if tolerance_seconds is None:
        return _read(_pairs(places, "seconds"), Video.index_at_seconds, settings)
    if not is_number(tolerance_seconds) or tolerance_seconds < 0:
        raise UsageError(f"tolerance is {tolerance_seconds!r} s; accepted: 0 or more, or None")
    tolerance = tolerance_seconds
    asked = _pairs(places, "seconds")
    frames = _read(asked, lambda video, seconds: _nearest(video, seconds, tolerance), settings)
    for (source, seconds), frame in zip(asked, frames, strict=True):
        if abs(seconds - frame.pts_seconds) > tolerance:
            raise FrameIndexError(
                f"{label_of(source)}: no frame begins within {tolerance:g} s of {seconds} s; the one "
                f"shown then begins at {frame.pts_seconds:g} s"
            )
    return frames


def _nearest(video: Video, seconds: float, tolerance: float) -> int:
    """The frame that begins nearest to this time, of the one shown then and one that begins within the tolerance after it."""
    try:
        shown = video.index_at_seconds(seconds)
    except FrameIndexError:
        video.index_at_seconds(seconds + tolerance)  # fails too, unless it is just before the first
        return video.key_frames[0]
    try:
        later = video.index_at_seconds(seconds + tolerance)
    except FrameIndexError:
        later = len(video) - 1
    if later == shown:
        return shown
    return min((shown, shown + 1), key=lambda index: abs(float(video[index].pts_seconds) - seconds))


def _pairs(places: Iterable[tuple[ByteSource, Any]], what: str) -> list[tuple[ByteSource, Any]]:
    asked = list(places) if isinstance(places, Iterable) else None
    if asked is None or not all(isinstance(place, Sequence) and len(place) == 2 for place in asked):
        raise UsageError(f"places are not pairs; accepted: (source, {what}) for each frame")
    return asked


def _index_from_start(video: Video, index: Any) -> int:
    try:
        number = operator.index(index)
    except TypeError as error:
        raise UsageError(f"frame is {index!r}; accepted: an integer") from error
    return number + len(video) if -len(video) <= number < 0 else number


def _read(
    asked: list[tuple[ByteSource, Any]],
    index_of: Callable[[Video, Any], int],
    settings: OpenSettings,
) -> list[Frame]:
    """Source by source, in the order of its frames. `index_of`: of what was asked for."""
    options = DecodeOptions(**settings)
    of_source: dict[Any, list[int]] = {}
    for number, (source, _) in enumerate(asked):
        of_source.setdefault(_key(source), []).append(number)
    frames: dict[int, Frame] = {}
    for numbers in of_source.values():
        source = asked[numbers[0]][0]
        with hinting(options.on_damage), Video(source, options) as video:
            try:
                indexes = {number: index_of(video, asked[number][1]) for number in numbers}
                for number in sorted(numbers, key=indexes.__getitem__):
                    frames[number] = video[indexes[number]]
            except FrameIndexError as error:
                raise FrameIndexError(f"{label_of(source)}: {error}") from error
    return [frames[number] for number in range(len(asked))]


def _key(source: ByteSource) -> Any:
    """The same for sources that are the same."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return source if isinstance(source, bytes) else id(source)
