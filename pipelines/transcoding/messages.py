"""What travels between the driver and its workers: tasks one way, outcomes the other. Never frames.

    kind     the worker                                   answers with
    whole    codes every file of a batch                  for each FileDone | Skipped, or Planned
                                                          (too long for one task)
    part     codes some GOPs of a planned video           PartDone
    join     joins its parts, commits the output          FileDone | PartsLost
    verify   checks one output                            Verified

Any file's work may also end with a FileError (the codec raised) or Skipped (its output is there,
made with the same key).
"""

import traceback as tracebacks
from dataclasses import dataclass
from typing import Literal

from streamcodec.errors import UsageError

from ..files.locations import FileRef

TaskKind = Literal["whole", "part", "join", "verify"]


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
    """A coded part. `path`: where its bytes lie."""

    file: int
    part: Part
    path: str
    size_bytes: int
    seconds: float


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


NO_FILE = -1
"""The `file` of an error that is not of one file of a task, but of all that were not reported."""


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
    """Work for one worker. `files`: one, or a batch of "whole" files.

    `long_pixels`: of "whole" files those with more pixels, in all frames together, are planned;
    None = none is. `plan`: set for "part" and "join". `part`: set for "part". `parts`: set for "join": all of them.
    """

    id: int
    kind: TaskKind
    files: tuple[FileRef, ...]
    long_pixels: float | None = None
    plan: GopLengths | None = None
    part: Part | None = None
    parts: tuple[PartDone, ...] = ()
