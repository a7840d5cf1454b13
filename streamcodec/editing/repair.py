"""A damaged stream to a clean one that holds all that can still be decoded."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from streamcodec.container import (
    DEFAULT_LIMITS,
    Damage,
    Decodable,
    Limits,
    Loss,
    Losses,
    Packet,
    PacketType,
    Reader,
    describe_losses,
)
from streamcodec.editing.renumber import Renumbering, check_known_version
from streamcodec.errors import CorruptStreamError
from streamcodec.files import ByteSource, check_stream_output, input_file, open_output
from streamcodec.stream.reading.opening import naming, reader_of

__all__ = ["RepairReport", "repair"]


@dataclass(frozen=True)
class RepairReport:
    """What was written: `frames` in `gops`, `size_bytes`. `problems`: what was wrong with the source; `lost`: frames of it that are not
    in the output, by their numbers in the source. `sound_lost`: whether packets of sound or subtitles may be lost too. `ends_early`: the
    source was cut off, and nothing tells how many frames followed.
    """

    frames: int
    gops: int
    size_bytes: int
    problems: tuple[str, ...]
    lost: tuple[Loss, ...]
    source_frames: int
    sound_lost: bool
    ends_early: bool

    @property
    def is_complete(self) -> bool:
        """Whether all that the source held is in the output."""
        return not (self.lost or self.sound_lost or self.ends_early)

    @property
    def damage(self) -> str | None:
        """A sentence on what is lost, None = nothing."""
        return describe_losses(self.lost, self.source_frames) if self.lost else None


def repair(
    source: ByteSource,
    out: str | os.PathLike[str] | BinaryIO,
    *,
    header_from: ByteSource | None = None,
    limits: Limits = DEFAULT_LIMITS,
    overwrite: bool = False,
) -> RepairReport:
    """Write what is sound of a damaged stream as a whole one, without coding anew.

    Frames that cannot be decoded are left out, numbers close up, times stay: what was shown before a
    gap is shown until its end. Header and index are made anew; a header that is lost is taken from
    its copy, or from `header_from`, another stream with the same settings. `source`, `limits`: as for
    `streamcodec.open`; `out`: as for `encode`. A whole stream gives the same stream.

    Raises SourceError, OutputError; CorruptStreamError where no frame can be saved;
    UnsupportedStreamError for a stream of a later version. Then nothing is written.
    """
    check_stream_output(out, overwrite=overwrite)
    with input_file(source) as file, naming(file):
        reader = reader_of(file, "skip", header_from, limits)
        check_known_version(reader, "the stream")
        with open_output(out, overwrite=overwrite) as target:
            rescue = _Rescue(Renumbering(target, reader.header))
            for item in reader.packets():
                rescue.add(item)
            return rescue.finish(reader)


@dataclass
class _Rescue:
    """Takes what a reader delivers, and writes what can be decoded."""

    out: Renumbering
    losses: Losses = field(default_factory=Losses)
    problems: dict[str, None] = field(default_factory=dict)  # a set that keeps its order
    decodable: Decodable[Packet] = field(default_factory=Decodable)
    held: list[Packet] = field(default_factory=list)  # since the first B-frame that waits
    next_frame: int = -1  # behind the last that was written, by its number in the source
    gop: int = -1
    hash: Packet | None = None  # held back until it is known whether its GOP is whole
    is_damaged: bool = False  # since the last key frame

    def add(self, item: Packet | Damage) -> None:
        if isinstance(item, Damage):
            self.problems[item.reason] = None
            self.is_damaged = True
        elif item.type == PacketType.FRAME:
            self._add_frame(item)
        elif item.type == PacketType.GOP_HASH:
            self._add_hash(item)
        elif self.decodable.waits:
            self.held.append(item)
        else:
            self.out.add(item)

    def _add_frame(self, frame: Packet) -> None:
        ready = self.decodable.add(frame)
        if self.decodable.waits:
            self.held.append(frame)
            return
        self._release(ready)
        if frame.key:
            self._close_gop(frame.frame == self.next_frame)
            self.gop, self.is_damaged = frame.gop, False
        elif not ready:
            self.is_damaged, self.hash = True, None
            return
        self.out.add(frame)
        for each in ready:
            self.losses.found(each.frame)
        self.next_frame = frame.frame + 1

    def _release(self, ready: Sequence[Packet]) -> None:
        """Write what was held, but frames only where they can be decoded."""
        for packet in self.held:
            if packet.type != PacketType.FRAME or packet in ready:
                self.out.add(packet)
        self.held.clear()

    def _add_hash(self, packet: Packet) -> None:
        if packet.gop != self.gop:
            return
        if self.is_damaged:
            self.hash = packet
        else:
            self.out.add(packet)

    def _close_gop(self, is_whole: bool) -> None:
        if self.hash is not None and is_whole:
            self.out.add(self.hash)
        self.hash = None

    def finish(self, reader: Reader) -> RepairReport:
        index = reader.index
        self._release(())
        for damage in index.damage:
            self.problems[damage.reason] = None
        self._close_gop(not index.damage and self.next_frame == index.frame_count)
        self.losses.ends(index.frame_count)
        if self.problems and not self.out.frames:
            raise CorruptStreamError(
                f"no frame of the stream can be saved: {next(iter(self.problems))}"
            )
        lost = self.losses.named(index)
        size_bytes = self.out.finish()
        return RepairReport(
            self.out.frames,
            self.out.gops,
            size_bytes,
            tuple(self.problems),
            lost,
            index.frame_count,
            bool(self.problems) and bool(reader.header.tracks),
            any(damage.ends_early for damage in index.damage),
        )
