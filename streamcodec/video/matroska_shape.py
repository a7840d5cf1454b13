"""The shape of pixels in a Matroska or WebM file that FFmpeg has written.

FFmpeg's muxer writes DisplayWidth and DisplayHeight only where it is told the sample aspect ratio of the stream, which PyAV
cannot do. Before the tracks it leaves a Void element, room for more entries in its table of contents. So the two elements are
put into the track, the Void is made shorter by as much, and what lies between moves up: nothing behind the tracks moves.

RFC 8794 (EBML): an element is its id, its size and its body; RFC 9559 (Matroska) has the ids.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

__all__ = ["set_sample_aspect_ratio"]

SEGMENT, SEEK_HEAD, VOID, TRACKS = (
    b"\x18\x53\x80\x67",
    b"\x11\x4d\x9b\x74",
    b"\xec",
    b"\x16\x54\xae\x6b",
)
SEEK, SEEK_ID, SEEK_POSITION = b"\x4d\xbb", b"\x53\xab", b"\x53\xac"
TRACK, VIDEO, WIDTH, HEIGHT = b"\xae", b"\xe0", b"\xb0", b"\xba"
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = b"\x54\xb0", b"\x54\xba", b"\x54\xb2"
CRC = b"\xbf"
HEAD_BYTES = 1 << 22  # of a file, within which the tracks must end
VOID_HEAD = 9  # bytes of id and size


@dataclass(frozen=True)
class Element:
    """`start`, `body`, `end`: bytes of the file where it begins, where its body does, and behind it."""

    id: bytes
    start: int
    body: int
    end: int


def set_sample_aspect_ratio(path: Path, ratio: Fraction) -> None:
    """Write the ratio, width of a sample over its height, into the video tracks.

    Raises OSError, or ValueError if the file is laid out otherwise; then it stays as it was.
    """
    with path.open("r+b") as file:
        head = file.read(HEAD_BYTES)
        segment = _only(SEGMENT, _elements(head, 0, len(head)))
        children = list(_elements(head, segment.body, len(head)))
        tracks, void, contents = (_only(each, children) for each in (TRACKS, VOID, SEEK_HEAD))
        if tracks.end > len(head) or not contents.end <= void.start < tracks.start:
            raise ValueError("its tracks do not lie behind its table of contents")
        written = _rebuilt(head, tracks, lambda body, element: _shaped(body, element, ratio))
        longer = len(written) - (tracks.end - tracks.start)
        room = void.end - void.start - longer
        if room < VOID_HEAD:
            raise ValueError("it has no room for the shape of its pixels")
        moved = (void.end - segment.body, tracks.start - segment.body, longer)
        table = _rebuilt(head, contents, lambda body, element: _repositioned(body, element, moved))
        if len(table) != contents.end - contents.start:
            raise ValueError("its table of contents would change its length")
        file.seek(contents.start)
        file.write(table + head[contents.end : void.start])
        file.write(VOID + (room - VOID_HEAD | 1 << 56).to_bytes(8, "big") + bytes(room - VOID_HEAD))
        file.write(head[void.end : tracks.start] + written)


def _number(data: bytes, at: int, *, marked: bool) -> tuple[int, int]:
    """A number of EBML and how many bytes it has; `marked`: with the bit that tells its length, as ids are taken."""
    length = 9 - data[at].bit_length()
    if not 1 <= length <= 8 or at + length > len(data):
        raise ValueError("it is damaged")
    value = int.from_bytes(data[at : at + length], "big")
    return (value if marked else value & ((1 << 7 * length) - 1)), length


def _elements(data: bytes, start: int, stop: int) -> Iterator[Element]:
    while start + 2 <= stop:
        _, id_bytes = _number(data, start, marked=True)
        size, size_bytes = _number(data, start + id_bytes, marked=False)
        body = start + id_bytes + size_bytes
        yield Element(data[start : start + id_bytes], start, body, body + size)
        start = body + size


def _only(wanted: bytes, elements: Iterator[Element] | list[Element]) -> Element:
    """The first of this id."""
    for element in elements:
        if element.id == wanted:
            return element
    raise ValueError(f"it has no element {wanted.hex()}")


def _element(wanted: bytes, body: bytes) -> bytes:
    length = next(length for length in range(1, 9) if len(body) < (1 << 7 * length) - 1)
    return wanted + (len(body) | 1 << 7 * length).to_bytes(length, "big") + body


def _rebuilt(data: bytes, element: Element, change: Callable[[bytes, Element], bytes]) -> bytes:
    """The element with each of its children as `change` gives them; a CRC-32, which comes first, is that of the others."""
    children = list(_elements(data, element.body, element.end))
    body = b"".join(change(data, child) for child in children if child.id != CRC)
    if children and children[0].id == CRC:
        body = _element(CRC, zlib.crc32(body).to_bytes(4, "little")) + body
    return _element(element.id, body)


def _shaped(data: bytes, element: Element, ratio: Fraction) -> bytes:
    """A child of the tracks: of a video track with its shape."""
    children = list(_elements(data, element.body, element.end)) if element.id == TRACK else []
    if not any(child.id == VIDEO for child in children):
        return data[element.start : element.end]
    return _rebuilt(data, element, lambda body, child: _video(body, child, ratio))


def _video(data: bytes, element: Element, ratio: Fraction) -> bytes:
    if element.id != VIDEO:
        return data[element.start : element.end]
    children = list(_elements(data, element.body, element.end))
    width, height = (
        int.from_bytes(data[child.body : child.end], "big")
        for child in (_only(WIDTH, children), _only(HEIGHT, children))
    )
    others = b"".join(
        data[child.start : child.end]
        for child in children
        if child.id
        not in (DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT)  # pixels, if it is not told
    )
    shown = zip((DISPLAY_WIDTH, DISPLAY_HEIGHT), _display(width, height, ratio), strict=True)
    sides = b"".join(_element(name, side.to_bytes(4, "big")) for name, side in shown)
    return _element(VIDEO, others + sides)


def _display(width: int, height: int, ratio: Fraction) -> tuple[int, int]:
    """As large as players should show it: exact if one side can be, else the width is rounded."""
    lower = height / ratio
    if (width * ratio).denominator > 1 and lower.denominator == 1:
        return width, int(lower)
    return max(1, round(width * ratio)), height


def _repositioned(data: bytes, element: Element, moved: tuple[int, int, int]) -> bytes:
    """An entry of the table of contents, for what lies between the Void and the tracks, or for these. `moved`: from, to, by how much."""
    if element.id != SEEK:
        return data[element.start : element.end]
    first, last, longer = moved
    made = b""
    for child in _elements(data, element.body, element.end):
        body = data[child.body : child.end]
        position = int.from_bytes(body, "big")
        if child.id == SEEK_POSITION and first <= position <= last:
            body = (position - longer).to_bytes(len(body), "big")
        made += _element(child.id, body)
    return _element(SEEK, made)
