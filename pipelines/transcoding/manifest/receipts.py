"""A line for every output that is done, in done.jsonl beside the manifest: what a lost or damaged
manifest is made anew from.

Each line is a JSON object: the location of the output, the key of the job (of input, identity,
settings and models, as in the manifest, in hex), and the facts that the manifest has of it. Lines
are only ever appended; the last one of an output holds.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from streamcodec.checks import json_lines, parse_json_lines
from streamcodec.files import append_text, writing

from ...files.locations import local_path

__all__ = ["FACTS", "append", "find", "load", "path_beside"]

FACTS = (
    "output_bytes",
    "frames",
    "gops",
    "width",
    "height",
    "psnr_db",
    "seconds",
    "finished",
    "notes",
)
COLUMNS = ("output", "key", *FACTS)
TABLE = f"CREATE TEMP TABLE receipts (output TEXT PRIMARY KEY, {', '.join(COLUMNS[1:])})"
BATCH = 500


def path_beside(manifest: Path) -> Path:
    return manifest.with_name("done.jsonl")


def append(connection: Connection, path: Path, ids: list[int]) -> None:
    """Write the receipts of the files with these numbers, which the manifest calls done. Raises
    OutputError."""
    columns = ", ".join(("output", "hex(key)", *FACTS))
    receipts: list[dict[str, Any]] = []
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        query = f"SELECT {columns} FROM files WHERE state = 'done' AND id IN ({', '.join('?' * len(some))})"
        rows = connection.execute(query, some).fetchall()
        receipts += [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    if receipts:
        append_text(path, json_lines(receipts))


def load(connection: Connection, path: Path) -> None:
    """Put all receipts into a temporary table, for `find`. Lines that are damaged are passed
    over."""
    connection.execute(TABLE)
    marks = ", ".join("?" * len(COLUMNS))
    with connection:
        connection.execute("BEGIN")
        connection.executemany(f"INSERT OR REPLACE INTO receipts VALUES ({marks})", _rows(path))


def find(connection: Connection, outputs: Iterable[str]) -> dict[str, tuple[object, ...]]:
    """Of those of the outputs that have a receipt and the size that it tells: key in hex, then
    FACTS."""
    wanted = list(outputs)
    query = f"SELECT * FROM receipts WHERE output IN ({', '.join('?' * len(wanted))})"
    found = {row[0]: row[1:] for row in connection.execute(query, wanted)}
    return {output: row for output, row in found.items() if _is_there(output, row[1])}


def _rows(path: Path) -> Iterator[tuple[object, ...]]:
    if not path.exists():
        return
    with writing(path), path.open("rb") as lines:
        for values in parse_json_lines(lines, damaged="skip"):
            with suppress(TypeError, LookupError):
                yield tuple(values[column] for column in COLUMNS)


def _is_there(output: str, size: object) -> bool:
    """In a store whatever bears the name counts; the listing has looked whether anything does."""
    path = local_path(output)
    try:
        return path is None or os.stat(path).st_size == size  # noqa: PTH116 (a million of them)
    except (OSError, ValueError):
        return False
