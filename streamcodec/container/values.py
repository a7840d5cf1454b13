"""Values of header fields to bytes and back, each pair side by side, in the order of the specification (format.py)."""

import struct
from collections.abc import Sequence
from typing import TypeVar

from streamcodec.container.format import (
    MODEL_ID_SIZE,
    Cursor,
    pack_blob,
    pack_rational,
    pack_signed,
    pack_text,
    pack_varint,
)
from streamcodec.container.header import ContentLight, Crop, MasteringDisplay, ModelRef
from streamcodec.tracks import AudioTrack, Chapter, SubtitleTrack, Tags, Track, TrackDetail
from streamcodec.types import ColorSpec, FrameFormat, Precision

Choice = TypeVar("Choice", bound=str)

FRAME_FORMATS: tuple[FrameFormat, ...] = ("rgb", "yuv420")
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
"""Choices in the order of their numbers."""


def pack_byte(value: int) -> bytes:
    return bytes([value])


def unpack_byte(cursor: Cursor) -> int:
    return cursor.fixed("B")[0]


def unpack_choice(cursor: Cursor, choices: Sequence[Choice]) -> Choice:
    number = unpack_byte(cursor)
    if number >= len(choices):
        cursor.refuse(f"choice is {number}; must be 0 .. {len(choices) - 1} ({', '.join(choices)})")
    return choices[number]


def pack_size(size: tuple[int, int]) -> bytes:
    return pack_varint(size[0]) + pack_varint(size[1])


def unpack_size(cursor: Cursor) -> tuple[int, int]:
    return cursor.varint(), cursor.varint()


def pack_model(model: ModelRef) -> bytes:
    return pack_text(model.name) + model.id


def unpack_model(cursor: Cursor) -> ModelRef:
    return ModelRef(name=cursor.text(), id=cursor.take(MODEL_ID_SIZE))


def pack_arithmetic(arithmetic: tuple[Precision, str]) -> bytes:
    precision, device = arithmetic
    return pack_byte(PRECISIONS.index(precision)) + pack_text(device)


def unpack_arithmetic(cursor: Cursor) -> tuple[Precision, str]:
    return unpack_choice(cursor, PRECISIONS), cursor.text()


def pack_crop(crop: Crop) -> bytes:
    return pack_size((crop.left, crop.top)) + pack_size((crop.width, crop.height))


def unpack_crop(cursor: Cursor) -> Crop:
    return Crop(*unpack_size(cursor), *unpack_size(cursor))


def pack_color(color: ColorSpec) -> bytes:
    return bytes([color.primaries, color.transfer, color.matrix, color.full_range])


def unpack_color(cursor: Cursor) -> ColorSpec:
    primaries, transfer, matrix, full_range = cursor.fixed("4B")
    if full_range > 1:
        cursor.refuse(f"range is {full_range}; must be 0 (limited) or 1 (full)")
    return ColorSpec(primaries, transfer, matrix, bool(full_range))


def pack_mastering_display(display: MasteringDisplay) -> bytes:
    chromaticities = (*display.red, *display.green, *display.blue, *display.white)
    return struct.pack("<8H2I", *chromaticities, display.max_luminance, display.min_luminance)


def unpack_mastering_display(cursor: Cursor) -> MasteringDisplay:
    rx, ry, gx, gy, bx, by, wx, wy, highest, lowest = cursor.fixed("8H2I")
    return MasteringDisplay((rx, ry), (gx, gy), (bx, by), (wx, wy), highest, lowest)


def pack_content_light(light: ContentLight) -> bytes:
    return struct.pack("<2H", light.max_content, light.max_frame_average)


def unpack_content_light(cursor: Cursor) -> ContentLight:
    return ContentLight(*cursor.fixed("2H"))


def pack_audio_track(track: AudioTrack) -> bytes:
    sound = pack_varint(track.sample_rate) + pack_varint(track.channels) + pack_text(track.layout)
    return _pack_track_start(track) + sound + pack_blob(track.extradata) + pack_text(track.language)


def unpack_audio_track(cursor: Cursor) -> AudioTrack:
    return AudioTrack(
        number=cursor.varint(),
        codec=cursor.text(),
        time_base=cursor.rational(),
        sample_rate=cursor.varint(),
        channels=cursor.varint(),
        layout=cursor.text(),
        extradata=cursor.blob(),
        language=cursor.text(),
    )


def pack_subtitle_track(track: SubtitleTrack) -> bytes:
    return _pack_track_start(track) + pack_blob(track.extradata) + pack_text(track.language)


def unpack_subtitle_track(cursor: Cursor) -> SubtitleTrack:
    return SubtitleTrack(
        number=cursor.varint(),
        codec=cursor.text(),
        time_base=cursor.rational(),
        extradata=cursor.blob(),
        language=cursor.text(),
    )


def pack_pair(pair: tuple[str, str]) -> bytes:
    return pack_text(pair[0]) + pack_text(pair[1])


def unpack_pair(cursor: Cursor) -> tuple[str, str]:
    return cursor.text(), cursor.text()


def pack_detail(numbered: tuple[int, TrackDetail]) -> bytes:
    number, detail = numbered
    return pack_varint(number) + pack_varint(detail.disposition) + pack_pairs(detail.tags)


def unpack_detail(cursor: Cursor) -> tuple[int, TrackDetail]:
    return cursor.varint(), TrackDetail(cursor.varint(), unpack_pairs(cursor))


def pack_chapter(chapter: Chapter) -> bytes:
    times = pack_signed(chapter.start) + pack_signed(chapter.end)
    return times + pack_rational(chapter.time_base) + pack_pairs(chapter.tags)


def unpack_chapter(cursor: Cursor) -> Chapter:
    return Chapter(cursor.signed(), cursor.signed(), cursor.rational(), unpack_pairs(cursor))


def pack_pairs(pairs: Tags) -> bytes:
    return b"".join(map(pack_pair, pairs))


def unpack_pairs(cursor: Cursor) -> Tags:
    """The pairs that fill what is left."""
    pairs = []
    while cursor.remaining:
        pairs.append(unpack_pair(cursor))
    return tuple(pairs)


def _pack_track_start(track: Track) -> bytes:
    return pack_varint(track.number) + pack_text(track.codec) + pack_rational(track.time_base)
