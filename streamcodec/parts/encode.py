"""One part of a planned video, encoded by whichever process comes to it.

A part begins by seeking. Whether that led to the very frames that were planned is not taken on trust, since no format promises it: the plan
has a checksum of each GOP's frames, and a part whose frames differ is begun anew from farther back, in the end from the beginning.
"""

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import fields, replace
from functools import partial
from itertools import dropwhile, islice
from pathlib import Path

from streamcodec.codec import Codec
from streamcodec.container import Header, Packet, Writer
from streamcodec.errors import SourceError, UsageError
from streamcodec.files import check_target, open_output
from streamcodec.metrics import frame_mse
from streamcodec.parts.file import PartReport, report_packet
from streamcodec.parts.identity import identify
from streamcodec.parts.plan import PlannedGop, VideoPlan, checksum
from streamcodec.runtime import using_threads
from streamcodec.stream.encoder import Encoder, chosen_codec
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.types import FrameFormat, RawFrame
from streamcodec.video import VideoReader

__all__ = ["encode_part"]

STEP_BACK_SECONDS = 10

FrameGenerator = Generator[RawFrame, None, None]

Beginning = Callable[[], FrameGenerator]
"""Opens the source and gives the frames from the first of the part on, if all goes well."""

PlannedFrame = tuple[RawFrame, bool]
"""A frame, and whether a GOP begins there."""


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
    check_target(Path(out), overwrite=overwrite)
    if not identify(source).has_content_of(plan.identity):
        raise SourceError(
            f"{os.fspath(source)} is not the file that was planned, or has changed since; plan it anew"
        )
    codec = chosen_codec(codec, plan.options)
    psnr = psnr or (plan.target is not None and plan.target.measure == "psnr_db")
    with using_threads(plan.threads):
        for beginning in _beginnings(source, plan, gops, codec.frame_format):
            try:
                return _Job(plan, gops, codec, psnr=psnr).run(
                    beginning, Path(out), overwrite, progress
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
                first.pts,
                round(seconds / plan.header.video.time_base),
                frame_format,
            )
    yield partial(_from_the_beginning, source, plan, first.first_frame, frame_format)


def _after_seeking(
    source: str | os.PathLike[str], pts: int, ticks_back: int, frame_format: FrameFormat
) -> FrameGenerator:
    """Damage is left out: there is none that counts, or it is not in the plan either, or the frames are others."""
    try:
        with VideoReader(
            source, frame_format=frame_format, start_pts=pts - ticks_back, on_error="skip"
        ) as reader:
            yield from dropwhile(lambda frame: frame.pts < pts, reader)
    except SourceError as error:
        raise _OtherFramesError from error


def _from_the_beginning(
    source: str | os.PathLike[str], plan: VideoPlan, frames_before: int, frame_format: FrameFormat
) -> FrameGenerator:
    with plan.part.reader(source, frame_format) as reader:
        reader.skip(frames_before)
        yield from reader


class _Job:
    """Codes some GOPs from their frames on."""

    def __init__(self, plan: VideoPlan, gops: range, codec: Codec, *, psnr: bool) -> None:
        self._plan, self._gops = plan, gops
        self._planned = plan.gops[gops.start : gops.stop]
        self._squared_error = 0.0 if psnr else None
        options = replace(plan.options, scenecut=0)  # the cuts are planned
        self._encoder = Encoder(
            plan.header.video, options, codec=codec, metadata=dict(plan.header.metadata)
        )
        _check_header(self._encoder.header, plan.header)

    def run(
        self, beginning: Beginning, out: Path, overwrite: bool, progress: Progress | None
    ) -> PartReport:
        started, expected = time.monotonic(), sum(gop.frames for gop in self._planned)
        with (
            open_output(out, overwrite=overwrite) as file,
            overlapped(_as_planned(beginning(), self._planned)) as frames,
            overlapped(self._packets(frames)) as groups,
        ):
            writer = Writer(file, self._plan.header)
            for done, packets in groups:
                for packet in packets:
                    writer.write(packet)
                if progress is not None:
                    progress(done, expected)
            seconds = time.monotonic() - started
            writer.write(report_packet(self._plan, self._gops.start, seconds, self._squared_error))
            writer.finish()
        first = self._planned[0].first_frame
        return PartReport(
            self._gops.start,
            len(self._gops),
            first,
            expected,
            writer.size_bytes,
            seconds,
            self._squared_error,
        )

    def _packets(self, frames: Iterable[PlannedFrame]) -> Iterator[tuple[int, list[Packet]]]:
        """(frames done, packets to write) after each frame, and at the end."""
        for frame, key in frames:
            packets = self._encoder.push(frame, key=key)
            if self._squared_error is not None:
                self._squared_error += frame_mse(frame.planes, self._encoder.reconstruction.planes)
            yield self._encoder.frames, packets
        yield self._encoder.frames, self._encoder.flush()


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


def _as_planned(frames: FrameGenerator, gops: Iterable[PlannedGop]) -> Iterator[PlannedFrame]:
    """The frames of these GOPs; raises _OtherFramesError behind the last frame of the first that is not as planned, or before it."""
    try:
        for gop in gops:
            value = 0
            for number, frame in enumerate(islice(frames, gop.frames)):
                if number == 0 and frame.pts != gop.pts:
                    raise _OtherFramesError
                value = checksum(frame, value)
                yield frame, number == 0
            if value != gop.checksum:
                raise _OtherFramesError
    finally:
        frames.close()
