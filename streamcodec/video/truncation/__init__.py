"""Signs that the bytes of a source end before the video does. FFmpeg takes the end of the bytes for the end of most videos."""

from collections.abc import Callable
from contextlib import suppress

from av.video.stream import VideoStream

from streamcodec.video.source import OpenSource, Tap
from streamcodec.video.truncation import flat, tagged
from streamcodec.video.truncation.bytes import NotKnownError, SourceBytes, source_bytes

__all__ = ["find_truncation"]

_TRANSPORT_PACKET_SIZES = (188, 192, 204)
_SHORTFALL_SECONDS = 0.5

Sign = Callable[[SourceBytes, float, int], str | None]
"""Bytes, where the last frame ended in seconds, and the byte where its packet ended -> what is missing, in words."""

_SIGNS: dict[str, Sign] = {
    "avi": tagged.avi,
    "flv": tagged.flv,
    "gif": flat.gif,
    "ivf": flat.ivf,
    "matroska": tagged.matroska,
    "mxf": tagged.mxf,
}
"""A part of FFmpeg's name of the format -> what looks for signs in its bytes."""


def find_truncation(source: OpenSource, end_seconds: float, end_byte: int) -> str | None:
    """What is missing at the end, in words, looked for when all bytes are read; None if there is no sign.

    `end_seconds` is where the last frame ended, `end_byte` where the last packet did. MP4's index names bytes behind the end of the file,
    Matroska tells the size of its parts and the duration of each stream, a transport stream has whole packets, y4m whole frames. AVI, FLV
    and MXF tell the sizes of their parts, most FLV, IVF and MXF what is all in all in them, and a GIF ends in a trailer.
    """
    if isinstance(source.file, Tap) and source.file.failure is not None:
        return source.file.failure
    name, stream = source.container.format.name, source.stream
    declared = _declared_seconds(stream)
    with source_bytes(source) as found:
        size = found.size
        if size and "mp4" in name and _last_indexed_byte(stream) > size:
            return "its index names frames behind its end"
        for kind, sign in _SIGNS.items():
            if size and kind in name:
                with suppress(NotKnownError, OSError):
                    missing = sign(found, end_seconds, end_byte)
                    if missing:
                        return missing
    if declared is not None and declared - end_seconds > _SHORTFALL_SECONDS:
        return f"it tells a duration of {declared:.2f} s"
    if size and name == "mpegts" and all(size % packet for packet in _TRANSPORT_PACKET_SIZES):
        return "its last packet is not whole"
    if name == "yuv4mpegpipe" and size > end_byte:
        return "its last frame is not whole"
    return None


def _last_indexed_byte(stream: VideoStream) -> int:
    entries = getattr(stream, "index_entries", None)  # from PyAV 17 on
    return max((entry.pos + entry.size for entry in entries or ()), default=0)


def _declared_seconds(stream: VideoStream) -> float | None:
    """Matroska's DURATION tag, "HH:MM:SS.nnnnnnnnn"."""
    parts = stream.metadata.get("DURATION", "").split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return 3600 * hours + 60 * minutes + seconds
