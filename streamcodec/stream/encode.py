"""A whole video to a stream: source, encoder and container joined."""

import os
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Protocol, Unpack, cast

import numpy as np

from streamcodec.checks import is_number
from streamcodec.codec import Codec
from streamcodec.container import Packet, Writer
from streamcodec.errors import SourceError, UsageError
from streamcodec.files import STANDARD_STREAM, check_target, open_output
from streamcodec.metrics import frame_mse, mse_to_psnr_db
from streamcodec.stream.encoder import (
    Encoder,
    Pixels,
    as_format,
    chosen_codec,
    left_out_tags,
    raw_frame,
)
from streamcodec.stream.options import EncodeOptions, EncodeSettings, options_of
from streamcodec.stream.search.sample import can_sample, take_sample
from streamcodec.stream.search.search import SearchReport, search_sample
from streamcodec.stream.source import Part
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.stream.target import Target
from streamcodec.types import FrameFormat, RawFrame, VideoFormat
from streamcodec.video import OnError

__all__ = ["EncodeReport", "EncodeSettings", "encode"]

DEFAULT_FRAME_RATE = Fraction(30)


@dataclass(frozen=True)
class EncodeReport:
    """What was written. `seconds` is wall time, without that of the search. `psnr_db`: from the mean squared error of all frames, None
    unless asked for or aimed at; of what is coded (`frame_format`): "yuv420", of Y, U and V, weighted 6:1:1; "rgb", of RGB.

    `quality`: of the frames, None if it was adapted from frame to frame. `target`: what was to be reached, if anything; `search`: how the
    quality for it was found, None if there was no search. `notes`: what of the source was converted, in words, and
    what does not run on the device that was asked for.
    """

    frames: int
    gops: int
    width: int
    height: int
    size_bytes: int
    duration_seconds: float
    seconds: float
    psnr_db: float | None = None
    quality: int | None = None
    target: Target | None = None
    search: SearchReport | None = None
    frame_format: FrameFormat = "rgb"
    notes: tuple[str, ...] = ()

    @property
    def shortfall(self) -> str | None:
        """What to tell the user if the target is out of reach, or was missed by more than 0.5 dB or 10 %; None otherwise."""
        return None if self.target is None else self.target.shortfall(self, self.quality)

    @property
    def bpp(self) -> float:
        """Bits per pixel."""
        return 8 * self.size_bytes / (self.frames * self.width * self.height)

    @property
    def kbit_per_second(self) -> float:
        return 8e-3 * self.size_bytes / self.duration_seconds if self.duration_seconds else 0.0

    @property
    def fps(self) -> float:
        """Frames coded per second of wall time."""
        return self.frames / self.seconds


class FrameSource(Protocol):
    """What `encode` needs of a source."""

    @property
    def format(self) -> VideoFormat: ...

    @property
    def metadata(self) -> dict[str, str]: ...

    @property
    def estimated_frames(self) -> int | None: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    def __iter__(self) -> Iterator[RawFrame]: ...


def encode(
    source: str | os.PathLike[str] | BinaryIO | Iterable[Pixels],
    out: str | os.PathLike[str] | BinaryIO,
    *,
    options: EncodeOptions | None = None,
    codec: Codec | None = None,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    max_frames: int | None = None,
    frame_rate: Fraction | float | None = None,
    on_error: OnError = "raise",
    overwrite: bool = False,
    psnr: bool = False,
    progress: Progress | None = None,
    search_progress: Progress | None = None,
    **settings: Unpack[EncodeSettings],
) -> EncodeReport:
    """Encode a video into an .ssf stream.

    `source`: a path, "-" (y4m on standard input), a binary file object, or an iterable of frames, (3, H, W) uint8 RGB or (Y, U, V), which
    come at `frame_rate` (default 30) and are fetched in a thread of their own, a few ahead. The default models code 8-bit 4:2:0 samples as
    they are; other sources are converted once, which the report notes. `out`: a path, "-" (standard output) or a binary
    file object, which need not be seekable.
    `on_error`: at damage in the source "raise" fails, "stop" keeps what came before it, "skip" leaves out what is damaged.
    `options`, or its fields as keywords (`quality=48, gop=16`), say how; `codec` overrides the models that they name.
    `progress` is called with the number of frames done and the number expected, None if that is not known.
    With a target (`target_psnr_db`, `target_bpp`, `target_kbit_per_second`) the quality of a video file is searched for on a sample of it,
    with `search_progress` called for every frame coded; of any other source it is adapted from frame to frame.
    A path appears only when everything is written.

    Raises UsageError, SourceError, OutputError or ModelError.
    """
    options = options_of(options, settings)
    part = Part(start_seconds, duration_seconds, max_frames, on_error)
    if isinstance(out, (str, os.PathLike)) and out != STANDARD_STREAM:
        check_target(Path(out), overwrite=overwrite)
    codec = chosen_codec(codec, options)
    with _open_source(source, part, frame_rate, codec.frame_format) as frames:
        found = _search(source, part, options, codec, search_progress)
        chosen = (
            options
            if found is None or found.found is None
            else options.at_quality(found.found.quality)
        )
        encoder = Encoder(frames.format, chosen, codec=codec, metadata=frames.metadata)
        with open_output(out, overwrite=overwrite) as file:
            report = _run(
                encoder, frames, file, progress, psnr=psnr or options.target_psnr_db is not None
            )
    notes = (*frames.notes, *left_out_tags(frames.metadata, encoder.header), *codec.notes)
    return replace(report, target=options.target, search=found, notes=notes)


