"""Several streams, one behind the other, as one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import BinaryIO

from streamcodec.container import Damage, Header, Packet, PacketType, Reader
from streamcodec.editing.renumber import Renumbering, check_known_version, shifted_chapters
from streamcodec.errors import FormatError, UsageError
from streamcodec.files import ByteSource, check_stream_output, input_file, open_output
from streamcodec.stream.reading.opening import REPAIR_HINT, hinting

__all__ = ["ConcatReport", "concat"]

MAY_DIFFER = frozenset(
    {"device", "gop_length", "quality", "b_frames", "metadata", "chapters", "software"}
)
"""Fields of the header; all others must agree."""


@dataclass(frozen=True)
class ConcatReport:
    """What was written: `frames` in `gops`, `size_bytes`. `starts_seconds`: where each stream begins, counted from the first frame."""

    frames: int
    gops: int
    size_bytes: int
    starts_seconds: tuple[float, ...]


@dataclass(frozen=True)
class _Placed:
    """A stream, what messages call it, and how much later it is shown than in its own file; its frames are shown from `start` to
    `end`, in seconds of its own."""

    reader: Reader
    name: str
    shift: Fraction
    start: Fraction
    end: Fraction


def concat(
    sources: Sequence[ByteSource],
    out: str | os.PathLike[str] | BinaryIO,
    *,
    overwrite: bool = False,
) -> ConcatReport:
    """Write streams that were coded with the same models and settings as one, without coding anew.

    Each begins where the one before ends. Size, time base, colour, models, format and tracks must
    agree; tags are those of the first. Sound that reaches over a border is cut there. `sources`: as
    for `streamcodec.open`; `out`: as for `encode`.

    Raises UsageError for streams that do not fit together, SourceError, OutputError, or FormatError
    for a damaged stream (repair it first); then nothing is written.
    """
    if not sources or isinstance(sources, (str, bytes, os.PathLike)):
        raise UsageError("there are no streams to join; accepted: a list of one or more")
    check_stream_output(out, overwrite=overwrite)
    with ExitStack() as stack:
        readers = [_opened(stack, source, number) for number, source in enumerate(sources)]
        names = [_name(source, number) for number, source in enumerate(sources)]
        for name, reader in zip(names, readers, strict=True):
            _check_fits(reader.header, readers[0].header, name)
        placed = _placed(readers, names)
        with open_output(out, overwrite=overwrite) as target:
            written = Renumbering(target, _joined(readers, placed))
            for stream in placed:
                with _naming(stream.name):
                    for packet in _packets(stream):
                        written.add(packet, stream.shift)
            size_bytes = written.finish()
        zero = placed[0].start
        starts = tuple(float(stream.start + stream.shift - zero) for stream in placed)
    return ConcatReport(written.frames, written.gops, size_bytes, starts)


def _name(source: ByteSource, number: int) -> str:
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else f"stream {number + 1}"


def _opened(stack: ExitStack, source: ByteSource, number: int) -> Reader:
    name = _name(source, number)
    with _naming(name):
        reader = Reader(stack.enter_context(input_file(source)))
        _ = reader.index
    check_known_version(reader, name)
    return reader


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Put the stream's name before what a FormatError says, and behind it what to do."""
    with hinting("raise", REPAIR_HINT):
        try:
            yield
        except FormatError as error:
            raise type(error)(f"{name}: {error}") from error


def _check_fits(header: Header, first: Header, name: str) -> None:
    other = [
        field.name.replace("_", " ")
        for field in fields(Header)
        if field.name not in MAY_DIFFER
        and getattr(header, field.name) != getattr(first, field.name)
    ]
    if other:
        raise UsageError(
            f"{name} differs from the first stream in {', '.join(other)}; accepted: streams of the same models and settings"
        )


def _placed(readers: Sequence[Reader], names: Sequence[str]) -> list[_Placed]:
    placed: list[_Placed] = []
    end = None
    for reader, name in zip(readers, names, strict=True):
        index, base = reader.index, reader.header.video.time_base
        start_pts = index.entries[0].pts if index.entries else 0
        end_pts = max(index.end_pts, _last_pts(reader) + 1) if index.entries else 0
        shift = 0 if end is None else end - start_pts
        placed.append(_Placed(reader, name, shift * base, start_pts * base, end_pts * base))
        end = end_pts + shift
    return placed


def _last_pts(reader: Reader) -> int:
    headers = reader.headers(reader.index.entries[-1])
    return max(
        header.pts
        for header in headers
        if not isinstance(header, Damage) and header.type == PacketType.FRAME
    )


def _joined(readers: Sequence[Reader], placed: Sequence[_Placed]) -> Header:
    headers = [reader.header for reader in readers]
    qualities = {header.quality for header in headers}
    lengths = [header.gop_length for header in headers if header.gop_length is not None]
    return replace(
        headers[0],
        quality=headers[0].quality if len(qualities) == 1 else None,
        gop_length=max(lengths, default=None),
        b_frames=max(header.b_frames for header in headers),
        chapters=tuple(
            chapter
            for stream in placed
            for chapter in shifted_chapters(
                stream.reader.header.chapters, stream.start, stream.end, stream.shift
            )
        ),
    )


def _packets(stream: _Placed) -> Iterator[Packet]:
    """All but sound that begins outside of the time in which frames are shown."""
    bases = {track.number: track.time_base for track in stream.reader.header.tracks}
    for packet in stream.reader.packets():
        assert not isinstance(packet, Damage)  # a strict reader raises
        base = bases.get(packet.track)
        if base is None or stream.start <= packet.pts * base < stream.end:
            yield packet
