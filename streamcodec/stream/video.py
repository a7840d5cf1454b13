"""`streamcodec.open`: a stream as a sequence of frames, with random access."""

import math
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Self, Unpack, overload

from streamcodec.checks import check_range, exact_seconds
from streamcodec.codec import Codec
from streamcodec.container import Header, Index, IndexEntry, PacketHeader, PacketType
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.files import ByteSource, close_of
from streamcodec.runtime import set_threads
from streamcodec.stream.options import DecodeOptions, OpenSettings
from streamcodec.stream.reading.conceal import Concealer
from streamcodec.stream.reading.decoder import PacketDecoder, check_size, codec_for
from streamcodec.stream.reading.frames import Frame, FrameBatch, VideoMetadata, metadata_of
from streamcodec.stream.reading.opening import name_of, naming, open_stream_file, reader_of
from streamcodec.stream.reading.places import place_of, ticks_at
from streamcodec.stream.reading.position import Position
from streamcodec.stream.tracks.played import Stretch, TrackTap, earlier_subtitles, played
from streamcodec.text import MOST_CHARACTERS, shown
from streamcodec.tracks import TrackPacket

__all__ = ["Video", "open"]


def open(source: ByteSource, **settings: Unpack[OpenSettings]) -> "Video":
    """Open an .ssf stream: a path, a URL (http, s3, gs and what else fsspec knows; it takes the extra `remote`), "-" (standard input),
    bytes, or a binary file object, which need not be seekable.

    `settings`: the fields of `DecodeOptions` as keywords: `device`, `precision`, `intra`, `inter`,
    `max_pixels`, `on_damage`, `header_from`, `limits`, `follow` and `follow_timeout_seconds`.
    With `on_damage="skip"`, asking for a lost frame by its index is still a
    CorruptStreamError; with "conceal" it is the last good frame before it, marked as `concealed`.
    With `follow` a file is read while it is written: iterating gives each frame as soon as it is there, a B-frame with the I- or P-frame
    behind it; what needs the index (`len`, random access, `metadata`) waits for the end of the stream, as for a pipe.

    Raises SourceError if it cannot be opened, NotInstalledError for a URL without the package that it takes, CorruptStreamError or
    UnsupportedStreamError if its header cannot be used.
    """
    return Video(source, DecodeOptions(**settings))


