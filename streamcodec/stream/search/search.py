"""The quality that reaches a target, found on a sample of the video; and what a stream would become at given qualities."""

import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Unpack

from streamcodec.checks import check_quality
from streamcodec.codec import Codec
from streamcodec.errors import UsageError
from streamcodec.stream.control.target import Target
from streamcodec.stream.encoder import chosen_codec
from streamcodec.stream.options import EncodeOptions, EncodeSettings, options_of
from streamcodec.stream.search.predict import Prediction, predict
from streamcodec.stream.search.sample import Sample, can_sample, take_sample
from streamcodec.stream.source import SourceRange
from streamcodec.stream.stages import Progress
from streamcodec.types import QUALITIES

__all__ = [
    "TABLE_QUALITIES",
    "SearchReport",
    "find_quality",
    "quality_for",
    "quality_on_sample",
    "search",
]

TABLE_QUALITIES = (0, 16, 32, 48, 63)
FIRST_GUESS = 32
USUAL_STEP_DB = 0.32  # what one step of quality changes, until two points are known
USUAL_STEP_LOG2 = 0.09
MAX_INTERPOLATIONS = 4  # then by halves
MIN_STEP = 1e-6
MIN_SIZE = 1e-9
MAX_DB = 200.0  # for identical pictures


@dataclass(frozen=True)
class SearchReport:
    """`predictions`: what was tried, by rising quality. `found`: the one that was chosen for the target; None without a target.

    `reached`: whether it meets the target. `sampled_frames` of the video's `frames` were coded for each; `seconds` is wall time.
    """

    predictions: tuple[Prediction, ...]
    target: Target | None
    found: Prediction | None
    frames: int
    sampled_frames: int
    seconds: float

    @property
    def reached(self) -> bool:
        return self.target is None or (self.found is not None and self.target.is_met(self.found))

    @property
    def shortfall(self) -> str | None:
        """What to tell the user if no quality reaches the target; None otherwise."""
        return (
            None
            if self.target is None or self.found is None
            else self.target.shortfall(self.found, self.found.quality)
        )


def search(
    source: str | os.PathLike[str],
    *,
    qualities: Iterable[int] | None = None,
    options: EncodeOptions | None = None,
    codec: Codec | None = None,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    max_frames: int | None = None,
    progress: Progress | None = None,
    **settings: Unpack[EncodeSettings],
) -> SearchReport:
    """Predict size, PSNR and time of `encode` from a sample of the video: for the quality that reaches the target of the options, or
    without a target for `qualities` (default 0, 16, 32, 48, 63).

    `source`: the path of a file. `options`, or its fields as keywords, and the other arguments are those of `encode`. `progress` is called
    with the number of frames coded and the number expected, None if that is not known.

    Raises UsageError, also for a source that cannot be sampled, SourceError or ModelError.
    """
    options = options_of(options, settings)
    if qualities is not None and not isinstance(qualities, Iterable):
        raise UsageError(
            f"qualities are {qualities!r}; accepted: several integers in 0..{QUALITIES - 1}"
        )
    wanted = (
        None if qualities is None else sorted({check_quality(quality) for quality in qualities})
    )
    if options.target is not None and wanted is not None:
        raise UsageError(
            f"target is {options.target}, and qualities are given; accepted: one of the two"
        )
    if not can_sample(source):
        raise UsageError(
            f"source is {source}; a search needs an existing video file that can be read several times"
        )
    source_range = SourceRange.of(options, start_seconds, duration_seconds, max_frames)
    codec = chosen_codec(codec, options)
    sample = take_sample(source, source_range, options.gop, codec.frame_format)
    return search_sample(
        sample, options, codec, progress, TABLE_QUALITIES if wanted is None else wanted
    )


def quality_for(
    source: object,
    source_range: SourceRange,
    options: EncodeOptions,
    codec: Codec,
    progress: Progress | None,
) -> tuple[EncodeOptions, SearchReport | None]:
    """The options at the quality that reaches their target, and how it was found.

    They stay as they are without a target, and for a source that cannot be read several times: the
    encoder then adapts the quality from frame to frame. Raises as `search` does.
    """
    if options.target is None or not can_sample(source):
        return options, None
    sample = take_sample(source, source_range, options.gop, codec.frame_format)
    return quality_on_sample(sample, options, codec, progress)


def quality_on_sample(
    sample: Sample, options: EncodeOptions, codec: Codec, progress: Progress | None
) -> tuple[EncodeOptions, SearchReport | None]:
    """The same for a sample that was taken before."""
    if options.target is None:
        return options, None
    report = search_sample(sample, options, codec, progress)
    assert report.found is not None  # there is a target
    return options.at_quality(report.found.quality), report


def search_sample(
    sample: Sample,
    options: EncodeOptions,
    codec: Codec,
    progress: Progress | None,
    qualities: Iterable[int] = (),
) -> SearchReport:
    """Search for the target of the options, or without one predict for each of `qualities`."""
    started = time.monotonic()
    known: dict[int, Prediction] = {}
    qualities = tuple(qualities)
    expected = None if options.target is not None else len(qualities) * sample.sampled_frames
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, expected)

    def at(quality: int) -> Prediction:
        if quality not in known:
            known[quality] = predict(sample, options, quality, codec, advance)
        return known[quality]

    found = None if options.target is None else find_quality(options.target, at)
    for quality in qualities if options.target is None else ():
        at(quality)
    return SearchReport(
        predictions=tuple(known[quality] for quality in sorted(known)),
        target=options.target,
        found=found,
        frames=sample.frames,
        sampled_frames=sample.sampled_frames,
        seconds=time.monotonic() - started,
    )


def find_quality(target: Target, predict_at: Callable[[int], Prediction]) -> Prediction:
    """The lowest quality that has the target's PSNR, or the highest that does not exceed its size; the nearest end if none does.

    PSNR and the logarithm of the size rise with quality, nearly in straight lines: the next guess is where the line through the nearest
    points crosses the target. It ends when two neighbours stand on either side of it.
    """
    low, high = (
        -1,
        QUALITIES,
    )  # the highest quality known to lie below the target (and not on it), the lowest known not to
    points: dict[int, float] = {}
    guess = FIRST_GUESS
    while high - low > 1:
        prediction = predict_at(guess)
        points[guess] = _height(target, target.value_of(prediction))
        below = target.is_met(prediction) != target.is_floor
        low, high = (guess, high) if below else (low, guess)
        interpolate = len(points) <= MAX_INTERPOLATIONS
        crossing = _crossing(points, low, high, target) if interpolate else (low + high) / 2
        guess = min(max(round(crossing), low + 1), high - 1)
    chosen = high if target.is_floor else low
    return predict_at(min(max(chosen, 0), QUALITIES - 1))


def _crossing(points: dict[int, float], low: int, high: int, target: Target) -> float:
    """The quality at which the line through the two points nearest to the target meets it."""
    goal = _height(target, target.value)
    nearest = sorted(points, key=lambda quality: abs(quality - (low if low in points else high)))
    pair = sorted((low, high) if low in points and high in points else nearest[:2])
    first, last = pair[0], pair[-1]
    usual = USUAL_STEP_DB if target.is_floor else USUAL_STEP_LOG2
    slope = (
        max((points[last] - points[first]) / (last - first), MIN_STEP) if last > first else usual
    )
    return first + (goal - points[first]) / slope


def _height(target: Target, value: float) -> float:
    """Of a PSNR or size on a scale where quality is nearly a straight line."""
    return min(value, MAX_DB) if target.is_floor else math.log2(max(value, MIN_SIZE))
