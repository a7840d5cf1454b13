"""A whole video to a stream: source, encoder and container joined."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import BinaryIO, Unpack

from streamcodec.codec import Codec
from streamcodec.container import Writer
from streamcodec.errors import SourceError, UsageError
from streamcodec.files import check_stream_output, is_named
from streamcodec.rates import bits_per_pixel, kbit_per_second
from streamcodec.stream.coding import Tally, coded, write_step
from streamcodec.stream.control.target import Target
from streamcodec.stream.encoder import Encoder, chosen_codec
from streamcodec.stream.headers import left_out_tags
from streamcodec.stream.live import write_live
from streamcodec.stream.options import EncodeOptions, EncodeSettings, options_of
from streamcodec.stream.resume import Past, resumable_output, resume_key
from streamcodec.stream.search.search import SearchReport, quality_for
from streamcodec.stream.source import FrameSource, Pixels, SourceRange, open_source
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.stream.tracks.interleave import Interleaver
from streamcodec.types import FrameFormat, OnError

__all__ = ["EncodeReport", "EncodeSettings", "encode"]


@dataclass(frozen=True)
class EncodeReport:
    """What was written. `seconds` is wall time, without that of the search. `psnr_db`: from the mean squared error of all frames, None
    unless asked for or aimed at; of what is coded (`frame_format`): "yuv420", of Y, U and V, weighted 6:1:1; "rgb", of RGB.

    `quality`: of the frames, None if it was adapted from frame to frame. `target`: what was to be reached, if anything; `search`: how the
    quality for it was found, None if there was no search. `notes`: what of the source was converted or is not
    kept, in words, and what does not run on the device that was asked for. `track_bytes`: of the bytes, those of sound and subtitles.
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
    track_bytes: int = 0

    @property
    def shortfall(self) -> str | None:
        """What to tell the user if the target is out of reach, or was missed by more than 0.5 dB or 10 %; None otherwise."""
        return None if self.target is None else self.target.shortfall(self, self.quality)

    @property
    def bpp(self) -> float:
        """Bits per pixel, without sound and subtitles."""
        size_bytes = self.size_bytes - self.track_bytes
        return bits_per_pixel(size_bytes, self.frames, self.width, self.height)

    @property
    def kbit_per_second(self) -> float:
        """Without sound and subtitles."""
        return kbit_per_second(self.size_bytes - self.track_bytes, self.duration_seconds)

    @property
    def fps(self) -> float:
        """Frames coded per second of wall time."""
        return self.frames / self.seconds


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
    resume: bool = False,
    low_latency: bool = False,
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
    The tracks of sound and subtitles of a video are copied, unless `audio` or `subtitles` is "none", and its chapters and tags kept. Of a
    range, sound that begins in it and subtitles that are shown in it are taken; all times stay the source's own.
    A path appears only when everything is written. `resume`: go on from what an earlier run with the same source and settings had done
    when it was killed (stream/resume.py), to the same bytes; and keep what this run has done if it fails.
    `low_latency`: for a camera or another source that is live: each frame is coded, written and flushed before the next one is waited for,
    none as a B-frame, and a path has its name from the beginning, so that `open(out, follow=True)` can read along. A frame's duration is
    then what the source says or one nominal step, a target is met by adapting the quality from frame to frame. The stream is finished also
    when the source fails or at the first SIGINT or SIGTERM, and kept.

    Raises UsageError, SourceError, OutputError or ModelError.
    """
    options = options_of(options, settings)
    source_range = SourceRange.of(options, start_seconds, duration_seconds, max_frames, on_error)
    if low_latency and resume:
        raise UsageError("low latency and resume are asked for; accepted: one of the two")
    check_stream_output(out, overwrite=overwrite)
    if low_latency:
        options = replace(options, b_frames=0)  # they wait for frames behind them
    codec = chosen_codec(codec, options)
    psnr = psnr or options.target_psnr_db is not None
    with open_source(
        source,
        source_range,
        frame_rate,
        codec.frame_format,
        audio=options.audio,
        subtitles=options.subtitles,
        low_latency=low_latency,
    ) as frames:
        chosen, found = options, None
        if not low_latency:
            chosen, found = quality_for(source, source_range, options, codec, search_progress)
        encoder = Encoder(
            frames.format,
            chosen,
            codec=codec,
            metadata=frames.metadata,
            tracks=frames.tracks.tracks,
            chapters=frames.chapters,
        )
        sound = source_range.interleaver(frames.tracks, frames.format.time_base)
        started = time.monotonic()
        if low_latency:
            past = Past()
            tally, writer = write_live(
                encoder, frames, sound, out, progress, overwrite=overwrite, psnr=psnr
            )
        else:
            key = resume_key(source, source_range, options, codec) if is_named(out) else None
            with resumable_output(out, key, overwrite=overwrite, resume=resume) as (file, past):
                tally, writer = _write(encoder, frames, sound, file, progress, past, psnr=psnr)
    video = encoder.video
    return EncodeReport(
        frames=tally.frames,
        gops=encoder.gops,
        width=video.width,
        height=video.height,
        size_bytes=writer.size_bytes,
        track_bytes=writer.track_bytes,
        duration_seconds=float((tally.end_pts - tally.first_pts) * video.time_base),
        seconds=time.monotonic() - started,
        psnr_db=tally.psnr_db,
        quality=chosen.quality if chosen.target is None else None,
        target=options.target,
        search=found,
        frame_format=codec.frame_format,
        notes=(*past.notes, *_notes_on(frames, encoder), *codec.notes),
    )


def _notes_on(frames: FrameSource, encoder: Encoder) -> tuple[str, ...]:
    """What a reader of the source should know: what was converted, left out, damaged."""
    notes = (*frames.notes, *left_out_tags(frames.metadata, encoder.header))
    return notes if frames.damage is None else (*notes, damage_note(frames.damage))


def damage_note(damage: str) -> str:
    """The note on a source that cannot be read in part."""
    return f"what is damaged is left out ({damage})"


def _write(
    encoder: Encoder,
    source: FrameSource,
    sound: Interleaver,
    file: BinaryIO,
    progress: Progress | None,
    past: Past,
    *,
    psnr: bool,
) -> tuple[Tally, Writer]:
    """Code all frames into `file`. Reading, coding and writing overlap."""
    tally = Tally()
    with (
        overlapped(source) as frames,
        overlapped(
            coded(encoder, frames, measure=psnr, sound=sound, known=past.payloads())
        ) as steps,
    ):
        writer = Writer(file, encoder.header)
        for step in steps:
            tally.add(step)
            write_step(writer, step)
            if progress is not None:
                progress(tally.frames, source.estimated_frames)
    if tally.frames == 0:
        raise SourceError("the source has no frames in the range that was asked for")
    writer.finish()
    return tally, writer
