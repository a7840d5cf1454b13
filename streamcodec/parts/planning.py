"""A video to its plan: one pass that decodes all frames and runs no network."""

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Unpack

from streamcodec.codec import Codec
from streamcodec.errors import SourceError
from streamcodec.parts.identity import identify
from streamcodec.parts.plan import PlannedGop, VideoPlan, checksum
from streamcodec.runtime import threads as threads_now
from streamcodec.stream.encoder import chosen_codec, make_header
from streamcodec.stream.gops import GopBoundaries
from streamcodec.stream.options import EncodeOptions, EncodeSettings, options_of
from streamcodec.stream.search.search import quality_for
from streamcodec.stream.source import SourceRange
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.types import OnError, RawFrame, check_count

__all__ = ["plan_video"]


def plan_video(
    source: str | os.PathLike[str],
    *,
    options: EncodeOptions | None = None,
    codec: Codec | None = None,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    max_frames: int | None = None,
    on_error: OnError = "raise",
    threads: int | None = None,
    progress: Progress | None = None,
    search_progress: Progress | None = None,
    **settings: Unpack[EncodeSettings],
) -> VideoPlan:
    """Plan how to encode a video in parts, which may be encoded by several processes at once (`encode_part`) and joined (`join_parts`).

    The joined stream is, byte for byte, what `encode` writes with the same arguments in a process with `threads` threads (None: as many as
    this one has), on the same kind of machine; of the default models the bytes depend on neither. `source`: the path of an ordinary file.
    The other arguments: as for `encode`.
    A target is searched for here, on a sample; the quality that is found holds for all parts.

    Raises UsageError, SourceError or ModelError, as `encode` would.
    """
    options = options_of(options, settings)
    identity = identify(source)
    source_range = SourceRange(
        start_seconds, duration_seconds, max_frames, on_error, options.background
    )
    threads = (
        threads_now() if threads is None else check_count("number of threads", threads, "threads")
    )
    codec = chosen_codec(codec, options)
    found, _ = quality_for(source, source_range, options, codec, search_progress)
    chosen = replace(found, device=codec.encode_device_type, precision=codec.precision)
    with source_range.reader(source, codec.frame_format) as reader:
        with overlapped(reader) as frames:
            gops, end_pts = _find_gops(frames, chosen, progress, reader.estimated_frames)
        if not gops:
            raise SourceError("the source has no frames in the range that was asked for")
        header = make_header(reader.format, chosen, codec, reader.metadata)
        warnings = () if reader.damage is None else (reader.damage,)
    return VideoPlan(
        header, chosen, options.target, source_range, identity, threads, gops, end_pts, warnings
    )


def _find_gops(
    frames: Iterable[RawFrame],
    options: EncodeOptions,
    progress: Progress | None,
    expected: int | None,
) -> tuple[tuple[PlannedGop, ...], int]:
    """The GOPs, and the pts where the last frame ends."""
    boundaries = GopBoundaries(options)
    gops: list[PlannedGop] = []
    end_pts = 0
    for number, frame in enumerate(frames):
        if boundaries.begins_at(frame, gops[-1].frames if gops else None):
            gops.append(PlannedGop(number, 1, frame.pts, checksum(frame)))
        else:
            gops[-1] = replace(
                gops[-1], frames=gops[-1].frames + 1, checksum=checksum(frame, gops[-1].checksum)
            )
        end_pts = frame.pts + frame.duration
        if progress is not None:
            progress(number + 1, expected)
    return tuple(gops), end_pts