def _search(
    source: object, part: Part, options: EncodeOptions, codec: Codec, progress: Progress | None
) -> SearchReport | None:
    """Find the quality for the target, if there is one and the source can be sampled."""
    if (
        options.target is None
        or not isinstance(source, (str, os.PathLike))
        or not can_sample(source)
    ):
        return None
    sample = take_sample(source, part, options.gop, codec.frame_format)
    return search_sample(sample, options, codec, progress)


def _run(
    encoder: Encoder, source: FrameSource, file: BinaryIO, progress: Progress | None, *, psnr: bool
) -> EncodeReport:
    started = time.monotonic()
    tally = _Tally(encoder, psnr=psnr)
    with overlapped(source) as frames, overlapped(_packets(encoder, frames, tally)) as groups:
        writer = Writer(file, encoder.header)
        for done, packets in groups:
            for packet in packets:
                writer.write(packet)
            writer.flush()
            if progress is not None:
                progress(done, source.estimated_frames)
    if encoder.frames == 0:
        raise SourceError("the source has no frames in the part that was asked for")
    writer.finish()
    return tally.report(writer.size_bytes, time.monotonic() - started)


def _packets(
    encoder: Encoder, frames: Iterable[RawFrame], tally: "_Tally"
) -> Iterator[tuple[int, list[Packet]]]:
    """(frames done, packets to write) after each frame, and at the end."""
    for frame in frames:
        packets = encoder.push(frame)
        tally.add(frame)
        yield encoder.frames, packets
    yield encoder.frames, encoder.flush()


class _Tally:
    """What the report says of the frames."""

    def __init__(self, encoder: Encoder, *, psnr: bool) -> None:
        self._encoder = encoder
        self._errors: list[float] | None = [] if psnr else None
        self._first_pts = self._end_pts = 0

    def add(self, frame: RawFrame) -> None:
        if self._encoder.frames == 1:
            self._first_pts = frame.pts
        self._end_pts = frame.pts + frame.duration
        if self._errors is not None:
            self._errors.append(frame_mse(frame.planes, self._encoder.reconstruction.planes))

    def report(self, size_bytes: int, seconds: float) -> EncodeReport:
        video = self._encoder.video
        return EncodeReport(
            frames=self._encoder.frames,
            gops=self._encoder.gops,
            width=video.width,
            height=video.height,
            size_bytes=size_bytes,
            duration_seconds=float((self._end_pts - self._first_pts) * video.time_base),
            seconds=seconds,
            psnr_db=None if self._errors is None else mse_to_psnr_db(float(np.mean(self._errors))),
            quality=self._encoder.options.quality if self._encoder.options.target is None else None,
            frame_format=self._encoder.codec.frame_format,
        )


@contextmanager
def _open_source(
    source: str | os.PathLike[str] | BinaryIO | Iterable[Pixels],
    part: Part,
    frame_rate: Fraction | float | None,
    frame_format: FrameFormat,
) -> Iterator[FrameSource]:
    if isinstance(source, (str, os.PathLike)) or hasattr(source, "read"):
        if frame_rate is not None:
            raise UsageError("frame_rate is for frames from Python; a video file brings its own")
        with part.reader(cast(BinaryIO, source), frame_format) as reader:
            yield reader
        return
    if isinstance(source, (bytes, bytearray, memoryview)):
        raise UsageError(
            f"source is {type(source).__name__}; accepted: a path, a binary file object (io.BytesIO(data) of the bytes of a file) "
            "or an iterable of frames"
        )
    if not part.is_whole:
        raise UsageError(
            "start_seconds, duration_seconds and max_frames are for video files; slice frames from Python yourself"
        )
    yield _PythonFrames(source, frame_rate, frame_format)


class _PythonFrames:
    """Frames from an iterable, at a constant rate, in the format that is coded."""

    def __init__(
        self,
        frames: Iterable[Pixels],
        frame_rate: Fraction | float | None,
        frame_format: FrameFormat,
    ) -> None:
        wanted = DEFAULT_FRAME_RATE if frame_rate is None else frame_rate
        rate = (
            Fraction(float(wanted)).limit_denominator(1001)
            if is_number(wanted) and wanted > 0
            else Fraction(0)
        )
        if rate == 0:
            raise UsageError(
                f"frame rate is {frame_rate!r}; accepted: from 1/1001 frames per second"
            )
        if not isinstance(frames, Iterable):
            raise UsageError(
                f"source is a {type(frames).__name__}; accepted: a path, a binary file object or an iterable of frames"
            )
        raw = (raw_frame(frame, pts, 1) for pts, frame in enumerate(frames))
        first = next(raw, None)
        if first is None:
            raise SourceError("the source has no frames")
        self._frames, self._frame_format = chain([first], raw), frame_format
        width, height = first.size
        self.format = VideoFormat(width, height, time_base=1 / rate, frame_rate=rate)
        self.metadata: dict[str, str] = {}
        converted = first.format == "rgb" and frame_format == "yuv420"
        self.notes = ("its RGB samples were converted to 4:2:0",) if converted else ()
        self.estimated_frames = len(frames) if isinstance(frames, Sized) else None

    def __iter__(self) -> Iterator[RawFrame]:
        return (as_format(frame, self._frame_format, self.format) for frame in self._frames)
