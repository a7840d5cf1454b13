"""Encodes one part of a planned video, in any process.

A part begins by seeking. Whether that led to the very frames that were planned is not taken on trust, since no format promises it: the plan
has a checksum of each GOP's frames, and a part whose frames differ is begun anew from farther back, in the end from the beginning.
"""

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from itertools import dropwhile, islice

from streamcodec.codec import Codec
from streamcodec.container import Header, Writer
from streamcodec.errors import SourceError, UsageError
from streamcodec.files import check_stream_output, open_output
from streamcodec.identity import identify
from streamcodec.parts.file import PartReport, report_packet
from streamcodec.parts.plan import PlannedGop, VideoPlan, checksum
from streamcodec.runtime import using_threads
from streamcodec.stream.coding import Tally, coded
from streamcodec.stream.encoder import Encoder, chosen_codec
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.types import FrameFormat, RawFrame
from streamcodec.video import TrackSource, VideoReader, open_tracks

__all__ = ["encode_part"]

STEP_BACK_SECONDS = 10

FrameGenerator = Generator[RawFrame, None, None]

Beginning = Callable[[], FrameGenerator]
"""Opens the source and gives the frames from the first of the part on, if all goes well."""


class _OtherFramesError(Exception):
    """What was read is not what was planned."""


def encode_part(
    source: str | os.PathLike[str],
    plan: VideoPlan,
    gops: range,
    out: str | os.PathLike[str],
    *,
    codec: Codec | None = None,
    psnr: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> PartReport:
    """Encode the GOPs with these numbers into a part of the stream, for `join_parts`. Its packets do not depend on how the plan is cut.

    `source`: a file with the contents that were planned, under whatever name. `gops`: numbers one after another (`range(8, 16)`), as
    `plan.split` gives them. `out`: the path of the part, which appears only when it is whole. `codec`: the plan's, loaded before; None
    loads it. `psnr`: sum up the squared error, as is always done where a PSNR is the target. `progress`: as for `encode`.
    The number of threads of this process is that of the plan meanwhile: encode one part at a time in a process.

    Raises UsageError for GOPs that the plan has not, or another codec than it names; SourceError if the source is another one, or does not
    decode as it did when it was planned; OutputError or ModelError.
    """
    if (
        not isinstance(gops, range)
        or gops.step != 1
        or not 0 <= gops.start < gops.stop <= len(plan.gops)
    ):
        raise UsageError(
            f"GOPs are {gops!r}; accepted: a range of step 1, not empty, within 0..{len(plan.gops)}"
        )
    check_stream_output(out, overwrite=overwrite)
    if not identify(source).has_content_of(plan.identity):
        raise SourceError(
            f"{os.fspath(source)} is not the file that was planned, or has changed since; plan it anew"
        )
    codec = chosen_codec(codec, plan.options)
    psnr = psnr or (plan.target is not None and plan.target.measure == "psnr_db")
    with using_threads(plan.threads):
        for beginning in _beginnings(source, plan, gops, codec.frame_format):
            try:
                frames = _as_planned(beginning(), plan.gops[gops.start : gops.stop])
                with closing(_tracks_of(source, plan)) as tracks:
                    return _encode(
                        frames, tracks, plan, gops, codec, out, overwrite, progress, psnr=psnr
                    )
            except _OtherFramesError:
                continue
    raise SourceError(
        f"{os.fspath(source)} decodes to other frames than when it was planned; plan it anew, with the same FFmpeg"
    )


def _beginnings(
    source: str | os.PathLike[str], plan: VideoPlan, gops: range, frame_format: FrameFormat
) -> Iterator[Beginning]:
    """Ways to come to the frames, the fastest first; the last is that of planning."""
    first = plan.gops[gops.start]
    if first.first_frame:
        for seconds in (0, STEP_BACK_SECONDS):
            yield partial(
                _after_seeking,
                source,
                plan,
                first.pts,
                round(seconds / plan.header.video.time_base),
                frame_format,
            )
    yield partial(_from_the_beginning, source, plan, first.first_frame, frame_format)


def _after_seeking(
    source: str | os.PathLike[str],
    plan: VideoPlan,
    pts: int,
    ticks_back: int,
    frame_format: FrameFormat,
) -> FrameGenerator:
    """Damage is left out: there is none that counts, or it is not in the plan either, or the frames are others."""
    try:
        with VideoReader(
            source,
            frame_format=frame_format,
            start_pts=pts - ticks_back,
            on_error="skip",
            background=plan.source_range.background,
            video_track=plan.source_range.video_track,
            hdr=plan.source_range.hdr,
            scale=plan.source_range.scale,
            fps=plan.source_range.fps,
        ) as reader:
            yield from dropwhile(lambda frame: frame.pts < pts, reader)
    except SourceError as error:
        raise _OtherFramesError from error


def _from_the_beginning(
    source: str | os.PathLike[str], plan: VideoPlan, frames_before: int, frame_format: FrameFormat
) -> FrameGenerator:
    with plan.source_range.reader(source, frame_format) as reader:
        reader.skip(frames_before)
        yield from reader


def _tracks_of(source: str | os.PathLike[str], plan: VideoPlan) -> TrackSource:
    """From the beginning of the range on, whichever part it is: no format promises that seeking gives packets the same times."""
    return open_tracks(
        source,
        audio=plan.options.audio,
        subtitles=plan.options.subtitles,
        start_seconds=plan.source_range.start_seconds,
        video_track=plan.source_range.video_track,
        on_error=plan.source_range.on_error,
    )


def _encode(
    planned: Iterable[RawFrame],
    tracks: TrackSource,
    plan: VideoPlan,
    gops: range,
    codec: Codec,
    out: str | os.PathLike[str],
    overwrite: bool,
    progress: Progress | None,
    *,
    psnr: bool,
) -> PartReport:
    """Encode the frames of these GOPs into a part."""
    started = time.monotonic()
    first = plan.gops[gops.start].first_frame
    expected = sum(plan.gops[number].frames for number in gops)
    begins = {plan.gops[number].first_frame - first for number in gops}
    options = replace(plan.options, scenecut=0)  # the cuts are planned
    metadata = dict(plan.header.metadata)
    encoder = Encoder(
        plan.header.video,
        options,
        codec=codec,
        metadata=metadata,
        tracks=tracks.tracks,
        chapters=plan.header.chapters,
    )
    _check_header(encoder.header, plan.header)
    sound = plan.source_range.interleaver(
        tracks,
        plan.header.video.time_base,
        is_later_part=gops.start > 0,
        end=plan.gops[gops.stop].pts if gops.stop < len(plan.gops) else None,
    )
    tally = Tally()
    with (
        open_output(out, overwrite=overwrite) as file,
        overlapped(planned) as frames,
        overlapped(coded(encoder, frames, measure=psnr, keys=begins, sound=sound)) as steps,
    ):
        writer = Writer(file, plan.header)
        for step in steps:
            tally.add(step)
            for packet in step.packets:
                writer.write(packet)
            if progress is not None:
                progress(tally.frames, expected)
        seconds, error = time.monotonic() - started, tally.squared_error
        writer.write(report_packet(plan, gops.start, seconds, error))
        writer.finish()
    return PartReport(gops.start, len(gops), first, tally.frames, writer.size_bytes, seconds, error)


def _check_header(header: Header, planned: Header) -> None:
    other = [
        field.name
        for field in fields(planned)
        if getattr(header, field.name) != getattr(planned, field.name)
    ]
    if other:
        raise UsageError(
            f"the codec or version is not that of the plan: the stream's header would differ in {', '.join(other)}"
        )


def _as_planned(frames: FrameGenerator, gops: Iterable[PlannedGop]) -> Iterator[RawFrame]:
    """The frames of these GOPs; raises _OtherFramesError behind the last frame of the first that is not as planned, or before it."""
    try:
        for gop in gops:
            value = 0
            for number, frame in enumerate(islice(frames, gop.frames)):
                if number == 0 and frame.pts != gop.pts:
                    raise _OtherFramesError
                value = checksum(frame, value)
                yield frame
            if value != gop.checksum:
                raise _OtherFramesError
    finally:
        frames.close()
