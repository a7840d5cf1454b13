"""The prologue of a stream: Header to bytes and back, field by field in the order of the specification (format.py)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import IntEnum
from typing import TypeVar

from streamcodec._native import crc32c
from streamcodec.container import values
from streamcodec.container.foreign import NO_STREAM, foreign_kind
from streamcodec.container.format import (
    MAGIC,
    MAX_HEADER_SIZE,
    PROLOGUE,
    VERSION,
    Cursor,
    pack_blob,
    pack_rational,
    pack_text,
    pack_varint,
)
from streamcodec.container.header import Header
from streamcodec.container.limits import DEFAULT_LIMITS, Limits
from streamcodec.errors import (
    CorruptStreamError,
    TruncatedStreamError,
    UnsupportedStreamError,
    UsageError,
)
from streamcodec.tracks import AudioTrack, SubtitleTrack, TrackDetail
from streamcodec.types import VideoFormat

__all__ = ["pack_header", "pack_metadata", "prologue_size", "unpack_header", "unpack_metadata"]

Value = TypeVar("Value")

_CRC_START = 8  # the CRC covers major, minor and size, neither the magic before them nor itself
_CRC_STOP = 16


class Field(IntEnum):
    PICTURE = 1
    TIME_BASE = 2
    FRAME_FORMAT = 3
    INTRA_MODEL = 4
    INTER_MODEL = 5
    ARITHMETIC = 6
    CROP = 7
    FRAME_RATE = 8
    SAMPLE_ASPECT_RATIO = 9
    ROTATION = 10
    COLOR = 11
    BIT_DEPTH = 12
    MASTERING_DISPLAY = 13
    CONTENT_LIGHT = 14
    GOP_LENGTH = 15
    QUALITY = 16
    AUDIO_TRACK = 17
    SUBTITLE_TRACK = 18
    METADATA = 19
    SOFTWARE = 20
    TRACK_DETAIL = 21
    CHAPTER = 22
    B_FRAMES = 23


_MUST = frozenset({1, 2, 3, 4, 5, 7, 9, 10, 11, 23})
_REPEATED = frozenset(
    {
        Field.AUDIO_TRACK,
        Field.SUBTITLE_TRACK,
        Field.METADATA,
        Field.TRACK_DETAIL,
        Field.CHAPTER,
    }
)
_KNOWN = frozenset(map(int, Field))


def pack_header(header: Header) -> bytes:
    """The whole prologue. Raises UsageError if it exceeds the limit of the format."""
    fields = _pack_fields(header)
    if len(fields) > MAX_HEADER_SIZE:
        raise UsageError(
            f"header has {len(fields)} bytes; accepted: at most {MAX_HEADER_SIZE}; store less metadata or extradata"
        )
    covered = PROLOGUE.pack(MAGIC, *VERSION, len(fields), 0)[_CRC_START:_CRC_STOP]
    return PROLOGUE.pack(MAGIC, *VERSION, len(fields), crc32c(fields, crc32c(covered))) + fields


def prologue_size(start: bytes) -> int:
    """Size in bytes of the prologue that begins with `start`, its first 20 bytes; raises unless this version can read it."""
    if start[: len(MAGIC)] != MAGIC[: len(start)] or not start:
        found = foreign_kind(start) or (
            f"it starts with {start[:8].hex()}, must start with {MAGIC.hex()}"
            if start
            else "it is empty"
        )
        raise CorruptStreamError(f"{NO_STREAM}: {found}")
    if len(start) < PROLOGUE.size:
        raise TruncatedStreamError(f"byte {len(start)}: the stream ends within its header")
    _, major, minor, size, _ = PROLOGUE.unpack(start)
    if major > VERSION[0]:
        raise UnsupportedStreamError(
            f"stream has format version {major}.{minor}; accepted: {VERSION[0]}.x; update streamcodec"
        )
    if major < VERSION[0]:
        raise CorruptStreamError(
            f"stream has format version {major}.{minor}; versions start at 1.0"
        )
    if size > MAX_HEADER_SIZE:
        raise CorruptStreamError(f"header size is {size}; must be at most {MAX_HEADER_SIZE}")
    return PROLOGUE.size + int(size)


def unpack_header(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[Header, tuple[int, int]]:
    """Header and version (major, minor) from the whole prologue. Raises FormatError."""
    size = prologue_size(data[: PROLOGUE.size])
    if len(data) < size:
        raise TruncatedStreamError(f"byte {len(data)}: the stream ends within its header")
    _, major, minor, _, crc = PROLOGUE.unpack_from(data)
    fields = data[PROLOGUE.size : size]
    if crc32c(fields, crc32c(data[_CRC_START:_CRC_STOP])) != crc:
        raise CorruptStreamError("CRC of the header is wrong")
    try:
        return _unpack_fields(_FieldReader(fields, f"{major}.{minor}", limits)), (major, minor)
    except UsageError as error:  # the values check themselves
        raise CorruptStreamError(f"header: {error}") from error


def pack_metadata(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Payload of a metadata packet: (key, value) pairs."""
    return values.pack_pairs(tuple(pairs))


