"""Which video track of a container is taken, and what the container alone says of it.

The choice is FFmpeg's: no cover image, no thumbnails, no track that only serves another one (a tile, an alpha plane); of the others one
that moves before a still picture, then one that is marked as default, then the one with most pixels, then the first.
"""

import logging
import re
from dataclasses import dataclass
from threading import Lock
from typing import Any

import av
import av.logging
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from streamcodec.errors import SourceError, UsageError

__all__ = ["Crop", "Track", "choose_track"]

_SERVES = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.dependent
_MULTIPLE = ("hls", "dash")  # fetches every track that is not discarded
_DUMPED = ("matroska", "mov", "webm")  # what can tell a crop or tiles
_SECTION = re.compile(r"^ *Stream #\d+:(\d+)", re.MULTILINE)
# left, right, top, bottom
_CROP = re.compile(r"^ *Frame Cropping: (\d+)/(\d+)/(\d+)/(\d+)", re.MULTILINE | re.IGNORECASE)
_TILES = re.compile(r"^ *Stream group .*: Tile Grid", re.MULTILINE)
_dumping = Lock()


@dataclass(frozen=True)
class Crop:
    """Pixels that the container takes from the edges of the decoded picture before it is shown."""

    left: int
    right: int
    top: int
    bottom: int


@dataclass(frozen=True)
class Track:
    """`crop`: None = nothing is cut off. `note`: what was chosen, in words, if there was a choice."""

    stream: VideoStream
    crop: Crop | None
    note: str | None


def choose_track(container: InputContainer, name: str, wanted: int | None = None) -> Track:
    """The video track with this number (from 0, FFmpeg's v:N), or else the one that players choose.

    Raises SourceError if there is none that is a video and can be decoded, or if it is one tile of a larger picture; UsageError for a
    number that the source has not.
    """
    tracks = list(container.streams.video)
    candidates = [
        stream for stream in tracks if not stream.disposition & _SERVES and stream.codec_context
    ]
    facts = _dump(container)
    if wanted is not None:
        stream = _numbered(tracks, wanted, name)
    elif candidates:
        stream = max(candidates, key=_preference)
    else:
        raise SourceError(_why_none(container, tracks, name))
    if _TILES.search(facts) and (stream.disposition & Disposition.dependent or _is_still(stream)):
        raise SourceError(
            f"{name} is one picture made of {len(tracks)} tiles; accepted: a video, or a picture in one piece; put it together first "
            "(with an image converter, to PNG)"
        )
    if any(kind in container.format.name for kind in _MULTIPLE):
        _discard_others(container, stream)
    return Track(stream, _crop_of(facts, stream.index), _note(tracks, candidates, stream, wanted))


def _preference(stream: VideoStream) -> tuple[bool, bool, int]:
    context = stream.codec_context
    is_default = bool(stream.disposition & Disposition.default)
    return not _is_still(stream), is_default, context.width * context.height


def _is_still(stream: VideoStream) -> bool:
    return stream.frames == 1 or bool(stream.disposition & Disposition.still_image)


def _numbered(tracks: list[VideoStream], wanted: int, name: str) -> VideoStream:
    if not 0 <= wanted < len(tracks):
        raise UsageError(
            f"video track is {wanted}; {name} has {_counted(len(tracks))}; accepted: 0..{max(len(tracks) - 1, 0)}"
        )
    if tracks[wanted].codec_context is None:
        raise SourceError(f"{name}: FFmpeg has no decoder for its video track {wanted}")
    return tracks[wanted]


def _why_none(container: InputContainer, tracks: list[VideoStream], name: str) -> str:
    dependent = [stream for stream in tracks if stream.disposition & Disposition.dependent]
    if dependent:
        return (
            f"{name} has no picture in one piece, only {len(dependent)} tiles or other parts of one; accepted: a video, or a picture in "
            "one piece; put it together first (with an image converter, to PNG)"
        )
    if any(not stream.disposition & _SERVES for stream in tracks):
        return f"{name}: FFmpeg has no decoder for its video stream"
    others = sorted({stream.type for stream in container.streams})
    return f"{name} has no video stream (it holds: {', '.join(others) or 'nothing'})"


def _discard_others(container: InputContainer, chosen: VideoStream) -> None:
    for stream in container.streams.video:
        if stream.index != chosen.index:
            stream.discard = Discard.all


def _note(
    tracks: list[VideoStream],
    candidates: list[VideoStream],
    chosen: VideoStream,
    wanted: int | None,
) -> str | None:
    if len(candidates) < 2 or wanted is not None:
        return None
    known = ", ".join(
        f"{number} ({_described(stream)})"
        for number, stream in enumerate(tracks)
        if stream in candidates
    )
    return (
        f"it has {_counted(len(candidates))}: {known}; track {tracks.index(chosen)} was taken; "
        "--video-track (video_track=) takes another"
    )


def _counted(tracks: int) -> str:
    return f"{tracks} video track{'' if tracks == 1 else 's'}"


def _described(stream: VideoStream) -> str:
    context = stream.codec_context
    marks = [
        mark
        for mark, applies in (
            ("default", stream.disposition & Disposition.default),
            ("still", _is_still(stream)),
        )
        if applies
    ]
    return ", ".join([f"{context.name} {context.width}x{context.height}", *marks])


def _dump(container: InputContainer) -> str:
    """What FFmpeg prints of the container: PyAV shows crop and groups of tiles in no other way."""
    if not any(kind in container.format.name for kind in _DUMPED):
        return ""
    with _dumping:
        logger = logging.getLogger("libav")
        if (
            not logger.handlers
        ):  # so that what FFmpeg says in other threads meanwhile is not printed
            logger.addHandler(logging.NullHandler())
        before = av.logging.get_level()
        av.logging.set_level(av.logging.INFO)
        try:
            dumper: Any = container  # its stub does not say that it can
            return str(dumper.dumps_format())
        finally:
            av.logging.set_level(before)


def _crop_of(facts: str, index: int) -> Crop | None:
    sections = _SECTION.split(facts)[1:]  # number, text, number, text, ...
    for number, text in zip(sections[::2], sections[1::2], strict=True):
        found = _CROP.search(text)
        if int(number) == index and found:
            crop = Crop(*map(int, found.groups()))
            return crop if any(map(int, found.groups())) else None
    return None
