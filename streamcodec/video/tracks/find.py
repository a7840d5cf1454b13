"""Which tracks of a source go with its pictures, and what stays behind."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from streamcodec.tracks import (
    MAX_TRACKS,
    AudioTrack,
    Carry,
    Chapter,
    SubtitleTrack,
    Tags,
    Track,
    TrackDetail,
)
from streamcodec.video.tracks.codecs import is_carried

__all__ = ["Found", "find_tracks", "own_tags"]

_ATTACHED_PICTURE = 0x400  # disposition of a cover image
_BRANDS = frozenset({"major_brand", "minor_version", "compatible_brands"})
_FILE_TAGS = frozenset({"language", "encoder", "vendor_id", "DURATION", "BPS"})
_FILE_TAG_STARTS = ("NUMBER_OF_", "_STATISTICS_", "BPS-", "DURATION-")
_NO_NAMES = ("SoundHandler", "SubtitleHandler")  # what FFmpeg calls a track without a name
_CHAPTER_TEXT = ("bin_data", "mov_text", "text")


@dataclass(frozen=True)
class Found:
    """`tracks` to copy, with the index of each in its container; `notes`: what is not kept, in words."""

    tracks: tuple[Track, ...] = ()
    indexes: tuple[int, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    notes: tuple[str, ...] = ()


def find_tracks(
    container: InputContainer, video: VideoStream, *, audio: Carry, subtitles: Carry
) -> Found:
    """The tracks beside `video` that are to be copied. What the caller does not want is not a loss: it is not noted."""
    wanted = {"audio": audio == "copy", "subtitle": subtitles == "copy"}
    chapters = _chapters(container)
    tracks: list[Track] = []
    indexes: list[int] = []
    left: Counter[str] = Counter()
    notes: list[str] = []
    for stream in container.streams:
        if _is_told_elsewhere(stream) or (chapters and _is_chapter_text(stream)):
            continue
        if stream.type not in wanted:
            left[_kind(stream)] += 1
        elif wanted[stream.type]:
            track = _track(stream, len(tracks) + 1)
            if isinstance(track, str):
                notes.append(track)
            else:
                tracks.append(track)
                indexes.append(stream.index)
    notes += [_counted(kind, count) for kind, count in left.items()]
    return Found(tuple(tracks), tuple(indexes), chapters, tuple(notes))


def own_tags(metadata: dict[str, str]) -> dict[str, str]:
    """The tags of a source without those that tell of its file format."""
    return {key: value for key, value in metadata.items() if key not in _BRANDS}


def _track(stream: Stream, number: int) -> Track | str:
    """The track, or why it cannot be carried."""
    context = stream.codec_context
    codec = context.codec.canonical_name if context is not None else "unknown to FFmpeg"
    what = f"its {stream.type} track {number} ({codec}) is not kept"
    if not is_carried(codec):
        return f"{what}: such packets have no place in the files that decoding writes"
    if number > MAX_TRACKS:
        return f"{what}: a stream has {MAX_TRACKS} tracks at most"
    time_base = stream.time_base or Fraction(1, 1000)
    extradata, language = context.extradata or b"", stream.language or ""
    detail = TrackDetail(int(stream.disposition), _tags(stream.metadata))
    if stream.type == "subtitle":
        return SubtitleTrack(number, codec, time_base, extradata, language, detail)
    rate, layout = getattr(context, "sample_rate", 0), getattr(context, "layout", None)
    if not rate or layout is None or not layout.nb_channels:
        return f"{what}: it does not tell its sample rate or channels"
    return AudioTrack(
        number,
        codec,
        time_base,
        extradata,
        language,
        detail,
        sample_rate=rate,
        channels=layout.nb_channels,
        layout=layout.name,
    )


def _tags(metadata: dict[str, str]) -> Tags:
    """What is said of the track, without what is said of its file."""
    return tuple(
        (key, value)
        for key, value in metadata.items()
        if key not in _FILE_TAGS and not key.startswith(_FILE_TAG_STARTS) and value not in _NO_NAMES
    )


def _chapters(container: InputContainer) -> tuple[Chapter, ...]:
    return tuple(
        Chapter(
            chapter["start"],
            chapter["end"],
            chapter["time_base"] or Fraction(1, 1000),
            tuple(chapter["metadata"].items()),
        )
        for chapter in container.chapters()
    )


def _is_chapter_text(stream: Stream) -> bool:
    """MP4 has the titles of its chapters once more as a track."""
    return stream.type == "data" and (stream.name or "") in _CHAPTER_TEXT


def _is_told_elsewhere(stream: Stream) -> bool:
    """choose_track() says which video track was taken."""
    return stream.type == "video" and not int(stream.disposition) & _ATTACHED_PICTURE


def _kind(stream: Stream) -> str:
    if stream.type == "video":
        return "cover picture"
    return {"data": "data track", "attachment": "attachment"}.get(
        stream.type, "track of unknown kind"
    )


def _counted(kind: str, count: int) -> str:
    return f"its {kind} is not kept" if count == 1 else f"its {count} {kind}s are not kept"
