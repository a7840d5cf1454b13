"""What happened when, one JSON object a line: what a worker was given, what it told, when it died.
For people, and for tests and trials, which read it back."""

import time
from pathlib import Path
from typing import Any

from streamcodec.checks import json_lines
from streamcodec.files import append_text

from ..messages import FileError, Outcome, PartDone, PartsLost, Planned, Task

__all__ = ["EventLog"]


class EventLog:
    """Appends to a file, at every `flush`, which comes behind that of the manifest: so what the log
    calls done is done."""

    def __init__(self, path: Path) -> None:
        """Raises OutputError if nothing can be written to `path`."""
        self._path = path
        self._rows: list[dict[str, Any]] = []
        append_text(path, "")

    def flush(self) -> None:
        """Write down what has happened."""
        if self._rows:
            append_text(self._path, json_lines(self._rows))
            self._rows.clear()

    def ready(self, worker: str, node: str, pid: int) -> None:
        self._write("ready", worker, node=node, pid=pid)

    def started(self, worker: str, task: Task) -> None:
        for ref in task.files:
            self._write(
                "started", worker, task=task.id, kind=task.kind, file=ref.file, gops=_gops(task)
            )

    def reported(self, worker: str, task: Task, outcome: Outcome) -> None:
        names = {FileError: "failed", PartsLost: "parts lost", Planned: "planned"}
        name = names.get(type(outcome), "done")
        seconds = round(outcome.seconds, 3) if isinstance(outcome, PartDone) else None
        error = outcome.error if isinstance(outcome, FileError) else None
        self._write(
            name,
            worker,
            task=task.id,
            kind=task.kind,
            file=outcome.file,
            gops=_gops(task),
            seconds=seconds,
            error=error,
        )

    def broke(self, worker: str, task: Task | None, error: FileError) -> None:
        self._write("broke", worker, task=_id(task), error=error.error)

    def lost(self, worker: str, task: Task | None, blame: bool, reason: str) -> None:
        self._write("lost", worker, task=_id(task), blame=blame, error=reason)

    def _write(self, event: str, worker: str, **values: Any) -> None:
        row = {"time": round(time.time(), 3), "event": event, "worker": worker}
        self._rows.append(
            row | {name: value for name, value in values.items() if value is not None}
        )


def _id(task: Task | None) -> int | None:
    return None if task is None else task.id


def _gops(task: Task) -> list[int] | None:
    """[first, end] of the part."""
    return None if task.part is None else [task.part.first_gop, task.part.end_gop]
