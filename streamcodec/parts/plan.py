"""How a video will be encoded, down to every GOP: a small value that travels to whoever encodes a part of it.

`plan_video` makes it in one pass over the video, which decodes all frames and runs no network.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from itertools import groupby
from typing import Any, Unpack

import numpy as np

from streamcodec._native import crc32c
from streamcodec.checks import check_count, parse_json
from streamcodec.codec import Codec
from streamcodec.container import Header, pack_header, unpack_header
from streamcodec.errors import SourceError, StreamCodecError, UsageError
from streamcodec.identity import SourceIdentity, identify
from streamcodec.runtime import threads as threads_now
from streamcodec.stream.control.target import Target
from streamcodec.stream.encoder import chosen_codec
from streamcodec.stream.gops.boundaries import GopBoundaries
from streamcodec.stream.headers import left_out_tags, make_header
from streamcodec.stream.options import EncodeOptions, EncodeSettings, options_of
from streamcodec.stream.search.search import quality_for
from streamcodec.stream.source import SourceRange
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.types import OnError, RawFrame

__all__ = ["PlannedGop", "VideoPlan", "checksum", "plan_video"]

FORMAT = 5  # of the JSON


@dataclass(frozen=True)
class PlannedGop:
    """`first_frame` counts over the whole stream, `pts` is that frame's; `checksum`: of the source's frames in the GOP."""

    first_frame: int
    frames: int
    pts: int
    checksum: int


def checksum(frame: RawFrame, before: int = 0) -> int:
    """CRC-32C over time and pixels of the frames of a GOP: of this one, behind those whose checksum is `before`."""
    times = frame.pts.to_bytes(8, "little", signed=True) + frame.duration.to_bytes(
        8, "little", signed=True
    )
    value = crc32c(times, before)
    for plane in frame.planes:
        value = crc32c(np.ascontiguousarray(plane).data.cast("B"), value)
    return value


@dataclass(frozen=True)
class VideoPlan:
    """Made by `plan_video`. Two plans are equal if they say the same of sources of the same content and time of change.

    `header`: of the stream. `options`: without a target, at the quality that was found for `target`; their device
    is the one that the plan was made for. `source_range`: the range of the source that is encoded. `threads`: of
    PyTorch, while the parts are encoded: the pictures depend on it. `end_pts`: pts + duration of the last frame.
    `warnings`: what was wrong with the source and is left out. `notes`: what of it is converted or not kept, as in EncodeReport.
    """

    header: Header
    options: EncodeOptions
    target: Target | None
    source_range: SourceRange
    identity: SourceIdentity
    threads: int
    gops: tuple[PlannedGop, ...]
    end_pts: int
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        return self.gops[-1].first_frame + self.gops[-1].frames

    @property
    def width(self) -> int:
        return self.header.video.width

    @property
    def height(self) -> int:
        return self.header.video.height

    @property
    def duration_seconds(self) -> float:
        return float((self.end_pts - self.gops[0].pts) * self.header.video.time_base)

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that the plan says, 64 hex digits. The name of the source is not in it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def split(self, parts: int) -> list[range]:
        """At most `parts` ranges of GOP numbers, in order, with nearly equal numbers of frames. Raises UsageError for less than one."""
        if parts < 1:
            raise UsageError(f"number of parts is {parts}; accepted: 1 or more")
        shares = [
            (2 * gop.first_frame + gop.frames) * parts // (2 * self.frames) for gop in self.gops
        ]  # by the middle of each GOP
        found = [
            [number for number, _ in share]
            for _, share in groupby(enumerate(shares), key=lambda item: item[1])
        ]
        return [range(gops[0], gops[-1] + 1) for gops in found]

    def to_json(self) -> str:
        """The same text for equal plans, about 30 bytes a GOP."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {
            name: None if values[name] is None else asdict(values[name])
            for name in ("options", "target", "source_range", "identity")
        }
        values |= {
            "header": pack_header(self.header).hex(),
            "gops": [[gop.frames, gop.pts, gop.checksum] for gop in self.gops],
        }
        return json.dumps({"plan": FORMAT} | values, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "VideoPlan":
        """The counterpart of to_json(). Raises UsageError if the text is not a plan, or one of another version."""
        try:
            values = parse_json(text)
            if values.pop("plan") != FORMAT:
                raise UsageError("its format is another one; make the plan anew with this version")
            target = values["target"]
            values |= {
                "header": unpack_header(bytes.fromhex(values["header"]))[0],
                "options": EncodeOptions(**values["options"]),
                "target": None if target is None else Target(**target),
                "source_range": SourceRange(**values["source_range"]),
                "identity": SourceIdentity(**values["identity"]),
                "gops": _gops(values["gops"]),
                "warnings": tuple(values["warnings"]),
                "notes": tuple(values["notes"]),
            }
            return cls(**values)
        except (StreamCodecError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"this is not a plan of a video: {error}; make one with plan_video()"
            ) from error


def _gops(rows: Sequence[tuple[int, int, int]]) -> tuple[PlannedGop, ...]:
    gops: list[PlannedGop] = []
    first = 0
    for frames, pts, value in rows:
        gops.append(PlannedGop(first, frames, pts, value))
        first += frames
    if not gops:
        raise UsageError("it has no GOPs")
    return tuple(gops)


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
    source_range = SourceRange.of(options, start_seconds, duration_seconds, max_frames, on_error)
    threads = (
        threads_now() if threads is None else check_count("number of threads", threads, "threads")
    )
    codec = chosen_codec(codec, options)
    found, _ = quality_for(source, source_range, options, codec, search_progress)
    chosen = replace(found, device=codec.encode_device_type, precision=codec.precision)
    with source_range.reader(
        source, codec.frame_format, audio=options.audio, subtitles=options.subtitles
    ) as reader:
        with overlapped(reader) as frames:
            gops, end_pts = _find_gops(frames, chosen, progress, reader.estimated_frames)
        if not gops:
            raise SourceError("the source has no frames in the range that was asked for")
        header = make_header(
            reader.format, chosen, codec, reader.metadata, reader.tracks.tracks, reader.chapters
        )
        notes = (*reader.notes, *left_out_tags(reader.metadata, header), *codec.notes)
        warnings = () if reader.damage is None else (reader.damage,)
    return VideoPlan(
        header,
        chosen,
        options.target,
        source_range,
        identity,
        threads,
        gops,
        end_pts,
        warnings,
        notes,
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
