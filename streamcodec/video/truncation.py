"""Signs that the bytes of a source end before the video does. FFmpeg takes the end of the bytes for the end of most videos."""

import io
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from av.container import InputContainer
from av.video.stream import VideoStream

from streamcodec.video.source import Tap, at_its_position

__all__ = ["SourceBytes", "find_truncation"]

_TRANSPORT_PACKET_SIZES = (188, 192, 204)
_SHORTFALL_SECONDS = 0.5

_SEGMENT = b"\x18\x53\x80\x67"
_SHORT_IDS = (b"\xbf", b"\xec")  # CRC-32 and void; all other elements there have ids of four bytes
_ELEMENT_HEADER_BYTES = 12  # at most 4 of the element's id and 8 of its size
_MAX_ELEMENTS = 1 << 16  # a cluster is an element, and holds seconds


class SourceBytes:
    """What can be known of a source's bytes beside the demuxer. `source`: what `tapped` gave."""

    def __init__(self, source: Any, container: InputContainer) -> None:
        self.source, self._container = source, container

    def size(self) -> int:
        """How many bytes the source has, of a pipe how many came so far; 0 = not known."""
        return self.source.size if isinstance(self.source, Tap) else max(self._container.size, 0)

    def matroska_end(self) -> int:
        """The byte behind the last element that a Matroska file begins, as far as its elements tell; 0 = not known."""
        source = self.source
        if isinstance(source, Tap):
            return _walk(io.BytesIO(source.head))
        if not hasattr(source, "read") and not Path(source).is_file():  # a URL, or a named pipe
            return 0
        with (
            suppress(OSError),
            at_its_position(source) if hasattr(source, "read") else Path(source).open("rb") as file,
        ):
            return _walk(file)
        return 0


def find_truncation(
    source: SourceBytes,
    container: InputContainer,
    stream: VideoStream,
    end_seconds: float,
    end_byte: int,
) -> str | None:
    """Signs that the bytes end before the video does, looked for when they are all read.

    `end_seconds` is where the last frame ended, `end_byte` where the last packet did. MP4's index names bytes behind the end of the file,
    Matroska tells the size of its parts and the duration of each stream, a transport stream has whole packets, y4m whole frames.
    """
    name, size = container.format.name, source.size()
    entries = getattr(stream, "index_entries", None)  # from PyAV 17 on
    if (
        size
        and "mp4" in name
        and entries
        and max(entry.pos + entry.size for entry in entries) > size
    ):
        return "its index names frames behind its end"
    if size and "matroska" in name and source.matroska_end() > size:
        return "it ends within an element"
    declared = _declared_seconds(stream)
    if declared is not None and declared - end_seconds > _SHORTFALL_SECONDS:
        return f"it tells a duration of {declared:.2f} s"
    if size and name == "mpegts" and all(size % packet for packet in _TRANSPORT_PACKET_SIZES):
        return "its last packet is not whole"
    if name == "yuv4mpegpipe" and size > end_byte:
        return "its last frame is not whole"
    return None


def _declared_seconds(stream: VideoStream) -> float | None:
    """Matroska's DURATION tag, "HH:MM:SS.nnnnnnnnn"."""
    parts = stream.metadata.get("DURATION", "").split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return 3600 * hours + 60 * minutes + seconds


def _walk(file: BinaryIO) -> int:
    """Go over the elements (RFC 8794) up to the segment; if it does not tell its size, over what is in it too."""
    at = 0
    for _ in range(_MAX_ELEMENTS):
        file.seek(at)
        header = file.read(_ELEMENT_HEADER_BYTES)
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
