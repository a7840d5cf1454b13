"""What a worker does: one task after another, with the codec kept. No Ray here."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from streamcodec import EncodeReport, decode, encode
from streamcodec import open as open_stream
from streamcodec.codec import Codec
from streamcodec.errors import CorruptStreamError, SourceError, StreamCodecError, UsageError
from streamcodec.parts import PartReport, VideoPlan, check_part, encode_part, join_parts, plan_video
from streamcodec.runtime import prepare
from streamcodec.stream.encoder import codec_of
from streamcodec.video import VideoReader

from ..files.locations import FileRef
from ..files.storage import Storage, exists
from .check import check_stream, check_video
from .messages import (
    FileDone,
    FileError,
    GopLengths,
    Outcome,
    PartDone,
    PartsLost,
    Planned,
    Task,
    Verified,
)
from .recipe import Coding

__all__ = ["Coder"]


class Coder:
    """`storage`: where files lie."""

    def __init__(self, coding: Coding, storage: Storage) -> None:
        prepare(coding.threads)
        self._coding = coding
        self._storage = storage
        self._codec: Codec | None = None

    def perform(self, task: Task) -> Iterator[Outcome]:
        """The outcomes of a task, one for each of its files, as they come. Exceptions of the codec
        are outcomes too."""
        for ref in task.files:
            try:
                outcome = self._outcome(task, ref)
            except Exception as error:  # of whatever kind: the next file is another one
                outcome = FileError.of(ref.file, error)
            yield outcome

    def _outcome(self, task: Task, ref: FileRef) -> Outcome:
        match task.kind:
            case "part":
                return self._part(task, ref)
            case "join":
                return self._join(task, ref)
            case "verify":
                return self._verify(ref)
            case "whole":
                return self._encode(task, ref) if self._coding.encodes else self._decode(ref)

    @property
    def codec(self) -> Codec:
        """Loaded when it is first needed."""
        if self._codec is None:
            self._codec = codec_of(self._coding.options)
        return self._codec

    def _plan(self, ref: FileRef, source: Path) -> Planned:
        coding = self._coding
        plan = plan_video(
            source,
            options=coding.options,
            codec=self.codec,
            on_error=coding.on_error,
            threads=coding.threads,
            **coding.part,
        )
        return Planned(
            ref.file,
            GopLengths(
                plan.width, plan.height, tuple(gop.frames for gop in plan.gops), plan.to_json()
            ),
        )

    def _part(self, task: Task, ref: FileRef) -> PartDone:
        assert task.plan is not None
        assert task.part is not None
        plan = VideoPlan.from_json(task.plan.payload)
        location = self._storage.part_location(ref, f"{task.part.first_gop}-{task.part.gops}")
        report = self._finished_part(plan, location)
        if report is None or _gops_of(report) != task.part.range:
            with self._storage.output(location, ref.key, ".part") as path:
                report = encode_part(
                    self._storage.input(ref),
                    plan,
                    task.part.range,
                    path,
                    codec=self.codec,
                    psnr=self._coding.psnr,
                )
        return PartDone(ref.file, task.part, location, report.size_bytes, report.seconds)

    def _finished_part(self, plan: VideoPlan, location: str) -> PartReport | None:
        """What a worker that could not tell of it any more has left there, if it is sound."""
        if not exists(location):
            return None
        try:
            with self._storage.copy(location) as path:
                report = check_part(plan, path)
        except (SourceError, CorruptStreamError, UsageError):
            return None
        return report if report.squared_error is not None or not self._coding.psnr else None

    def _join(self, task: Task, ref: FileRef) -> FileDone | PartsLost:
        assert task.plan is not None
        plan, started = VideoPlan.from_json(task.plan.payload), time.monotonic()
        try:
            with (
                ExitStack() as stack,
                self._storage.output(ref.output, ref.key, self._coding.suffix) as path,
            ):
                report = join_parts(
                    plan,
                    [stack.enter_context(self._storage.copy(part.path)) for part in task.parts],
                    path,
                )
        except (SourceError, CorruptStreamError, UsageError) as error:
            lost = tuple(
                part.part.first_gop for part in task.parts if not self._is_sound(plan, part)
            )
            if not lost:
                raise
            return PartsLost(ref.file, lost, str(error))
        return _done(ref, report, report.seconds + time.monotonic() - started)

    def _is_sound(self, plan: VideoPlan, part: PartDone) -> bool:
        try:
            with self._storage.copy(part.path) as path:
                return _gops_of(check_part(plan, path)) == part.part.range
        except StreamCodecError:
            return False

    def _encode(self, task: Task, ref: FileRef) -> FileDone | Planned:
        source = self._storage.input(ref)
        if task.long_pixels is not None and self._is_long(source, task.long_pixels):
            return self._plan(ref, source)
        return self._encode_whole(ref, source)

    def _is_long(self, source: Path, pixels: float) -> bool:
        """A video of unknown length may be; but no plan reaches a target over frames that nobody
        has counted: its quality is adapted from frame to frame, in one go."""
        found = self._pixels_of(source)
        return self._coding.options.target is None if found is None else found > pixels

    def _pixels_of(self, source: Path) -> int | None:
        """Of all frames, as far as the container tells."""
        with VideoReader(source, **self._coding.reading) as reader:
            frames = reader.estimated_frames
            return None if frames is None else frames * reader.format.width * reader.format.height

    def _encode_whole(self, ref: FileRef, source: Path) -> FileDone:
        coding = self._coding
        with self._storage.output(ref.output, ref.key, coding.suffix) as path:
            report = encode(
                source,
                path,
                options=coding.options,
                codec=self.codec,
                on_error=coding.on_error,
                psnr=coding.psnr,
                **coding.part,
            )
        return _done(ref, report, report.seconds)

    def _decode(self, ref: FileRef) -> FileDone:
        source, coding = self._storage.input(ref), self._coding
        with open_stream(source, max_pixels=coding.max_pixels) as video:
            gops = len(video.key_frames)
        with self._storage.output(ref.output, ref.key, coding.suffix) as path:
            report = decode(
                source,
                path,
                codec=coding.codec,
                crf=coding.crf,
                device=coding.options.device,
                on_damage=coding.on_damage,
                max_pixels=coding.max_pixels,
                audio=coding.options.audio,
                subtitles=coding.options.subtitles,
                **coding.part,
            )
            size_bytes = path.stat().st_size
        return FileDone(
            ref.file,
            size_bytes,
            report.frames,
            gops,
            report.width,
            report.height,
            report.seconds,
            notes=report.notes if report.damage is None else (*report.notes, report.damage),
        )

    def _verify(self, ref: FileRef) -> Verified:
        started = time.monotonic()
        check = check_stream if self._coding.encodes else check_video
        with self._storage.copy(ref.output) as output:
            check(output, self._storage.input(ref), self._coding)
        return Verified(ref.file, time.monotonic() - started)


def _gops_of(report: PartReport) -> range:
    return range(report.first_gop, report.first_gop + report.gops)


def _done(ref: FileRef, report: EncodeReport, seconds: float) -> FileDone:
    return FileDone(
        ref.file,
        report.size_bytes,
        report.frames,
        report.gops,
        report.width,
        report.height,
        seconds,
        report.psnr_db,
        report.notes,
    )
