"""The end of a job: report.html, failed.txt, report.parquet and report.json in a folder, and a
table on the terminal.

All are written from the manifest, row by row, so that a million files take no more memory than a
thousand; each appears whole or not at all.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from streamcodec.errors import UsageError
from streamcodec.files import replace_on_success
from streamcodec.text import MOST_CHARACTERS, counted, human_bytes, shown, time_text

from ...files.sources import FAILED_HEADER
from ..manifest.manifest import Manifest
from ..manifest.rows import FileRow
from .html import page
from .summary import Summary, sum_up
from .thumbnails import ReadPicture

__all__ = ["is_reported", "print_summary", "write_json", "write_report"]

PARQUET_ROWS = 10_000  # in one group
SHOWN_FAILURES = 10
HEAD = re.compile(r'\{"run": \{"id": (\d+), "started": ([\d.]+)')
"""How report.json begins."""
HEAD_CHARACTERS = 200


def is_reported(manifest: Manifest, folder: Path) -> bool:
    """Whether the report in the folder tells of all work that was done."""
    if not all((folder / name).exists() for name in ("report.html", "failed.txt")):
        return False
    try:
        with (folder / "report.json").open() as file:
            found = HEAD.match(file.read(HEAD_CHARACTERS))
    except (OSError, ValueError):
        return False
    return found is not None and not manifest.is_later_work(int(found[1]), float(found[2]))


def write_report(
    manifest: Manifest,
    folder: Path,
    *,
    parquet: bool | None = None,
    read_picture: ReadPicture | None = None,
) -> Summary:
    """Report the manifest's last run. `parquet` None writes report.parquet if pyarrow is installed.
    `read_picture` makes the page's pictures; None = there are none.

    Raises UsageError if there was no run, or if Parquet is asked for without pyarrow; OutputError
    if the folder cannot be written to.
    """
    if parquet and find_spec("pyarrow") is None:
        raise UsageError(
            "pyarrow is not installed; accepted: pip install pyarrow, or a report without Parquet"
        )
    summary = sum_up(manifest)
    if summary is None:
        raise UsageError(f"{manifest.path} has no run to report")
    with replace_on_success(folder / "report.html", overwrite=True) as part:
        part.write_text(page(manifest, summary, read_picture), encoding="utf-8")
    with (
        replace_on_success(folder / "failed.txt", overwrite=True) as part,
        part.open("w", encoding="utf-8") as file,
    ):
        _write_failed(manifest, file)
    if parquet or (parquet is None and find_spec("pyarrow") is not None):
        with replace_on_success(folder / "report.parquet", overwrite=True) as part:
            _write_parquet(manifest, part)
    with replace_on_success(folder / "report.json", overwrite=True) as part, part.open("w") as file:
        write_json(manifest, summary, file)  # the last: `is_reported` looks at it
    return summary


def print_summary(
    summary: Summary,
    manifest: Manifest,
    out: TextIO | None = None,
    reworded: Callable[[str], str] = str,
) -> None:
    """A table of the run's sums and of the first failures, in colour on a terminal, plain
    elsewhere. `reworded`: makes what is shown of an error's message."""
    console = Console(file=out)
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _lines(summary):
        table.add_row(name, value)
    console.print(table)
    for row in islice(manifest.files("failed"), SHOWN_FAILURES):
        console.print(
            shown(f"failed: {row.input}: {reworded(_message(row))}", MOST_CHARACTERS),
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if summary.totals.failed > SHOWN_FAILURES:
        console.print(f"... and {summary.totals.failed - SHOWN_FAILURES} more, all in failed.txt")
    if summary.totals.failed:
        console.print("--retry-failed tries them again", highlight=False)


def _message(row: FileRow) -> str:
    """An error without its class, and without the input's name, which it may begin with."""
    error = row.error or "unknown"
    name, colon, said = error.partition(": ")
    said = said if colon and name.isidentifier() else error
    return said.removeprefix(f"{row.input}: ").removeprefix(f"{row.input} ")


def _lines(summary: Summary) -> Iterator[tuple[str, str]]:
    totals = summary.totals
    for name in ("done", "kept", "failed", "skipped", "pending"):
        count = getattr(totals, name)
        if count or (name == "done" and not totals.kept):
            label = {"kept": "done before", "pending": "not done"}.get(name, name)
            yield label, counted(count, "file")
    yield "size", f"{human_bytes(summary.input_bytes)} in, {human_bytes(summary.output_bytes)} out"
    if summary.bpp is not None:
        yield "bits per pixel", f"{summary.bpp:.4f}"
    if summary.seconds:
        yield (
            "speed",
            f"{counted(summary.frames, 'frame')}, {summary.frames / summary.seconds:.2f} per second and worker",
        )
    if summary.noted:
        yield "notes", f"{counted(summary.noted, 'file')}; the commonest: {summary.notes[0][0]}"
    if summary.wall_seconds is not None:
        runs = "" if summary.work.runs == 1 else f" in {summary.work.runs} runs"
        yield "wall time", time_text(summary.wall_seconds) + runs


def _record(row: FileRow) -> dict[str, Any]:
    """A row as plain values."""
    record = asdict(row)
    del record["ended_run"]
    return record | {"bpp": row.bpp, "fps": row.fps}


def write_json(manifest: Manifest, summary: Summary, file: TextIO) -> None:
    """An object: the sums, and all files, one a line. ASCII."""
    run = asdict(summary.run)
    run |= {name: json.loads(run[name]) for name in ("settings", "models", "arguments")}
    head = {"run": run, "totals": asdict(summary.totals), "exit_code": summary.exit_code}
    head |= {"runs": summary.work.runs}
    head |= {
        name: getattr(summary, name)
        for name in ("input_bytes", "output_bytes", "frames", "seconds", "wall_seconds", "bpp")
    }
    file.write(
        json.dumps(
            head
            | {"errors": dict(summary.errors), "noted": summary.noted, "notes": dict(summary.notes)}
        )[:-1]
        + ', "files": ['
    )
    for number, row in enumerate(manifest.files()):
        file.write((",\n" if number else "\n") + json.dumps(_record(row)))
    file.write("\n]}\n")


def _write_failed(manifest: Manifest, file: TextIO) -> None:
    """A list of inputs, each below its error."""
    file.write(f"{FAILED_HEADER}; an input of this name tries them again\n")
    for row in manifest.files("failed"):
        file.write(f"# {shown(row.error or 'unknown')}\n{row.input}\n")


def _write_parquet(manifest: Manifest, path: Path) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = _parquet_schema(pa)
    rows = (_record(row) for row in manifest.files())
    with ParquetWriter(path, schema) as writer:
        while group := list(islice(rows, PARQUET_ROWS)):
            writer.write_table(pa.Table.from_pylist(group, schema))


def _parquet_schema(pa: Any) -> Any:
    """Fixed, so that a run without failures, or without PSNR, has the same columns."""
    types = {"int": pa.int64(), "int | None": pa.int64(), "float | None": pa.float64()}
    own = [
        (field.name, types.get(_type_name(field.type), pa.string()))
        for field in fields(FileRow)
        if field.name != "ended_run"
    ]
    return pa.schema([*own, ("bpp", pa.float64()), ("fps", pa.float64())])


def _type_name(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
