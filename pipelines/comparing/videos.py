"""A video that is compared, an .ssf stream or whatever FFmpeg reads, frame by frame."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import streamcodec
from streamcodec.container import PacketHeader, PacketType
from streamcodec.errors import SourceError, UsageError
from streamcodec.files import STANDARD_STREAM, input_file
from streamcodec.remote import is_url, without_secrets
from streamcodec.stream.reading.frames import Frame
from streamcodec.stream.reading.opening import reader_of
from streamcodec.stream.tracks.played import TrackTap
from streamcodec.types import Planes, RawFrame, VideoFormat
from streamcodec.video import VideoReader, yuv420_of
from streamcodec.video.source.opening import STREAM_START
from streamcodec.video.source.sizes import packet_sizes

__all__ = ["ComparedVideo", "Facts", "Range", "Shown", "open_video"]


@dataclass(frozen=True)
class Range:
    """Which part of a video is compared, in seconds since its first frame (None = to the end), and
    "WxH" if its pictures are scaled to that first."""

    start_seconds: float = 0.0
    duration_seconds: float | None = None
    scale: str | None = None

    @property
    def is_whole(self) -> bool:
        return not self.start_seconds and self.duration_seconds is None


@dataclass(frozen=True)
class Shown:
    """A frame. `index`: its number in its file, from the range's start in one that FFmpeg reads.
    `seconds` since the first frame of the range; `lasts_seconds` is 0 if that is not known. `planes`: Y, U, V as RawFrame
    has them. `type`: "I", "P", "B" or "". `size_bytes`: of its packets, None if that is not known.
    """

    index: int
    seconds: Fraction
    lasts_seconds: Fraction
    planes: Planes
    type: str
    size_bytes: int | None


@dataclass(frozen=True)
class Facts:
    """`frames`: of the whole file. `file_bytes`: 0 if not known. `video_bytes`: of the packets of
    its pictures alone."""

    frames: int
    file_bytes: int
    video_bytes: int
    coded_by: str


class ComparedVideo(Protocol):
    """`frames` and `planes_of` read the file anew each time. `notes` stand when `frames` ends."""

    name: str
    format: VideoFormat
    facts: Facts
    notes: tuple[str, ...]

    def frames(self) -> Iterator[Shown]: ...

    def planes_of(self, indexes: Collection[int]) -> dict[int, Planes]:
        """Of the frames with these indexes."""
        ...


def open_video(source: str | os.PathLike[str], taken: Range | None = None) -> ComparedVideo:
    """Raises SourceError if it is not a video, FormatError if it is a damaged stream, UsageError for
    standard input, which cannot be read twice."""
    name = os.fspath(source)
    if name == STANDARD_STREAM:
        raise UsageError("standard input cannot be compared: name a file, which is read twice")
    taken = taken or Range()
    return _Stream(name, taken) if _is_stream(name) else _File(name, taken)


def _is_stream(name: str) -> bool:
    if is_url(name) and not Path(name).is_file():
        return name.partition("?")[0].endswith(".ssf")
    with input_file(name) as file:
        return file.read(len(STREAM_START)) == STREAM_START


class _Stream:
    """An .ssf stream."""

    def __init__(self, name: str, taken: Range) -> None:
        if taken.scale is not None:
            raise UsageError(f"{name} is a stream, which is not scaled; accepted: another video")
        self._source, self._range, self.name = name, taken, without_secrets(name)
        self.notes: tuple[str, ...] = ()
        with input_file(name) as file:
            reader = reader_of(file, "raise")
            header = reader.header
            self._sizes = {
                item.frame: item.end - item.offset
                for item in reader.headers()
                if isinstance(item, PacketHeader) and item.type == PacketType.FRAME
            }
            file_bytes = reader.size_bytes
        self.format = header.video
        if header.crop is not None:
            self.format = replace(self.format, width=header.crop.width, height=header.crop.height)
        names = [header.intra.name, *([header.inter.name] if header.inter else [])]
        quality = "" if header.quality is None else f", quality {header.quality}"
        self.facts = Facts(
            len(self._sizes),
            file_bytes,
            sum(self._sizes.values()),
            f"{header.software or 'streamcodec'}, {' and '.join(names)}{quality}",
        )

    def frames(self) -> Iterator[Shown]:
        with streamcodec.open(self._source) as video:
            stretch = video.stretch(self._range.start_seconds, self._range.duration_seconds)
            first: Fraction | None = None
            for frame in video.played(stretch, TrackTap(()), lambda frame: True):
                assert isinstance(frame, Frame)  # the tap takes no packets of tracks
                at = frame.pts * frame.time_base
                first = at if first is None else first
                yield Shown(
                    frame.index,
                    at - first,
                    frame.duration * frame.time_base,
                    self._planes(frame.planes),
                    frame.type,
                    self._sizes.get(frame.index),
                )

    def planes_of(self, indexes: Collection[int]) -> dict[int, Planes]:
        with streamcodec.open(self._source) as video:
            return {index: self._planes(video[index].planes) for index in sorted(set(indexes))}

    def _planes(self, planes: Planes) -> Planes:
        return yuv420_of(RawFrame(planes, pts=0), self.format.color)


class _File:
    """Whatever FFmpeg reads."""

    def __init__(self, name: str, taken: Range) -> None:
        self._source, self._range, self.name = name, taken, without_secrets(name)
        sizes = packet_sizes(name)
        self._sizes = sizes.by_pts
        self.facts = Facts(sizes.packets, sizes.file_bytes, sizes.size_bytes, sizes.coded_by)
        with self._reader() as reader:
            self.format, self.notes = reader.format, reader.notes

    def frames(self) -> Iterator[Shown]:
        time_base = self.format.time_base
        first: int | None = None
        with self._reader() as reader:
            for index, frame in enumerate(reader):
                first = frame.pts if first is None else first
                yield Shown(
                    index,
                    (frame.pts - first) * time_base,
                    frame.duration * time_base,
                    frame.planes,
                    reader.picture_type,
                    self._sizes.get(frame.pts),
                )
            self.notes = reader.notes

    def planes_of(self, indexes: Collection[int]) -> dict[int, Planes]:
        found: dict[int, Planes] = {}
        at = 0
        with self._reader() as reader:
            for index in sorted(set(indexes)):
                reader.skip(index - at)
                frame = next(reader, None)
                if frame is None:
                    raise SourceError(f"{self.name} changed while it was read")
                found[index], at = frame.planes, index + 1
        return found

    def _reader(self) -> VideoReader:
        return VideoReader(
            self._source,
            frame_format="yuv420",
            start_seconds=self._range.start_seconds,
            duration_seconds=self._range.duration_seconds,
            scale=self._range.scale,
        )
