"""The state of a job, in one SQLite file (schema.py): what is to be done, what is done, what failed
and why.

One driver writes; others may read meanwhile. Writes gather in a transaction that `flush` commits:
the driver flushes before it waits, so whatever it knew then survives its death at any moment.
Resuming needs nothing else than listing the same sources again.
"""

import json
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

from ...files.sources import Item
from ..messages import (
    FileDone,
    FileError,
    GopLengths,
    Part,
    PartDone,
    PartsLost,
    PendingFile,
    Skipped,
)
from . import receipts
from .driverlock import driver_lock, here
from .enter import JobKeys, Policy, list_items
from .rows import (
    FileRow,
    FileState,
    RunRow,
    Totals,
    Work,
    count_files,
    count_work,
    has_run,
    last_work,
    load_jobs,
    plan_text,
    read_files,
    read_run,
)
from .schema import connect, guarded, move_damaged

__all__ = ["Manifest"]

CHUNK = 500  # jobs read at a time
MOST_WRITES = 20_000  # in one transaction

STARTED = (
    "UPDATE files SET state = 'running', worker = ?, started = coalesce(started, ?) WHERE id = ?"
)
PLANNED = "UPDATE files SET state = 'planned', plan = ?, width = ?, height = ?, frames = ?, gops = ? WHERE id = ?"
PART_DONE = """
INSERT INTO parts (file, first_gop, gops, frames, state, path, size_bytes, seconds, worker, finished)
VALUES (?, ?, ?, ?, 'done', ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET gops = excluded.gops, frames = excluded.frames, state = 'done', path = excluded.path,
    size_bytes = excluded.size_bytes, seconds = excluded.seconds, worker = excluded.worker, finished = excluded.finished
"""
PART_LOST = "UPDATE parts SET state = 'pending' WHERE file = ? AND first_gop = ?"
PART_TRIED = """
INSERT INTO parts (file, first_gop, gops, frames, state, attempts) VALUES (?, ?, ?, ?, 'pending', ?)
ON CONFLICT DO UPDATE SET attempts = excluded.attempts
"""
FILE_TRIED = "UPDATE files SET attempts = ? WHERE id = ?"
WRITTEN = """
UPDATE files SET state = ?, ended_run = ?, plan = NULL, output_bytes = ?, frames = ?, gops = ?, width = ?, height = ?, seconds = ?,
    psnr_db = ?, notes = ?, worker = ?, finished = ?, error = NULL, traceback = NULL
WHERE id = ?
"""
NO_PARTS = "DELETE FROM parts WHERE file = ?"
VERIFIED = "UPDATE files SET state = 'done', ended_run = ?, finished = ? WHERE id = ?"
SKIPPED = "UPDATE files SET state = 'skipped', ended_run = ?, error = ?, worker = ?, finished = ? WHERE id = ?"
FAILED = "UPDATE files SET state = 'failed', ended_run = ?, error = ?, traceback = ?, worker = ?, finished = ? WHERE id = ?"
NOT_RUNNING = (
    "UPDATE files SET state = iif(plan IS NULL, 'pending', 'planned') WHERE state = 'running'"
)
BEGIN_RUN = "INSERT INTO runs (started, state, driver, settings, models, arguments) VALUES (?, 'running', ?, ?, ?, ?)"
UNFINISHED = """
SELECT id FROM files WHERE run = ? AND state IN ('pending', 'planned', 'running', 'written') ORDER BY input_bytes DESC, id
"""


