"""`compare`: a source and what several codings made of it, as one page.

compare("in.mp4", ["out.ssf", "x264.mp4"], "page.html")
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from streamcodec.checks import check_range
from streamcodec.errors import UsageError
from streamcodec.files import check_target, replace_on_success
from streamcodec.runtime import has_torch
from streamcodec.stream.stages import Progress
from streamcodec.text import counted
from streamcodec.types import Planes, VideoFormat

from .comparison import Comparison, measured
from .measures import structure_meter
from .page import page
from .videos import ComparedVideo, Range, open_video

__all__ = ["compare"]

MOST_CODINGS = 8
MOST_FRAMES = 24
MAX_MEGABYTES = 16.0
LEAST_MEGABYTES = 0.1


def compare(
    source: str | os.PathLike[str],
    codings: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    frames: Sequence[int] | None = None,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    scale: str | None = None,
    ms_ssim: bool | None = None,
    max_megabytes: float = MAX_MEGABYTES,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Write the page `out`, of one HTML file, and return what it shows.

    `source` and `codings`: .ssf streams or videos that FFmpeg reads, by path or URL. Frames belong
    together by their times since the first frame of each. `frames`: numbers of the source's frames whose pictures are shown;
    None = the first, a middle one, and the worst of each coding. `start_seconds`,
    `duration_seconds`: the part of the source that was coded. `scale`: "WxH" that it was scaled to. `ms_ssim`: None = if
    PyTorch is installed and the pictures are large enough. `max_megabytes`: of pictures in the page; larger ones are cut to
    where they differ most. `progress`: as for `streamcodec.encode`.

    Every frame is read once for the figures, and the chosen ones again. Raises UsageError for sizes that
    differ and for frames that are not there, SourceError if a video cannot be read or no frame belongs to the
    source's, FormatError for a damaged stream, OutputError if the page cannot be written,
    NotInstalledError without Jinja2.
    """
    target = Path(out)
    check_target(target, overwrite=overwrite)
    check_range(start_seconds, duration_seconds, None)
    _check_numbers(codings, frames, max_megabytes)
    taken = Range(start_seconds, duration_seconds, scale)
    reference = open_video(source, taken)
    videos = [open_video(coding) for coding in codings]
    for video in videos:
        _check_size(reference, video)
    expected = reference.facts.frames if taken.is_whole else None
    meter = _meter(reference.format, ms_ssim)
    found = measured(reference, videos, frames, meter, progress, expected)
    with replace_on_success(target, overwrite=overwrite) as part:
        part.write_text(page(found, round(max_megabytes * 1e6)), encoding="utf-8")
    return found


def _check_numbers(
    codings: Sequence[object], frames: Sequence[int] | None, max_megabytes: float
) -> None:
    if not 1 <= len(codings) <= MOST_CODINGS:
        raise UsageError(f"{counted(len(codings), 'coding')} given; accepted: 1 to {MOST_CODINGS}")
    if frames is not None and not 1 <= len(set(frames)) <= MOST_FRAMES:
        raise UsageError(
            f"{counted(len(set(frames)), 'frame')} chosen; accepted: 1 to {MOST_FRAMES}"
        )
    if not LEAST_MEGABYTES <= max_megabytes <= 1000:
        raise UsageError(f"pictures may take {max_megabytes} MB; accepted: 0.1 to 1000")


def _check_size(source: ComparedVideo, video: ComparedVideo) -> None:
    sizes = [(each.format.width, each.format.height) for each in (source, video)]
    if sizes[0] != sizes[1]:
        (width, height), (its_width, its_height) = sizes
        raise UsageError(
            f"{video.name} is {its_width}x{its_height}, {source.name} {width}x{height}; accepted: one size; "
            f"--scale {its_width}x{its_height} (scale=) scales the source, as `encode --scale` does"
        )


def _meter(video: VideoFormat, wanted: bool | None) -> Callable[[Planes, Planes], float] | None:
    if wanted is False:
        return None
    try:
        return structure_meter(video.width, video.height) if wanted or has_torch() else None
    except UsageError:
        if wanted:
            raise
        return None
