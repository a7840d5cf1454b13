"""Containers of parts that tell their sizes: AVI, FLV, Matroska and MXF. Each function as `Sign` has it."""

import struct

from streamcodec.video.truncation.bytes import NotKnownError, SourceBytes

__all__ = ["avi", "flv", "matroska", "mxf"]

_MAX_PARTS = 1 << 20

_RIFF = (b"RIFF", b"JUNK")
_RIFF_SIZE_SLACK = 8  # some writers count the header of the part to its size
_NO_RIFF_SIZE = (0, 0x7FFFFFFF, 0xFFFFFFFF)

_FLV_HEADER_BYTES, _FLV_TAG_BYTES, _FLV_BACK_BYTES = 9, 11, 4
_FLV_TAGS = (8, 9, 18)
_FLV_FACTS_BYTES = 4096
_FLV_SHORTFALL_SECONDS = 0.5

_SEGMENT = b"\x18\x53\x80\x67"
_SHORT_IDS = (b"\xbf", b"\xec")  # CRC-32 and void; all other elements there have ids of four bytes
_ELEMENT_HEADER_BYTES = 12  # at most 4 of the element's id and 8 of its size

_KLV = b"\x06\x0e\x2b\x34"
_PARTITION = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01"
_KLV_HEADER_BYTES = 25  # at most 16 of the key and 9 of the size
_FOOTER_AT = 24  # in a partition pack


def avi(source: SourceBytes, end_seconds: float, end_byte: int) -> str | None:
    """RIFF parts, one after another. A live writer leaves the size open."""
    at = 0
    for _ in range(_MAX_PARTS):
        try:
            header = source.at(at, 8)
        except NotKnownError:
            break
        if len(header) < 8 or header[:4] not in _RIFF:
            break
        size = int.from_bytes(header[4:], "little")
        if size in _NO_RIFF_SIZE:
            return None
        at += 8 + size + size % 2
    missing = at - source.size
    return "it ends within a RIFF part" if missing > 0 and missing != _RIFF_SIZE_SLACK else None


def flv(source: SourceBytes, end_seconds: float, end_byte: int) -> str | None:
    """Tags, one after another; the first one tells size and duration, unless the writer was live."""
    facts = source.at(0, min(_FLV_FACTS_BYTES, source.size))
    told = _flv_fact(facts, b"filesize")
    if told > source.size:
        return f"its header tells a size of {told:.0f} bytes"
    at, last_seconds = int.from_bytes(facts[5:9], "big") + _FLV_BACK_BYTES, 0.0
    for _ in range(_MAX_PARTS):
        tag = source.at(at, _FLV_TAG_BYTES)
        if not tag:
            break
        if tag[0] & 0x1F not in _FLV_TAGS:
            return None
        at += _FLV_TAG_BYTES + int.from_bytes(tag[1:4], "big")
        if len(tag) < _FLV_TAG_BYTES or at > source.size:
            return "it ends within a tag"
        at += _FLV_BACK_BYTES
        last_seconds = max(last_seconds, int.from_bytes(tag[7:8] + tag[4:7], "big") / 1000)
    duration = _flv_fact(facts, b"duration")
    if duration - last_seconds > _FLV_SHORTFALL_SECONDS:
        return f"its header tells a duration of {duration:.2f} s"
    return None


def _flv_fact(facts: bytes, key: bytes) -> float:
    """A number of the first tag, 0 = not told."""
    at = facts.find(key + b"\0")  # the byte behind the key: that it is a number
    value = facts[at + len(key) + 1 : at + len(key) + 9]
    if at < 0 or len(value) < 8:
        return 0.0
    number: float = struct.unpack(">d", value)[0]
    return number if 0 < number < 1e18 else 0.0


def matroska(source: SourceBytes, end_seconds: float, end_byte: int) -> str | None:
    """Elements (RFC 8794), one after another."""
    return "it ends within an element" if _matroska_end(source) > source.size else None


def _matroska_end(source: SourceBytes) -> int:
    """Go over the elements up to the segment; if it does not tell its size, over what is in it too."""
    at = 0
    for _ in range(_MAX_PARTS):
        try:
            header = source.at(at, _ELEMENT_HEADER_BYTES)
        except NotKnownError:
            break
        if not header or not (header[0] >> 4 == 1 or header[:1] in _SHORT_IDS):
            break
        id_size = 9 - header[0].bit_length()
        if len(header) <= id_size or len(header) < (
            body_at := id_size + 9 - header[id_size].bit_length()
        ):
            return at + id_size + 1
        bits = 7 * (body_at - id_size)
        size = int.from_bytes(header[id_size:body_at], "big") & ((1 << bits) - 1)
        is_segment, is_unknown = header[:id_size] == _SEGMENT, size == (1 << bits) - 1
        if is_segment and not is_unknown:
            return at + body_at + size
        if is_unknown and not is_segment:
            break  # a cluster of a live stream
        at += body_at + (0 if is_unknown else size)
    return at


def mxf(source: SourceBytes, end_seconds: float, end_byte: int) -> str | None:
    """KLV triplets (SMPTE ST 377-1), one after another; the header names the place of the footer when the file is complete."""
    partition = source.at(0, _KLV_HEADER_BYTES + 64)
    if partition.startswith(_PARTITION):
        value_at = 17 + max(partition[16] - 0x80, 0)
        footer = partition[value_at + _FOOTER_AT : value_at + _FOOTER_AT + 8]
        if int.from_bytes(footer, "big") >= source.size:
            return "its header names a footer behind its end"
    at = end_byte if source.at(end_byte, 4) == _KLV else 0
    for _ in range(_MAX_PARTS):
        header = source.at(at, _KLV_HEADER_BYTES)
        if not header or not header.startswith(_KLV[: len(header)]):
            return None
        size_bytes = 1 + max(header[16] - 0x80, 0) if len(header) > 16 else 1
        if len(header) < 16 + size_bytes:
            return "it ends within a KLV part"
        size = (
            header[16] if size_bytes == 1 else int.from_bytes(header[17 : 16 + size_bytes], "big")
        )
        at += 16 + size_bytes + size
        if at > source.size:
            return "it ends within a KLV part"
    return None