class Manifest:
    """A manifest that is open. Use it in a `with` block, from one thread.

    The scheduler tells it what a later run must know, from `started` to `failed`. Every method
    raises OutputError if the disk is full or the file is damaged.
    """

    def __init__(
        self, path: Path, *, read_only: bool, clock: Callable[[], float] | None = None
    ) -> None:
        """See `open` and `read`."""
        self.path = path
        self._clock = clock or _steady_clock()
        self._run = 0
        self._writes = 0
        self._done: list[int] = []
        self.repaired: str | None = None
        with ExitStack() as stack:
            if not read_only:
                stack.enter_context(driver_lock(path))
                self.repaired = move_damaged(path)
            self._connection = connect(path, read_only=read_only)
            stack.callback(self._connection.close)
            with guarded(path):
                last = read_run(self._connection)
            self._run = 0 if last is None else last.id
            self._is_new = last is None and not read_only
            if self._is_new:
                with guarded(path):
                    receipts.load(self._connection, receipts.path_beside(path))
            self._opened = stack.pop_all()

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] | None = None) -> Self:
        """Open a manifest to work with, or make it. One that is damaged is put out of the way
        (`repaired` says so) and made anew; what is done is then known by its receipts. Raises
        OutputError if another driver has it open; UsageError if it is of a newer version or another
        program's. It must lie on a disk of this machine: SQLite's log does not work over a
        network."""
        return cls(path, read_only=False, clock=clock)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Look at the last run of a manifest, also while a driver works on it."""
        return cls(path, read_only=True)

    def begin(
        self, settings: Mapping[str, Any], models: Sequence[str], arguments: Sequence[str] = ()
    ) -> int:
        """Start a run. `settings`: all that bears on the outputs, as JSON; `models`: their ids.
        What was in work is to be done again."""
        texts = [
            json.dumps(value, sort_keys=True) for value in (settings, list(models), list(arguments))
        ]
        with guarded(self.path):
            self._write(NOT_RUNNING)
            self._run = (
                self._connection.execute(BEGIN_RUN, [self._clock(), here(), *texts]).lastrowid or 0
            )
        self.flush()
        self._keys = JobKeys(texts[0], texts[1])
        return self._run

    def add(self, items: Iterable[tuple[Item, str]], policy: Policy | None = None) -> Totals:
        """List the run's items with their outputs, all or, if this raises, none. What is done with
        the same key stays so; what failed with it stays failed, unless retried; the rest is to be
        done. Raises UsageError if two inputs have the same output."""
        with guarded(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                find = partial(receipts.find, self._connection) if self._is_new else None
                list_items(self._connection, self._run, items, self._keys, policy or Policy(), find)
            except BaseException:
                if self._connection.in_transaction:  # a full disk has ended it already
                    self._connection.execute("ROLLBACK")
                raise
        self.flush()
        return self.totals()

    def jobs(self) -> Iterator[PendingFile]:
        """The files of the run that have not ended by now, the largest first. Holds 8 bytes for
        each of them."""
        with guarded(self.path):
            ids = array("q", (row[0] for row in self._connection.execute(UNFINISHED, [self._run])))
        for start in range(0, len(ids), CHUNK):
            with guarded(self.path):
                chunk = load_jobs(self._connection, list(ids[start : start + CHUNK]))
            yield from chunk

    def totals(self) -> Totals:
        """How many files of the run are where."""
        with guarded(self.path):
            return count_files(self._connection, self._run)

    def files(self, state: FileState | None = None) -> Iterator[FileRow]:
        """The files of the run, or those in one state."""
        with guarded(self.path):
            yield from read_files(self._connection, self._run, state)

    @property
    def run(self) -> RunRow | None:
        """The run that was begun, or the last one; None if there was none."""
        with guarded(self.path):
            return read_run(self._connection)

    def work(self) -> Work:
        """What was spent on the files of the run, in it and before."""
        with guarded(self.path):
            return count_work(self._connection, self._run)

    def is_later_work(self, run: int, started: float) -> bool:
        """Whether a run had something to do after the one of this number that started then, or that
        one is not known."""
        with guarded(self.path):
            known = has_run(self._connection, run, started)
            return not known or run < last_work(self._connection)

    def flush(self) -> None:
        """Commit: from now on all of it survives."""
        if self._connection.in_transaction:
            with guarded(self.path):
                self._connection.execute("COMMIT")
                receipts.append(self._connection, receipts.path_beside(self.path), self._done)
            self._done.clear()
        self._writes = 0

    def finish(self, state: str = "finished") -> None:
        """End the run: "finished", "cancelled", "stopped" or "idle". Files that are still in work are to be
        done next time."""
        with guarded(self.path):
            self._write(NOT_RUNNING)
            self._write(
                "UPDATE runs SET state = ?, finished = ? WHERE id = ?",
                state,
                self._clock(),
                self._run,
            )
            self.flush()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._opened:
            self.flush()

    def started(self, file: int, worker: str) -> None:
        """A worker begins with a file that nobody was working on."""
        self._write(STARTED, worker, self._clock(), file)

    def planned(self, file: int, plan: GopLengths) -> None:
        self._write(PLANNED, plan_text(plan), plan.width, plan.height, plan.frames, plan.gops, file)

    def part_done(self, done: PartDone, worker: str) -> None:
        part = done.part
        result = (done.path, done.size_bytes, done.seconds, worker, self._clock())
        self._write(PART_DONE, done.file, part.first_gop, part.gops, part.frames, *result)

    def parts_lost(self, lost: PartsLost) -> None:
        for first_gop in lost.first_gops:
            self._write(PART_LOST, lost.file, first_gop)

    def written(self, done: FileDone, worker: str, *, final: bool) -> None:
        """The output is in its place; unless `final` it is still to be checked."""
        result = (
            done.size_bytes,
            done.frames,
            done.gops,
            done.width,
            done.height,
            done.seconds,
            done.psnr_db,
            "\n".join(done.notes) or None,
            worker,
            self._clock(),
        )
        self._write(
            WRITTEN,
            "done" if final else "written",
            self._run if final else None,
            *result,
            done.file,
        )
        self._write(NO_PARTS, done.file)
        if final:
            self._done.append(done.file)

    def verified(self, file: int) -> None:
        """The output that was written is sound: the file is done."""
        self._write(VERIFIED, self._run, self._clock(), file)
        self._done.append(file)

    def skipped(self, skipped: Skipped, worker: str) -> None:
        self._write(SKIPPED, self._run, skipped.reason, worker, self._clock(), skipped.file)

    def attempted(self, file: int, part: Part | None, attempts: int) -> None:
        """So many workers have died of the file (or of this part of it) by now."""
        if part is None:
            self._write(FILE_TRIED, attempts, file)
        else:
            self._write(PART_TRIED, file, part.first_gop, part.gops, part.frames, attempts)

    def failed(self, error: FileError, worker: str) -> None:
        """The file is given up."""
        self._write(
            FAILED, self._run, error.error, error.traceback, worker, self._clock(), error.file
        )

    def _write(self, statement: str, *values: object) -> None:
        with guarded(self.path):
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(statement, values)
        self._writes += 1
        if self._writes >= MOST_WRITES:
            self.flush()


def _steady_clock() -> Callable[[], float]:
    """Seconds since 1970 that never go back, though the system's clock is set meanwhile: what lies
    between two times is a duration."""
    begun = time.time() - time.monotonic()
    return lambda: begun + time.monotonic()
