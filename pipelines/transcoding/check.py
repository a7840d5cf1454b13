"""Is an output what its input should have become? Frame count, times, checksums, and a decode of
some GOPs."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice, zip_longest
from pathlib import Path

from streamcodec import open as open_stream
from streamcodec import verify
from streamcodec.container import PacketHeader, PacketType, Reader
from streamcodec.errors import CorruptStreamError
from streamcodec.files import input_file
from streamcodec.video import VideoReader

from .recipe import Coding

__all__ = ["check_stream", "check_video"]

TOLERANCE_SECONDS = Fraction(3, 2000)  # Matroska and WebM round times to milliseconds
TIMELESS = ("y4m",)
"""Containers that store a frame rate and no times."""


def check_stream(stream: Path, source: Path, coding: Coding) -> None:
    """Check a stream against the video that was encoded: structure and checksums, every frame's
    time and duration, and that `coding.check_gops` GOPs decode. Raises CorruptStreamError for what
    is wrong, SourceError if either cannot be read."""
    report = verify(stream, decode=False)
    if report.problems:
        raise CorruptStreamError(f"the output is damaged: {'; '.join(report.problems)}")
    with VideoReader(source, **coding.reading) as reader:
        wanted = ((frame.pts, frame.duration) for frame in reader)
        found = ((packet.pts, packet.duration) for packet in _frames_of(stream))
        for number, (want, have) in enumerate(zip_longest(wanted, found)):
            if want != have:
                raise CorruptStreamError(
                    f"frame {number} has (time, duration) {have} in the output, {want} in the input; None = no such frame"
                )
    _decode_some(stream, coding)


def check_video(video: Path, stream: Path, coding: Coding) -> None:
    """Check a video against the stream that was decoded: that it decodes, the number of frames, and
    their times, counted from the first. Where frames were lost, there may be fewer. Raises
    CorruptStreamError or SourceError."""
    wanted = list(_chosen(stream, coding))
    with VideoReader(video) as reader:
        found = [frame.pts * reader.format.time_base for frame in reader]
    if coding.on_damage != "raise":
        if len(found) > len(wanted):
            raise CorruptStreamError(
                f"the output has {len(found)} frames, the stream {len(wanted)}"
            )
        return
    if len(found) != len(wanted):
        raise CorruptStreamError(
            f"the output has {len(found)} frames, the stream {len(wanted)} that were asked for"
        )
    if coding.to not in TIMELESS:
        _compare_times(wanted, found)


def _compare_times(wanted: list[Fraction], found: list[Fraction]) -> None:
    for number, (want, have) in enumerate(zip(wanted, found, strict=True)):
        if abs((want - wanted[0]) - (have - found[0])) > TOLERANCE_SECONDS:
            times = f"{float(have - found[0]):.4f} s after the first in the output, {float(want - wanted[0]):.4f} s in the stream"
            raise CorruptStreamError(f"frame {number} is shown {times}")


def _chosen(stream: Path, coding: Coding) -> Iterable[Fraction]:
    """Times, in seconds, of the frames of the part that was decoded."""
    with open_stream(stream) as video:
        time_base = video.header.video.time_base
    times = [packet.pts * time_base for packet in _frames_of(stream)]
    first = times[0] + Fraction(coding.start_seconds) if times else Fraction(0)
    end = None if coding.duration_seconds is None else first + Fraction(coding.duration_seconds)
    return islice(
        (time for time in times if time >= first and (end is None or time < end)), coding.max_frames
    )


def _frames_of(stream: Path) -> Iterator[PacketHeader]:
    with input_file(stream) as file:
        for item in Reader(file).headers():
            if isinstance(item, PacketHeader) and item.type == PacketType.FRAME:
                yield item


def _decode_some(stream: Path, coding: Coding) -> None:
    """Decode GOPs that are evenly spread, the first among them."""
    if not coding.check_gops:
        return
    with open_stream(stream, device=coding.options.device, **coding.opening) as video:
        gops = len(video.key_frames)
        for number in sorted(
            {gops * index // coding.check_gops for index in range(coding.check_gops)}
        ):
            end = video.key_frames[number + 1] if number + 1 < gops else len(video)
            decoded = sum(1 for _ in video.gop(number))
            if decoded != end - video.key_frames[number]:
                raise CorruptStreamError(
                    f"of GOP {number} {decoded} frames decode, not {end - video.key_frames[number]}"
                )
