"""Packets of one or several streams, written as one whose numbers rise without a gap."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import BinaryIO

from streamcodec.container import Header, Packet, PacketType, Reader, Writer
from streamcodec.container.format import VERSION
from streamcodec.errors import CorruptStreamError, UnsupportedStreamError, UsageError
from streamcodec.tracks import Chapter

__all__ = ["Renumbering", "check_known_version", "shifted_chapters"]


class Renumbering:
    """Writes packets to `file` behind `header`; `frames` and `gops` count what was written."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self._writer = Writer(file, header)
        self._bases = {track.number: track.time_base for track in header.tracks}
        self._bases[0] = header.video.time_base
        self._first_frame = 0
        self.frames = 0
        self.gops = 0

    def add(self, packet: Packet, shift_seconds: Fraction = Fraction(0)) -> None:
        """The next packet, later by `shift_seconds`. A frame must be a key frame or follow the one that was added before it."""
        gop, frame = max(self.gops - 1, 0), 0
        if packet.type == PacketType.FRAME:
            if packet.key:
                gop, self._first_frame = self.gops, self.frames
                self.gops += 1
            frame = self.frames
            self.frames += 1
        elif packet.type == PacketType.GOP_HASH:
            frame = self._first_frame
        elif packet.type == PacketType.METADATA:
            gop, frame = packet.gop, packet.frame
        ticks = round(shift_seconds / self._bases.get(packet.track, self._bases[0]))
        try:
            self._writer.write(replace(packet, gop=gop, frame=frame, pts=packet.pts + ticks))
        except UsageError as error:  # times that the format has no room for
            raise CorruptStreamError(f"frame {frame}: {error}") from error

    def finish(self) -> int:
        """Write the end; the size of the stream in bytes."""
        self._writer.finish()
        return self._writer.size_bytes


def check_known_version(reader: Reader, name: str) -> None:
    """Refuse a stream of a later minor version: what it holds that is not known here would be lost without a word."""
    if reader.version > VERSION:
        newer, known = (".".join(map(str, version)) for version in (reader.version, VERSION))
        raise UnsupportedStreamError(
            f"{name} has format version {newer}; accepted: up to {known}, since packets of newer types would be lost; "
            "update streamcodec"
        )


def shifted_chapters(
    chapters: Iterable[Chapter], start_seconds: Fraction, end_seconds: Fraction, shift: Fraction
) -> tuple[Chapter, ...]:
    """The chapters that lie between two times, cut to them, and later by `shift` seconds."""
    kept = []
    for chapter in chapters:
        start = max(chapter.start_seconds, start_seconds)
        end = min(chapter.end_seconds, end_seconds)
        if start < end:
            base = chapter.time_base
            kept.append(
                replace(
                    chapter, start=round((start + shift) / base), end=round((end + shift) / base)
                )
            )
    return tuple(kept)
