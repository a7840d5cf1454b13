"""The tables of a manifest, version 1, and how its file is opened.

SQLite in WAL mode with synchronous=FULL: a transaction that was committed outlives the process and
the machine, one that was not leaves no trace. `application_id` tells that the file is ours,
`user_version` is the version of the tables. Times are seconds since 1970.

`files.state`    pending -> running -> planned -> running -> written -> done, or failed, or skipped
    pending      nothing was done of it          running  a worker has it, or had it when the driver died
    planned      its GOPs are known              written  the output is in its place, its check is missing
`files.run`      the last run that listed it; `files.ended_run` the run that brought it to done, failed or skipped
`files.notes` what of the input is changed or not kept, a line each; NULL = nothing
`files.key`      of input, identity, settings and models; `files.plan` JSON, while it is needed, like the rows in `parts`
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

from streamcodec.errors import OutputError, StreamCodecError, UsageError
from streamcodec.files import writing

__all__ = ["APPLICATION", "VERSION", "connect", "guarded", "move_damaged"]

APPLICATION = 0x53534D46  # "SSMF"
VERSION = 1
TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, started REAL NOT NULL, finished REAL, state TEXT NOT NULL, driver TEXT NOT NULL,
    settings TEXT NOT NULL, models TEXT NOT NULL, arguments TEXT NOT NULL
);
CREATE TABLE files (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, input TEXT NOT NULL, output TEXT NOT NULL, identity TEXT NOT NULL, key BLOB NOT NULL,
    input_bytes INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'pending', attempts INTEGER NOT NULL DEFAULT 0, plan TEXT, ended_run INTEGER,
    output_bytes INTEGER, frames INTEGER, gops INTEGER, width INTEGER, height INTEGER, psnr_db REAL, seconds REAL,
    worker TEXT, started REAL, finished REAL, error TEXT, traceback TEXT, notes TEXT
);
CREATE UNIQUE INDEX files_output ON files (output);
CREATE TABLE parts (
    file INTEGER NOT NULL, first_gop INTEGER NOT NULL, gops INTEGER NOT NULL, frames INTEGER NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, path TEXT, size_bytes INTEGER, seconds REAL, worker TEXT, finished REAL,
    PRIMARY KEY (file, first_gop)
) WITHOUT ROWID;
"""
CACHE_KIB = 65536


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a manifest; make it if there is none, unless `read_only`. Raises UsageError if the file
    is something else, or newer than this version; OutputError if it cannot be opened or is
    damaged."""
    with guarded(path):
        name = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        connection = sqlite3.connect(name, uri=True, isolation_level=None, timeout=10)
        try:
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            _prepare(connection, path, read_only)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into errors that say what to do."""
    try:
        yield
    except StreamCodecError:
        raise
    except sqlite3.OperationalError as error:
        raise OutputError(f"cannot use the manifest {path}: {error}") from error
    except (sqlite3.Error, ValueError, TypeError, LookupError) as error:
        raise OutputError(
            f"the manifest {path} is damaged ({error}); the next run of the same command makes it anew"
        ) from error


def move_damaged(path: Path) -> str | None:
    """Put a manifest that is damaged, or empty, out of the way; what was wrong and where it lies
    now, None if it is sound or not there.

    Only with the lock. SQLite has no checksums: what is looked at is whether its pages and indexes
    hold together.
    """
    if not path.exists():
        return None
    problem = "it is empty" if path.stat().st_size == 0 else _problem(path)
    if problem is None:
        return None
    number = next(number for number in count(1) if not _aside(path, number).exists())
    with writing(path):
        path.rename(_aside(path, number))
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    return (
        f"the manifest {path} was damaged ({problem}) and lies at {_aside(path, number).name} now"
    )


def _problem(path: Path) -> str | None:
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
        ) as connection:
            [application] = connection.execute("PRAGMA application_id").fetchone()
            if application != APPLICATION:
                return None  # of another program, or none: `connect` tells
            [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
            return None if found == "ok" else str(found)
    except sqlite3.OperationalError as error:
        return str(error) if "malformed" in str(error) else None  # else it cannot be opened
    except sqlite3.DatabaseError as error:
        return str(error)


def _aside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged-{number}")


def _prepare(connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (tables or read_only):
        raise UsageError(
            f"{path} is a database of another program; accepted: a manifest of streamcodec"
        )
    if version > VERSION:
        raise UsageError(
            f"{path} is a manifest of version {version}; this streamcodec reads version {VERSION}: use a newer one"
        )
    if read_only:
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if not tables:
        pragmas = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
        connection.executescript(f"BEGIN; {TABLES} {pragmas} COMMIT;")
