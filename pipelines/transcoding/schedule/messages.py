"""What travels between the driver and its workers: tasks one way, outcomes the other. Never frames.

    kind     the worker                                   answers with
    plan     looks at one long video                      Planned
    part     codes some GOPs of it                        PartDone
    join     joins its parts, commits the output          FileDone | PartsLost
    whole    codes every file of a batch of short ones    for each FileDone | Skipped, or Planned
                                                          (too long for one task)
    verify   checks one output                            Verified

Any file's work may also end with a FileError (the codec raised) or Skipped (its output is there,
made with the same key).
"""

import traceback as tracebacks
from dataclasses import dataclass
from typing import Literal

from streamcodec.errors import UsageError
from streamcodec.option_fields import option

from ...files.locations import FileRef


@dataclass(frozen=True, slots=True)
class SchedulerOptions:
    """How work is cut up, and when it is given up.

    `target_seconds`: length of a task to aim at. `max_batch`: most files in one task. `split`:
    whether long videos are cut up. `max_attempts`: deaths of workers until a file is given up;
    `max_losses`: the same for workers lost for reasons of their own. `retry_errors`: how often a
    file is tried again after an exception. `max_failures`: failed files beyond which the run stops.
    `max_in_flight`: most tasks at a time. `verify`: every output is checked by a task of its own.
    `bytes_per_second` of input and `pixels_per_second`: first guesses of one worker's speed.
    """

    target_seconds: float = option(
        20.0, "Length of a task to aim at.", flag="--task-seconds", above=0
    )
    max_batch: int = 64
    split: bool = True
    max_attempts: int = 3
    max_losses: int = 20
    retry_errors: int = 0
    max_failures: int | None = option(
        None, "Stop when more files than this have failed.", least=0, default="never"
    )
    max_in_flight: int | None = None
    verify: bool = option(
        False, "Check every output: checksums, frame count and times against its input."
    )
    bytes_per_second: float = 50e3
    pixels_per_second: float = 2e6

    def __post_init__(self) -> None:
        positive = ("target_seconds", "max_batch", "max_attempts", "max_losses")
        for name in (*positive, "bytes_per_second", "pixels_per_second"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)!r}; accepted: more than 0")
        for name, least in (("retry_errors", 0), ("max_failures", 0), ("max_in_flight", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name} is {value!r}; accepted: {least} or more")


TaskKind = Literal["plan", "part", "join", "whole", "verify"]


@dataclass(frozen=True, slots=True)
class GopLengths:
    """How long a video's GOPs are: the frames of each, in order. `payload`: the codec's own plan,
    opaque here."""

    width: int
    height: int
    gop_frames: tuple[int, ...]
    payload: str = ""

    def __post_init__(self) -> None:
        if not self.gop_frames or min(self.gop_frames) < 1 or self.width < 1 or self.height < 1:
            raise UsageError(
                f"plan of {self.width}x{self.height}, GOPs {self.gop_frames}; "
                "accepted: a picture, GOPs of 1 frame or more"
            )

    @property
    def frames(self) -> int:
        return sum(self.gop_frames)

    @property
    def gops(self) -> int:
        return len(self.gop_frames)


@dataclass(frozen=True, slots=True)
class Part:
    """Some successive GOPs of a planned video: the unit of work, known by its first GOP."""

    first_gop: int
    gops: int
    frames: int

    @property
    def end_gop(self) -> int:
        return self.first_gop + self.gops

    @property
    def range(self) -> range:
        """The numbers of its GOPs."""
        return range(self.first_gop, self.end_gop)


@dataclass(frozen=True, slots=True)
class Planned:
    file: int
    plan: GopLengths


@dataclass(frozen=True, slots=True)
class PartDone:
    """A coded part. `path`: where its bytes lie. `payload`: what the codec wants back when it joins
    the parts, opaque here."""

    file: int
    part: Part
    path: str
    size_bytes: int
    seconds: float
    payload: str = ""


@dataclass(frozen=True, slots=True)
class PartsLost:
    """Parts (by their first GOPs) that were coded, and are missing or damaged now: they are coded
    again."""

    file: int
    first_gops: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class FileDone:
    """An output that is in its place. `size_bytes`: of the output. `seconds`: of work, in all its
    tasks. `psnr_db`: None = not measured. `notes`: what of the input is changed or not kept."""

    file: int
    size_bytes: int
    frames: int
    gops: int
    width: int
    height: int
    seconds: float
    psnr_db: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    file: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Skipped:
    file: int
    reason: str


@dataclass(frozen=True, slots=True)
class FileError:
    """Why a file, or one part of it, could not be coded. `error`: one line, for people."""

    file: int
    error: str
    traceback: str = ""

    @classmethod
    def of(cls, file: int, error: BaseException) -> "FileError":
        text = str(error).strip() or type(error).__name__
        trace = "".join(tracebacks.format_exception(error))
        return cls(file, f"{type(error).__name__}: {text}", trace)


Outcome = Planned | PartDone | PartsLost | FileDone | Verified | Skipped | FileError


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A file that is not finished, with what former runs left of it.

    `attempts`: workers that died of it as a whole; `tried`: parts with the number of workers that
    died of each. `plan`: if it was planned; `done`: its parts that are coded. `written`: the output
    is in its place and only its check is missing.
    """

    ref: FileRef
    attempts: int = 0
    plan: GopLengths | None = None
    done: tuple[PartDone, ...] = ()
    tried: tuple[tuple[Part, int], ...] = ()
    written: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """Work for one worker. `files`: one, or a batch of "whole" files. `cost_seconds`: a guess, for
    time limits and logs.

    `plan`: set for "part" and "join". `part`: set for "part". `parts`: set for "join": all of them.
    """

    id: int
    kind: TaskKind
    files: tuple[FileRef, ...]
    cost_seconds: float
    plan: GopLengths | None = None
    part: Part | None = None
    parts: tuple[PartDone, ...] = ()