class Video:
    """The frames of a stream. Made by `streamcodec.open`.

        len(video)                   number of frames
        for frame in video           all frames, decoded one after another; every iteration starts anew
        video[10], video[-1]         one Frame
        video[10:100:3]              a FrameBatch
        video.between(1.5, 2)        the frames that begin in these 2 seconds, one after another
        video.gop(3)                 those of a GOP
        video.frames_at([7, 3, 7])   a FrameBatch, in that order
        video.frame_at_seconds(1.5)  the Frame that is shown then

    Random access gives the same pixels as straight decoding. It reads nothing but the index and the GOPs that it needs, and decodes no
    B-frame that the frames asked for do not need.
    It can be pickled and used behind a fork (it opens its source again, and takes one CPU thread there, as loader workers have), if the
    source is a path, a URL or bytes. One thread at a time.
    """

    def __init__(self, source: ByteSource, options: DecodeOptions) -> None:
        self._source = source
        self._options = options
        self._position: Position | None = None
        self._codec: Codec | None = None
        self._tap: TrackTap | None = None
        self._concealing: Concealer | None = None
        self._open()

    @property
    def header(self) -> Header:
        """All that the stream says of itself before its first packet."""
        return self._reader.header

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames, in pixels."""
        shown = self.header.crop or self.header.video
        return shown.height, shown.width

    @property
    def metadata(self) -> VideoMetadata:
        """What the stream is. Of a pipe, or a file that is followed, waits for its end."""
        return metadata_of(self.header, self._index, self._reader.size_bytes)

    @property
    def index(self) -> Index:
        """Where each GOP lies; of a damaged stream, what is left of it. Of a pipe, or a file that is followed, waits for its end."""
        return self._index

    @property
    def key_frames(self) -> list[int]:
        """Indexes of the frames that start a GOP: where random access is cheapest."""
        return [entry.first_frame for entry in self._index.entries]

    def __len__(self) -> int:
        return self._index.frame_count

    def __repr__(self) -> str:
        """Of a pipe too, which is not read for it."""
        height, width = self.size
        name = shown(self._name or "bytes", MOST_CHARACTERS)
        rate = self.header.video.frame_rate
        fps = "" if rate is None else f", {float(rate):g} fps"
        return f"<Video {name}: {width}x{height}{fps}, {self.header.frame_format}>"

    def __iter__(self) -> Iterator[Frame]:
        self._reopen_after_fork()
        return self._play(None) if self._concealer is None else self._concealer.frames()

    @overload
    def __getitem__(self, key: int) -> Frame: ...
    @overload
    def __getitem__(self, key: slice) -> FrameBatch: ...
    def __getitem__(self, key: int | slice) -> Frame | FrameBatch:
        if isinstance(key, slice):
            return self.frames_at(range(*key.indices(len(self))))
        return self._frame(self._check(key))

    def frames_at(self, indexes: Sequence[int]) -> FrameBatch:
        """The frames with these indexes, in this order; each GOP is decoded once. Raises FrameIndexError past the ends."""
        if not isinstance(indexes, Iterable):
            raise UsageError(f"indexes are {indexes!r}; accepted: a sequence of integers")
        checked = [self._check(index) for index in indexes]
        frames = {index: self._frame(index) for index in sorted(set(checked))}
        return FrameBatch.of(
            [frames[index] for index in checked],
            self.size,
            self.header.frame_format,
            self.header.video.color,
        )

    def frame_at_seconds(self, seconds: float) -> Frame:
        """The frame that is shown at this time, by the clock of `pts_seconds`, on which a first frame need not be at 0.

        Raises FrameIndexError before the first frame and after the last.
        """
        return self._frame(self.index_at_seconds(seconds))

    def index_at_seconds(self, seconds: float) -> int:
        """Which frame `frame_at_seconds` gives; reads headers of packets, and decodes only where damage is concealed."""
        index = self._index
        pts = ticks_at(seconds, index, self.header.video.time_base)
        if self._concealer is not None:
            span = self._concealer.span_of_frame(index.at_pts(pts).first_frame)
            shown = [frame.index for frame in self._concealer.span(span) if frame.pts <= pts]
            return shown[-1] if shown else index.at_pts(pts).first_frame
        headers = (
            item
            for item in self._reader.headers(index.at_pts(pts))
            if isinstance(item, PacketHeader)
        )
        begun = [
            item.frame for item in headers if item.type == PacketType.FRAME and item.pts <= pts
        ]
        if not begun:
            raise self._lost(f"the frame at {seconds} s")
        return begun[-1]

    def times(self) -> Iterator[tuple[int, int]]:
        """(pts, duration) of every frame, in ticks of the stream's time base; reads headers of packets only."""
        for item in self._reader.headers():
            if isinstance(item, PacketHeader) and item.type == PacketType.FRAME:
                yield item.pts, item.duration

    def gop(self, number: int) -> Iterator[Frame]:
        """The frames of the GOP at this position of `key_frames`, decoded one after another. Raises FrameIndexError past the ends."""
        return self._gop(place_of("GOP", number, len(self._index.entries)))

    def between(
        self, start_seconds: float | None = None, duration_seconds: float | None = None
    ) -> Iterator[Frame]:
        """The frames that begin in [start, start + duration), by the clock of `pts_seconds` and `frame_at_seconds`; None: from the
        first frame, to the last. Decodes only the GOPs that hold them."""
        stretch = self.stretch(0.0 if start_seconds is None else start_seconds, duration_seconds)
        if start_seconds is None or not self._index.entries:
            return self._between(stretch)
        first = self._index.entries[0].pts * self.header.video.time_base
        start = exact_seconds(start_seconds)
        stop = None if duration_seconds is None else start + exact_seconds(duration_seconds)
        return self._between(Stretch(max(start, first), stop, None))

    def stretch(
        self,
        start_seconds: float = 0.0,
        duration_seconds: float | None = None,
        max_frames: int | None = None,
    ) -> Stretch:
        """The times of [start, start + duration), counted from the first frame, by the clock of the stream."""
        check_range(start_seconds, duration_seconds, max_frames)
        if not start_seconds and duration_seconds is None:
            return Stretch(max_frames=max_frames)
        entries = self._index.entries
        first = (entries[0].pts if entries else 0) * self.header.video.time_base
        start = first + exact_seconds(start_seconds)
        stop = None if duration_seconds is None else start + exact_seconds(duration_seconds)
        return Stretch(start if start_seconds else None, stop, max_frames)

    def played(
        self, stretch: Stretch, tap: TrackTap, keep: Callable[[Frame], bool]
    ) -> Iterator[Frame | TrackPacket]:
        """The frames of a stretch that `keep` takes, and among them the packets of the tap's tracks, in the order in which they lie in the
        stream: sound that begins in that time, subtitles that are shown in it."""
        if stretch.start is not None:
            for packet in earlier_subtitles(self._reader, self._index, stretch.start):
                tap.add(packet)
        self._tap = tap
        try:
            yield from played(self._between(stretch), tap, keep, stretch)
        finally:
            self._tap = None

    def close(self) -> None:
        """Close the file, if it was opened here."""
        self._position = None
        self._close_file()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        if not self._can_reopen:
            raise UsageError(
                "a video opened from a file object cannot be pickled; open it by path or URL, or from bytes"
            )
        return Video, (self._source, self._options)

    def _open(self) -> None:
        options = self._options
        file = self._file = open_stream_file(
            self._source, follow=options.follow, timeout_seconds=options.follow_timeout_seconds
        )
        self._close_file = weakref.finalize(self, close_of(file, self._source))
        self._can_reopen = (
            isinstance(self._source, (str, os.PathLike, bytes)) and self._source != "-"
        )
        self._name = name_of(file)
        self._reader = reader_of(file, options.on_damage, options.header_from, options.limits)
        with naming(file):
            check_size(self.header, self._options)
        self._process = os.getpid()
        self._codec = None
        self._position = None
        self._concealing = None

    @property
    def _concealer(self) -> Concealer | None:
        """What fills the holes, if that was asked for."""
        if self._options.on_damage != "conceal":
            return None
        if self._concealing is None:
            video = self.header.video
            rate = video.frame_rate
            self._concealing = Concealer(
                self._index,
                self._play,
                self._options.limits,
                None if rate is None else 1 / rate,
                video.time_base,
            )
        return self._concealing

    def _reopen_after_fork(self) -> None:
        if self._process != os.getpid() and self._can_reopen:
            # OpenMP's threads do not survive a fork: PyTorch's first layer would wait for them for ever
            set_threads(1)
            self._open()

    @property
    def _index(self) -> Index:
        self._reopen_after_fork()
        with naming(self._file):
            return self._reader.index

    def _decoder(self) -> PacketDecoder:
        if self._codec is None:
            with naming(self._file):
                self._codec = codec_for(self.header, self._options)
        return PacketDecoder(self._codec, self.header, strict=self._options.on_damage == "raise")

    def _play(
        self, gop: IndexEntry | None, decoder: PacketDecoder | None = None
    ) -> Iterator[Frame]:
        """The frames of a GOP, or all. Being a generator of this object, it keeps the file open while it is in use."""
        packets = self._reader.packets(gop)
        if self._tap is not None:
            packets = self._tap.through(packets, None if gop is None else gop.gop)
        with naming(self._file):
            yield from (decoder or self._decoder()).frames(packets)

    def _gop(self, position: int, start_pts: Fraction | float = -math.inf) -> Iterator[Frame]:
        """The frames of a GOP; B-frames before `start_pts` may be left out."""
        if self._concealer is not None:
            return self._concealer.span(position)
        decoder = self._decoder()
        decoder.start_pts = start_pts
        return self._play(self._index.entries[position], decoder)

    def _between(self, stretch: Stretch) -> Iterator[Frame]:
        if stretch.is_open:
            yield from self
            return
        entries, time_base = self._index.entries, self.header.video.time_base
        if not entries:
            return
        start = entries[0].pts if stretch.start is None else stretch.start / time_base
        stop = math.inf if stretch.stop is None else stretch.stop / time_base
        first = self._index.at_pts(math.floor(start)).first_frame
        for number, entry in enumerate(entries):
            if entry.first_frame >= first and entry.pts < stop:
                frames = self._gop(number, start)
                yield from (frame for frame in frames if start <= frame.pts < stop)

    def _lost(self, what: str) -> CorruptStreamError:
        where = "" if self._name is None else f"{self._name}: "
        return CorruptStreamError(f"{where}{what} is lost to damage")

    def _check(self, index: int) -> int:
        return place_of("frame", index, len(self))

    def _beginning_of(self, index: int) -> Position:
        """Of the GOP that holds a frame."""
        if self._concealer is not None:
            span = self._concealer.span_of_frame(index)
            return Position(span, self._concealer.span(span))
        entry, decoder = self._index.at_frame(index), self._decoder()
        return Position(entry.gop, self._play(entry, decoder), decoder)

    def _frame(self, index: int) -> Frame:
        at = self._beginning_of(index)
        if self._position is not None:
            at = self._position.from_here(at, index)
        self._position = None  # unless it succeeds
        frame = at.frame(index)
        if frame is None:
            raise self._lost(f"frame {index}")
        self._position = at
        return frame
