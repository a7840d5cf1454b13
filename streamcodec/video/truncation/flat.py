"""Formats without parts of told sizes: GIF, which has a trailer, and IVF, which tells its length. Each function as `Sign` has it."""

import struct

from streamcodec.video.truncation.bytes import NotKnownError, SourceBytes

__all__ = ["gif", "ivf"]

_GIF_TRAILER, _GIF_EXTENSION, _GIF_IMAGE = 0x3B, 0x21, 0x2C
_GIF_END_BYTES = 64
_NO_TRAILER = "its trailer is missing"

_IVF_FRAME_BYTES = 12
_IVF_NO_LENGTH = (0, 0xFFFFFFFF)
_IVF_HEADER = struct.Struct("<4sHHIHHIII")
_MAX_FRAMES = 1 << 22


def gif(source: SourceBytes, end_seconds: float, end_byte: int) -> str | None:
    """Blocks up to the trailer. Of a pipe the last byte that is not 0 tells."""
    try:
        data = source.at(0, source.size)
    except NotKnownError:
        end = source.at(max(source.size - _GIF_END_BYTES, 0), _GIF_END_BYTES).rstrip(b"\0")
        return None if end.endswith(bytes([_GIF_TRAILER])) else _NO_TRAILER
    at = 13 + _gif_colors(data[10:11])
    while at < len(data):
        if data[at] == _GIF_TRAILER:
            return None
        if data[at] == _GIF_EXTENSION:
            at = _behind_blocks(data, at + 2)
        elif data[at] == _GIF_IMAGE:
            at = _behind_blocks(data, at + 11 + _gif_colors(data[at + 9 : at + 10]))
        else:
            return None  # no block that is known: nothing can be said
    return _NO_TRAILER


def _gif_colors(flags: bytes) -> int:
    """Bytes of the table of colours that these flags announce."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _behind_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def ivf(source: SourceBytes, end_seconds: float, end_byte: int) -> str | None:
    """Frames, one after another. The header tells the length in ticks, or as libvpx has it in frames, which are as many or fewer."""
    header = source.at(0, _IVF_HEADER.size)
    _, _, header_bytes, _, _, _, rate, scale, length = _IVF_HEADER.unpack(header)
    if length not in _IVF_NO_LENGTH and rate:
        told = length * scale / rate
        if told - end_seconds > 0.9 * scale / rate:
            return f"its header tells a duration of {told:.2f} s"
    at = header_bytes
    for _ in range(_MAX_FRAMES):
        frame = source.at(at, _IVF_FRAME_BYTES)
        if not frame:
            return None
        at += _IVF_FRAME_BYTES + int.from_bytes(frame[:4], "little")
        if len(frame) < _IVF_FRAME_BYTES or at > source.size:
            return "its last frame is not whole"
    return None