def unpack_metadata(payload: bytes) -> tuple[tuple[str, str], ...]:
    """The (key, value) pairs of a metadata packet; CorruptStreamError if they are malformed."""
    return values.unpack_pairs(Cursor(payload, "metadata packet"))


def _pack_fields(header: Header) -> bytes:
    video = header.video
    fields = [
        _pack(Field.PICTURE, (video.width, video.height), values.pack_size),
        _pack(Field.TIME_BASE, video.time_base, pack_rational),
        _pack(
            Field.FRAME_FORMAT, values.FRAME_FORMATS.index(header.frame_format), values.pack_byte
        ),
        _pack(Field.INTRA_MODEL, header.intra, values.pack_model),
        _pack(Field.INTER_MODEL, header.inter, values.pack_model),
        _pack(Field.ARITHMETIC, (header.precision, header.device), values.pack_arithmetic),
        _pack(Field.CROP, header.crop, values.pack_crop),
        _pack(Field.FRAME_RATE, video.frame_rate, pack_rational),
        _pack(Field.SAMPLE_ASPECT_RATIO, video.sample_aspect_ratio, pack_rational),
        _pack(Field.ROTATION, video.rotation_degrees // 90, values.pack_byte),
        _pack(Field.COLOR, video.color, values.pack_color),
        _pack(Field.BIT_DEPTH, video.bit_depth, values.pack_byte),
        _pack(Field.MASTERING_DISPLAY, header.mastering_display, values.pack_mastering_display),
        _pack(Field.CONTENT_LIGHT, header.content_light, values.pack_content_light),
        _pack(Field.GOP_LENGTH, header.gop_length, pack_varint),
        _pack(Field.QUALITY, header.quality, values.pack_byte),
        *(
            _pack(Field.AUDIO_TRACK, track, values.pack_audio_track)
            for track in header.audio_tracks
        ),
        *(
            _pack(Field.SUBTITLE_TRACK, track, values.pack_subtitle_track)
            for track in header.subtitle_tracks
        ),
        *(_pack(Field.METADATA, pair, values.pack_pair) for pair in header.metadata),
        _pack(Field.SOFTWARE, header.software, pack_text),
        *(
            _pack(Field.TRACK_DETAIL, (track.number, track.detail), values.pack_detail)
            for track in header.tracks
            if track.detail != TrackDetail()
        ),
        *(_pack(Field.CHAPTER, chapter, values.pack_chapter) for chapter in header.chapters),
        _pack(Field.B_FRAMES, header.b_frames or None, values.pack_byte),
    ]
    return b"".join(fields)


def _pack(field: Field, value: Value | None, pack: Callable[[Value], bytes]) -> bytes:
    return (
        b"" if value is None else pack_varint(2 * field + (field in _MUST)) + pack_blob(pack(value))
    )


def _unpack_fields(fields: "_FieldReader") -> Header:
    width, height = fields.one(Field.PICTURE, values.unpack_size)
    time_base = fields.one(Field.TIME_BASE, Cursor.rational)
    frame_format = fields.one(
        Field.FRAME_FORMAT, lambda cursor: values.unpack_choice(cursor, values.FRAME_FORMATS)
    )
    intra = fields.one(Field.INTRA_MODEL, values.unpack_model)
    inter = fields.maybe(Field.INTER_MODEL, values.unpack_model)
    precision, device = fields.one(Field.ARITHMETIC, values.unpack_arithmetic)
    crop = fields.maybe(Field.CROP, values.unpack_crop)
    video = VideoFormat(
        width=width,
        height=height,
        time_base=time_base,
        frame_rate=fields.maybe(Field.FRAME_RATE, Cursor.rational),
        sample_aspect_ratio=fields.one(Field.SAMPLE_ASPECT_RATIO, Cursor.rational),
        rotation_degrees=90 * fields.one(Field.ROTATION, values.unpack_byte),
        color=fields.one(Field.COLOR, values.unpack_color),
        bit_depth=fields.one(Field.BIT_DEPTH, values.unpack_byte),
    )
    audio, subtitles = _unpack_tracks(fields)
    return Header(
        video=video,
        intra=intra,
        inter=inter,
        frame_format=frame_format,
        precision=precision,
        device=device,
        crop=crop,
        mastering_display=fields.maybe(Field.MASTERING_DISPLAY, values.unpack_mastering_display),
        content_light=fields.maybe(Field.CONTENT_LIGHT, values.unpack_content_light),
        gop_length=fields.maybe(Field.GOP_LENGTH, Cursor.varint),
        quality=fields.maybe(Field.QUALITY, values.unpack_byte),
        b_frames=fields.maybe(Field.B_FRAMES, values.unpack_byte) or 0,
        audio_tracks=audio,
        subtitle_tracks=subtitles,
        metadata=fields.all(Field.METADATA, values.unpack_pair),
        chapters=fields.all(Field.CHAPTER, values.unpack_chapter),
        software=fields.one(Field.SOFTWARE, Cursor.text),
    )


def _unpack_tracks(
    fields: "_FieldReader",
) -> tuple[tuple[AudioTrack, ...], tuple[SubtitleTrack, ...]]:
    audio = fields.all(Field.AUDIO_TRACK, values.unpack_audio_track)
    subtitles = fields.all(Field.SUBTITLE_TRACK, values.unpack_subtitle_track)
    found = fields.all(Field.TRACK_DETAIL, values.unpack_detail)
    details = dict(found)
    numbers = {track.number for track in (*audio, *subtitles)}
    if len(details) < len(found) or not numbers.issuperset(details):
        raise CorruptStreamError(
            f"header: field track detail is of the tracks {[number for number, _ in found]}; "
            f"must be once for a track at most, of {sorted(numbers)}"
        )
    return (
        tuple(replace(track, detail=details.get(track.number, track.detail)) for track in audio),
        tuple(
            replace(track, detail=details.get(track.number, track.detail)) for track in subtitles
        ),
    )


class _FieldReader:
    """The fields of a header by number; skips or refuses the unknown ones as their tags say."""

    def __init__(self, data: bytes, version: str, limits: Limits) -> None:
        self._values: dict[int, list[bytes]] = {}
        cursor = Cursor(data, "header")
        while cursor.remaining:
            number, must = divmod(cursor.varint(), 2)
            value = cursor.blob()
            if number in _KNOWN:
                self._values.setdefault(number, []).append(value)
            elif must:
                raise UnsupportedStreamError(
                    f"header field {number} of format version {version} must be understood and is not known to"
                    f" version {VERSION[0]}.{VERSION[1]}; update streamcodec"
                )
        for number, found in self._values.items():
            if len(found) > 1 and number not in _REPEATED:
                cursor.refuse(f"field {_name(Field(number))} comes {len(found)} times")
        limits.check("tags", self._count(Field.METADATA))
        limits.check("tracks", self._count(Field.AUDIO_TRACK) + self._count(Field.SUBTITLE_TRACK))

    def _count(self, field: Field) -> int:
        return len(self._values.get(field, ()))

    def all(self, field: Field, unpack: Callable[[Cursor], Value]) -> tuple[Value, ...]:
        return tuple(_unpack(field, value, unpack) for value in self._values.get(field, ()))

    def maybe(self, field: Field, unpack: Callable[[Cursor], Value]) -> Value | None:
        return next(iter(self.all(field, unpack)), None)

    def one(self, field: Field, unpack: Callable[[Cursor], Value]) -> Value:
        for value in self.all(field, unpack):
            return value
        raise CorruptStreamError(f"header: field {_name(field)} is missing")


def _unpack(field: Field, value: bytes, unpack: Callable[[Cursor], Value]) -> Value:
    cursor = Cursor(value, f"header field {_name(field)}")
    result = unpack(cursor)
    cursor.done()
    return result


def _name(field: Field) -> str:
    return field.name.lower().replace("_", " ")
