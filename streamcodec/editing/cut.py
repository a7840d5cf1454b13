"""Some GOPs of a stream as a stream of their own."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import BinaryIO

from streamcodec.checks import check_range
from streamcodec.container import Damage, Index, IndexEntry, Packet, Reader
from streamcodec.editing.renumber import Renumbering, check_known_version, shifted_chapters
from streamcodec.errors import UsageError
from streamcodec.files import ByteSource, check_stream_output, input_file, open_output
from streamcodec.stream.reading.opening import REPAIR_HINT, hinting, naming

__all__ = ["CutReport", "cut"]


@dataclass(frozen=True)
class CutReport:
    """What was written: `frames` in `gops`, `size_bytes`; from `start_seconds` of the source on, counted from its first frame,
    for `duration_seconds`.
    """

    frames: int
    gops: int
    size_bytes: int
    start_seconds: float
    duration_seconds: float


def cut(
    source: ByteSource,
    out: str | os.PathLike[str] | BinaryIO,
    *,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    overwrite: bool = False,
) -> CutReport:
    """Write the GOPs that hold a range of a stream, with their sound and subtitles, without coding anew.

    A GOP can only be taken whole: the output begins with the one that is shown at `start_seconds` and
    ends with the one that holds the end of the range; the report tells where that is. Times are
    counted as in the source, from the same first time. `source`: as for `streamcodec.open`; `out`: as
    for `encode`.

    Raises UsageError for a range behind the end, SourceError, OutputError, or FormatError for a
    damaged stream (repair it first); then nothing is written.
    """
    check_range(start_seconds, duration_seconds)
    check_stream_output(out, overwrite=overwrite)
    with input_file(source) as file, hinting("raise", REPAIR_HINT), naming(file):
        reader = Reader(file)
        check_known_version(reader, "the stream")
        index, base = reader.index, reader.header.video.time_base
        chosen = _chosen(index, base, start_seconds, duration_seconds)
        gops = index.entries[chosen.start : chosen.stop]
        behind = index.entries[chosen.stop : chosen.stop + 1]
        end_pts = behind[0].pts if behind else max(index.end_pts, gops[-1].pts)
        shift = (index.entries[0].pts - gops[0].pts) * base
        header = replace(
            reader.header,
            chapters=shifted_chapters(
                reader.header.chapters, gops[0].pts * base, end_pts * base, shift
            ),
        )
        with open_output(out, overwrite=overwrite) as target:
            written = Renumbering(target, header)
            for packet in _packets(reader, gops, from_start=chosen.start == 0):
                written.add(packet, shift)
            size_bytes = written.finish()
    return CutReport(
        written.frames,
        written.gops,
        size_bytes,
        float(-shift),
        float((end_pts - gops[0].pts) * base),
    )


def _chosen(
    index: Index, base: Fraction, start_seconds: float, duration_seconds: float | None
) -> range:
    """Which GOPs hold the range."""
    if not index.entries:
        raise UsageError("the stream has no frames; there is nothing to cut")
    first_pts = index.entries[0].pts
    length = max(index.duration, index.entries[-1].pts - first_pts + 1)
    start = _ticks(start_seconds, base)
    if start and start >= length:
        raise UsageError(
            f"start is {start_seconds} s; accepted: below {float(length * base)} s, where the stream ends"
        )
    first = index.entries.index(index.at_pts(math.floor(first_pts + start)))
    if duration_seconds is None:
        return range(first, len(index.entries))
    last = index.at_pts(math.ceil(first_pts + start + _ticks(duration_seconds, base)) - 1)
    return range(first, max(index.entries.index(last), first) + 1)


def _ticks(seconds: float, base: Fraction) -> Fraction:
    """In units of the time base; whole where only rounding keeps it from that (0.16 s is not a float)."""
    ticks = Fraction(seconds) / base
    whole = round(ticks)
    return Fraction(whole) if abs(ticks - whole) < Fraction(1, 1000) else ticks


def _packets(reader: Reader, gops: Sequence[IndexEntry], *, from_start: bool) -> Iterator[Packet]:
    """The packets of these GOPs; of the first one also what lies before it."""
    if from_start:
        for header in reader.headers():
            assert not isinstance(header, Damage)  # a strict reader raises
            if header.offset >= gops[0].offset:
                break
            yield reader.load(header)
    for gop in gops:
        for packet in reader.packets(gop):
            assert not isinstance(packet, Damage)
            yield packet
