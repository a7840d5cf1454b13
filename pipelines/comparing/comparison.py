"""Measuring a source beside its codings, in one pass over all of them, and fetching the chosen frames."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from streamcodec.errors import SourceError, UsageError
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.text import counted
from streamcodec.types import Planes, RawFrame, VideoFormat
from streamcodec.video import rgb_of, yuv420_of
from streamcodec.video.color import effective_matrix

from .aligning import Moment, aligned
from .measures import Measures
from .pictures import Chosen
from .videos import ComparedVideo, Shown

__all__ = ["Coding", "Comparison", "measured"]

_DEFAULT_STEP = Fraction(1, 25)
_CONVERTED = "its samples were converted to the colours of the source"


@dataclass(frozen=True)
class Coding:
    """What one coding made of the source. `name`: the shortest that tells it from the others.
    `notes`: what bears on the figures, in words."""

    name: str
    video: ComparedVideo
    measures: Measures
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """`seconds`: when each frame of the source is shown, since the first. `duration_seconds`: of all
    of them. `source_bytes`: what they take in the source, None if that is not known. `chosen`: the
    frames whose pictures are shown."""

    source: ComparedVideo
    name: str
    codings: tuple[Coding, ...]
    seconds: Sequence[float]
    duration_seconds: float
    source_bytes: int | None
    chosen: tuple[Chosen, ...]
    notes: tuple[str, ...]

    @property
    def format(self) -> VideoFormat:
        return self.source.format


def measured(
    source: ComparedVideo,
    videos: Sequence[ComparedVideo],
    frames: Sequence[int] | None,
    meter: Callable[[Planes, Planes], float] | None,
    progress: Progress | None,
    expected: int | None,
) -> Comparison:
    """`frames`: whose pictures are wanted, None = a choice of our own. `meter`: of MS-SSIM. `expected`: how many frames the source has
    in its range, for the progress. Raises as `compare` does."""
    measures = [Measures() for _ in videos]
    own: list[int] = []
    sizes: list[int | None] = []
    seconds: list[float] = []
    end = Fraction(0)
    step = 1 / source.format.frame_rate if source.format.frame_rate else _DEFAULT_STEP
    for moment in _moments(source, videos, step):
        shown = moment.source
        own.append(shown.index)
        sizes.append(shown.size_bytes)
        seconds.append(float(shown.seconds))
        end = shown.seconds + (shown.lasts_seconds or step)
        for each, its in zip(measures, moment.codings, strict=True):
            similarity = meter(shown.planes, its.planes) if meter and its else float("nan")
            each.add(shown, its, similarity)
        if progress is not None:
            progress(len(seconds), expected)
    names = _names([video.name for video in videos])
    codings = tuple(
        Coding(name, video, each, _notes(source, video, each, len(seconds)))
        for name, video, each in zip(names, videos, measures, strict=True)
    )
    numbers = _chosen_numbers(codings, len(seconds), frames)
    return Comparison(
        source,
        Path(source.name).name,
        codings,
        seconds,
        float(end),
        None if None in sizes else sum(size or 0 for size in sizes),
        _chosen(source, own, codings, numbers),
        source.notes,
    )


def _moments(
    source: ComparedVideo, videos: Sequence[ComparedVideo], step: Fraction
) -> Iterator[Moment]:
    """Each video is decoded in a thread of its own."""
    with ExitStack() as stack:
        frames = [stack.enter_context(overlapped(each.frames())) for each in (source, *videos)]
        shown = [
            _in_colors_of(source.format, video.format, its)
            for video, its in zip(videos, frames[1:], strict=True)
        ]
        yield from aligned(frames[0], shown, step)


def _in_colors_of(
    source: VideoFormat, video: VideoFormat, frames: Iterator[Shown]
) -> Iterator[Shown]:
    if not _converts(source, video):
        return frames
    return (replace(shown, planes=_converted(source, video, shown.planes)) for shown in frames)


def _converts(source: VideoFormat, video: VideoFormat) -> bool:
    """Whether samples mean other colours in the two."""
    ours, theirs = (
        (effective_matrix(each.color, each.width, each.height), each.color.full_range)
        for each in (source, video)
    )
    return ours != theirs


def _converted(source: VideoFormat, video: VideoFormat, planes: Planes) -> Planes:
    rgb = rgb_of(RawFrame(planes, pts=0), video.color)
    return yuv420_of(RawFrame((rgb,), pts=0), source.color)


def _names(names: Sequence[str]) -> list[str]:
    """File names; paths where two would be the same."""
    short = [Path(name).name for name in names]
    return short if len(set(short)) == len(short) else list(names)


def _notes(
    source: ComparedVideo, video: ComparedVideo, measures: Measures, frames: int
) -> tuple[str, ...]:
    """Raises SourceError if no frame of the coding belongs to one of the source."""
    matched = measures.matched
    if not matched:
        raise SourceError(
            f"{video.name} has no frame at a time of {source.name}; accepted: codings of it (times count from the first frame)"
        )
    notes = [_CONVERTED] if _converts(source.format, video.format) else []
    if matched < frames:
        notes.append(
            f"it has no frame at the times of {frames - matched} of the source's {frames} frames, which are left out"
        )
    if video.facts.frames > matched:
        others = counted(video.facts.frames - matched, "frame")
        notes.append(f"{others} of its {video.facts.frames} belong to none of the source's")
    return (*notes, *video.notes)


def _chosen_numbers(
    codings: Sequence[Coding], count: int, frames: Sequence[int] | None
) -> dict[int, tuple[str, ...]]:
    """Frame -> why it was chosen, in order."""
    if frames is not None:
        for number in frames:
            if not 0 <= number < count:
                raise UsageError(f"frame is {number}; accepted: 0..{count - 1}")
        return dict.fromkeys(sorted(set(frames)), ())
    reasons: dict[int, list[str]] = {0: ["first"]}
    reasons.setdefault(count // 2, []).append("middle")
    for coding in codings:
        worst = coding.measures.worst()
        if worst is not None:
            of = f" of {coding.name}" if len(codings) > 1 else ""
            reasons.setdefault(worst, []).append(f"worst{of}")
    return {number: tuple(reasons[number]) for number in sorted(reasons)}


def _chosen(
    source: ComparedVideo,
    own: Sequence[int],
    codings: Sequence[Coding],
    numbers: dict[int, tuple[str, ...]],
) -> tuple[Chosen, ...]:
    """`own`: the source's own numbers of its frames."""
    of_source = source.planes_of([own[number] for number in numbers])
    of_codings = []
    for coding in codings:
        index = coding.measures.index
        planes = coding.video.planes_of([index[at] for at in numbers if index[at] >= 0])
        if _converts(source.format, coding.video.format):
            planes = {
                at: _converted(source.format, coding.video.format, each)
                for at, each in planes.items()
            }
        of_codings.append({at: planes.get(index[at]) for at in numbers})
    return tuple(
        Chosen(number, reasons, (of_source[own[number]], *(each[number] for each in of_codings)))
        for number, reasons in numbers.items()
    )
