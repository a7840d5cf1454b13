"""What a video has besides its pictures: tracks of sound and of subtitles, their packets, and chapters."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal, get_args

from streamcodec.errors import UsageError

__all__ = [
    "MAX_TRACKS",
    "AudioTrack",
    "Carry",
    "Chapter",
    "SubtitleTrack",
    "Tags",
    "Track",
    "TrackDetail",
    "TrackPacket",
    "chapters_in",
    "check_carry",
]

MAX_TRACKS: Final = 64
_MAX_NUMBER: Final = (1 << 31) - 1
_MAX_DISPOSITION: Final = (1 << 31) - 1

Carry = Literal["copy", "none"]
"""What becomes of a kind of track: its packets are copied untouched, or left out."""

Tags = tuple[tuple[str, str], ...]
"""(key, value) pairs, in order."""


def check_carry(what: str, carry: str) -> None:
    """Raise UsageError unless `carry` is a Carry; `what` names it."""
    if carry not in get_args(Carry):
        raise UsageError(f"{what} is {carry!r}; accepted: {', '.join(get_args(Carry))}")


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} is {value}; accepted: {low}..{high}")


@dataclass(frozen=True)
class TrackDetail:
    """`disposition`: FFmpeg's bits (1 = default, 64 = forced, ...). `tags`: what the source says of the track (title, ...)."""

    disposition: int = 0
    tags: Tags = ()

    def __post_init__(self) -> None:
        _check_range("disposition of a track", self.disposition, 0, _MAX_DISPOSITION)


@dataclass(frozen=True)
class Track:
    """What audio and subtitle tracks share. `number`: 1..64, as in their packets. `codec`: FFmpeg's name. `time_base`: seconds.

    `extradata`: the codec's own set-up bytes. `language`: ISO 639-2 or empty.
    """

    number: int
    codec: str
    time_base: Fraction
    extradata: bytes = b""
    language: str = ""
    detail: TrackDetail = TrackDetail()

    def __post_init__(self) -> None:
        _check_range("number of a track", self.number, 1, MAX_TRACKS)


@dataclass(frozen=True)
class AudioTrack(Track):
    """`sample_rate` in Hz; `layout` is FFmpeg's name ("stereo")."""

    sample_rate: int = field(kw_only=True)
    channels: int = field(kw_only=True)
    layout: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range("sample rate", self.sample_rate, 1, _MAX_NUMBER)
        _check_range("number of channels", self.channels, 1, _MAX_NUMBER)

    def __str__(self) -> str:
        return f"audio track {self.number} ({self.codec})"


@dataclass(frozen=True)
class SubtitleTrack(Track):
    """A subtitle track has nothing beyond what all tracks have."""

    def __str__(self) -> str:
        return f"subtitle track {self.number} ({self.codec})"


@dataclass(frozen=True, slots=True)
class TrackPacket:
    """One packet of an audio or subtitle track, as FFmpeg has it: `data` at `pts` for `duration` (0 = unknown), in units of the track's
    time base.

    `trim`: samples that a player drops from the beginning and from the end of what it decodes to (priming and padding of the encoder).
    `cue`: identifier and settings of a WebVTT cue.
    """

    track: int
    pts: int
    data: bytes
    duration: int = 0
    key: bool = True
    trim: tuple[int, int] = (0, 0)
    cue: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Chapter:
    """From `start` to `end`, in units of `time_base` seconds; `tags`: title and the like."""

    start: int
    end: int
    time_base: Fraction
    tags: Tags = ()

    @property
    def start_seconds(self) -> Fraction:
        return self.start * self.time_base

    @property
    def end_seconds(self) -> Fraction:
        return self.end * self.time_base


def chapters_in(
    chapters: Iterable[Chapter], start: Fraction | None, stop: Fraction | None
) -> tuple[Chapter, ...]:
    """Those that touch [start, stop), in seconds; None = no limit."""
    return tuple(
        chapter
        for chapter in chapters
        if (start is None or chapter.end_seconds > start)
        and (stop is None or chapter.start_seconds < stop)
    )
