"""Rows of a manifest as values."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from sqlite3 import Connection
from typing import Literal

from streamcodec.checks import parse_json
from streamcodec.rates import bits_per_pixel

from ...files.locations import FileRef
from ..messages import GopLengths, Part, PartDone, PendingFile

__all__ = [
    "FileRow",
    "FileState",
    "RunRow",
    "Totals",
    "Work",
    "count_files",
    "count_work",
    "has_run",
    "last_work",
    "load_jobs",
    "plan_text",
    "read_files",
    "read_run",
]

FileState = Literal["pending", "planned", "running", "written", "done", "failed", "skipped"]
LAST_STATES = ("done", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a run. `ended_run`: the run that ended it. What is not known (yet) is None. `notes`:
    what of the input is changed or not kept, a line each. Times are seconds since 1970."""

    input: str
    output: str
    state: FileState
    input_bytes: int
    output_bytes: int | None
    frames: int | None
    gops: int | None
    width: int | None
    height: int | None
    psnr_db: float | None
    seconds: float | None
    worker: str | None
    attempts: int
    error: str | None
    traceback: str | None
    started: float | None
    finished: float | None
    ended_run: int | None
    notes: str | None = None

    @property
    def bpp(self) -> float | None:
        """Bits per pixel of the output."""
        if self.output_bytes is None or not (self.frames and self.width and self.height):
            return None
        return bits_per_pixel(self.output_bytes, self.frames, self.width, self.height)

    @property
    def fps(self) -> float | None:
        """Frames per second of work."""
        return self.frames / self.seconds if self.frames and self.seconds else None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run. `state`: running, finished, cancelled, stopped, or idle, as it found nothing to do.
    `settings`, `models`, `arguments`: JSON."""

    id: int
    started: float
    finished: float | None
    state: str
    driver: str
    settings: str
    models: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Work:
    """What was spent on files: `runs` that ended any of them, which took `seconds` of wall time. One
    that was killed counts to the last file that it ended."""

    runs: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Totals:
    """Files of a run. `kept`: done or skipped by former runs with the same key. `pending`: not
    ended; `pending_bytes`: their inputs."""

    done: int = 0
    kept: int = 0
    failed: int = 0
    skipped: int = 0
    pending: int = 0
    pending_bytes: int = 0

    @property
    def files(self) -> int:
        return self.done + self.kept + self.failed + self.skipped + self.pending


def read_files(
    connection: Connection, run: int, state: FileState | None = None
) -> Iterator[FileRow]:
    """The files that a run listed, one by one, in the order they were first listed."""
    columns = ", ".join(field.name for field in fields(FileRow))
    where = "run = ?" if state is None else "run = ? AND state = ?"
    for row in connection.execute(
        f"SELECT {columns} FROM files WHERE {where}", [run] if state is None else [run, state]
    ):
        yield FileRow(*row)


def read_run(connection: Connection, run: int | None = None) -> RunRow | None:
    """A run, or the last one; None if there is none."""
    columns = ", ".join(field.name for field in fields(RunRow))
    where = "" if run is None else "WHERE id = ?"
    row = connection.execute(
        f"SELECT {columns} FROM runs {where} ORDER BY id DESC LIMIT 1", [] if run is None else [run]
    ).fetchone()
    return None if row is None else RunRow(*row)


def last_work(connection: Connection) -> int:
    """The number of the last run that had something to do; 0 if there was none."""
    query = "SELECT coalesce(max(id), 0) FROM runs WHERE state != 'idle'"
    return int(connection.execute(query).fetchone()[0])


def has_run(connection: Connection, run: int, started: float) -> bool:
    """Whether there is a run of this number that started then."""
    query = "SELECT count(*) FROM runs WHERE id = ? AND started = ?"
    return bool(connection.execute(query, [run, started]).fetchone()[0])


def count_work(connection: Connection, run: int) -> Work:
    """Of the files that a run listed, and of the run itself unless it was idle or goes on."""
    ended = "SELECT ended_run, max(finished) FROM files WHERE run = ? GROUP BY ended_run"
    last = dict(connection.execute(ended, [run]))
    runs = connection.execute("SELECT id, started, finished FROM runs WHERE state != 'idle'")
    spans = [
        (started, last.get(number) if finished is None else finished)
        for number, started, finished in runs
        if number in last or number == run
    ]
    known = [end - start for start, end in spans if end is not None]
    return Work(len(known), sum(known))


def count_files(connection: Connection, run: int) -> Totals:
    query = "SELECT state, ended_run = ?, count(*), sum(input_bytes) FROM files WHERE run = ? GROUP BY 1, 2"
    counts = dict.fromkeys((field.name for field in fields(Totals)), 0)
    for state, now, files, size in connection.execute(query, [run, run]):
        if state in ("done", "skipped") and not now:
            counts["kept"] += files
        elif state in LAST_STATES:
            counts[state] += files
        else:
            counts["pending"] += files
            counts["pending_bytes"] += size
    return Totals(**counts)


def load_jobs(connection: Connection, ids: list[int]) -> list[PendingFile]:
    """These files, in this order, with what is there of them."""
    marks = ", ".join("?" * len(ids))
    query = f"SELECT id, input, output, input_bytes, hex(key), attempts, plan, state FROM files WHERE id IN ({marks})"
    jobs = {row[0]: _job(connection, row) for row in connection.execute(query, ids).fetchall()}
    return [jobs[number] for number in ids]


def _job(
    connection: Connection, row: tuple[int, str, str, int, str, int, str | None, str]
) -> PendingFile:
    number, source, output, size, key, attempts, plan, state = row
    ref = FileRef(number, source, output, size, key.lower())
    known = None if plan is None else _plan(plan)
    if known is None:
        return PendingFile(ref, attempts, written=state == "written")
    query = (
        "SELECT first_gop, gops, frames, state, attempts, path, size_bytes, seconds "
        "FROM parts WHERE file = ? ORDER BY first_gop"
    )
    done, tried = [], []
    for first_gop, gops, frames, part_state, part_attempts, *result in connection.execute(
        query, [number]
    ):
        part = Part(first_gop, gops, frames)
        if part_state == "done":
            done.append(PartDone(number, part, *result))
        else:
            tried.append((part, part_attempts))
    return PendingFile(ref, attempts, known, tuple(done), tuple(tried), state == "written")


def _plan(text: str) -> GopLengths | None:
    """None for a text that is damaged: the file is then planned anew."""
    try:
        values = parse_json(text)
        return GopLengths(**{**values, "gop_frames": tuple(values["gop_frames"])})
    except (ValueError, TypeError, LookupError):
        return None


def plan_text(plan: GopLengths) -> str:
    return json.dumps(asdict(plan), separators=(",", ":"))
