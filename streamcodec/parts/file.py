"""Parts of a stream in files of their own.

A part is a whole .ssf stream of some GOPs of the video, numbered from 0, with the header of the video and the times that the frames have
there: it can be played. A metadata packet behind its frames names the plan that it is a part of and what it cost; joining removes it.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from streamcodec.checks import parse_json
from streamcodec.container import (
    Damage,
    IndexEntry,
    Packet,
    PacketType,
    Reader,
    pack_metadata,
    unpack_metadata,
)
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.files import input_file
from streamcodec.parts.plan import VideoPlan

__all__ = ["PartReport", "check_part", "read_part", "report_packet"]

TAG = "part"


@dataclass(frozen=True)
class PartReport:
    """A part that was encoded: GOPs `first_gop` up to `first_gop + gops - 1`, of `size_bytes` in its file, in `seconds` of wall time.

    `squared_error`: sum of the frames' mean squared errors (metrics.frame_mse); None unless asked for.
    """

    first_gop: int
    gops: int
    first_frame: int
    frames: int
    size_bytes: int
    seconds: float
    squared_error: float | None = None

    @property
    def fps(self) -> float:
        """Frames coded per second of wall time."""
        return self.frames / self.seconds


def report_packet(
    plan: VideoPlan, first_gop: int, seconds: float, squared_error: float | None
) -> Packet:
    """The packet that makes a stream a part of this plan."""
    note = {
        "plan": plan.key,
        "first_gop": first_gop,
        "seconds": seconds,
        "squared_error": squared_error,
    }
    return Packet(type=PacketType.METADATA, payload=pack_metadata([(TAG, json.dumps(note))]))


def check_part(plan: VideoPlan, path: str | os.PathLike[str]) -> PartReport:
    """Read a part from front to back, with all checksums, and tell what it holds.

    Raises SourceError if it cannot be opened, CorruptStreamError if it is damaged (TruncatedStreamError where bytes are missing),
    UsageError if it is not a part, or one of another plan.
    """
    name, note = os.fspath(path), None
    with input_file(path) as file:
        reader = Reader(file)
        for packet in _packets(reader):
            note = _note_in(packet) or note
        if note is None:
            raise UsageError(
                f"{name} is not a part of a video; accepted: files that encode_part() wrote"
            )
        if note.get("plan") != plan.key:
            raise UsageError(
                f"{name} is a part of another plan; encode it anew, or join it by the plan that it was encoded by"
            )
        return _report(plan, note, reader.index.entries, reader.size_bytes, name)


def _report(
    plan: VideoPlan,
    note: dict[str, Any],
    entries: Sequence[IndexEntry],
    size_bytes: int,
    name: str,
) -> PartReport:
    try:
        first, seconds, error = (
            int(note["first_gop"]),
            float(note["seconds"]),
            note["squared_error"],
        )
        gops = plan.gops[first : first + len(entries)]
        error = None if error is None else float(error)
    except (KeyError, TypeError, ValueError) as broken:
        raise CorruptStreamError(f"{name} does not tell which part it is: {broken}") from broken
    if not gops or [(gop.frames, gop.pts) for gop in gops] != [
        (entry.frame_count, entry.pts) for entry in entries
    ]:
        raise CorruptStreamError(
            f"{name} does not hold the GOPs that the plan has from GOP {first} on"
        )
    frames = sum(gop.frames for gop in gops)
    return PartReport(first, len(gops), gops[0].first_frame, frames, size_bytes, seconds, error)


def read_part(path: str | os.PathLike[str], report: PartReport) -> Iterator[Packet]:
    """The packets of a part as they are in the joined stream. Raises as `check_part` does for damage."""
    with input_file(path) as file:
        for packet in _packets(Reader(file)):
            if _note_in(packet) is None:
                is_sound = packet.type in (PacketType.AUDIO, PacketType.SUBTITLE)
                yield replace(
                    packet,
                    gop=packet.gop + report.first_gop,
                    frame=packet.frame + (0 if is_sound else report.first_frame),
                )


def _packets(reader: Reader) -> Iterator[Packet]:
    for item in reader.packets():
        assert not isinstance(item, Damage)  # a strict reader raises
        yield item


def _note_in(packet: Packet) -> dict[str, Any] | None:
    if packet.type != PacketType.METADATA:
        return None
    text = dict(unpack_metadata(packet.payload)).get(TAG)
    try:
        note = None if text is None else parse_json(text)
    except ValueError:
        return None
    return note if isinstance(note, dict) else None
