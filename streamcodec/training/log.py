"""The log of a run: one JSON object a line, TensorBoard's files where that is installed, and
lines for people."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from streamcodec.checks import json_lines, parse_json_lines
from streamcodec.files import append_text, replace_on_success

__all__ = ["LOG", "TrainingLog", "in_words", "read_rows"]

LOG, BOARD = "log.jsonl", "tensorboard"
NO_BOARD = (
    "TensorBoard is not installed (pip install 'streamcodec[train]'): the log is log.jsonl alone"
)


class TrainingLog:
    """Rows of a run in `folder` that stands at `step` of `steps`. `report` gets the lines for
    people.

    Rows of later steps are cut off: they were lost with a state that was not saved, and come again.
    """

    def __init__(
        self,
        folder: Path,
        step: int,
        steps: int,
        report: Callable[[str], None],
        *,
        tensorboard: bool,
    ) -> None:
        self._steps, self._report = steps, report
        self._path = folder / LOG
        rows = [row for row in read_rows(self._path) if row["step"] <= step]
        with replace_on_success(self._path, overwrite=True) as part:
            append_text(part, json_lines(rows))
        self._board = _open_board(folder / BOARD, step, report) if tensorboard else None
        self._begun = self._marked = time.monotonic()
        self._marked_step = step

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """A row of `figures`, and how fast the steps since the last row were."""
        now = time.monotonic()
        rate = (step - self._marked_step) / max(now - self._marked, 1e-9)
        row = {
            "step": step,
            "seconds": round(now - self._begun, 1),
            "steps_per_second": round(rate, 3),
            **figures,
        }
        append_text(self._path, json_lines([row]))
        self._report(in_words(row, self._steps))
        if self._board is not None:
            for name, value in row.items():
                self._board.add_scalar(name.replace("held_", "held/"), value, step)
            self._board.flush()
        self._marked, self._marked_step = time.monotonic(), step

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._board is not None:
            self._board.close()


def in_words(row: Mapping[str, float], steps: int) -> str:
    """Such as: step 120/600  loss 0.6412 (Y 39.21, C 44.20 dB, 0.3275 bpp)  5.23 steps/s ..."""
    parts = [f"step {row['step']}/{steps}"]
    for prefix, title in (("", "loss"), ("held_", "held")):
        if f"{prefix}loss" in row:
            loss, luma, chroma, bpp = (
                row[f"{prefix}{name}"] for name in ("loss", "luma_db", "chroma_db", "bpp")
            )
            parts.append(f"{title} {loss:.4f} (Y {luma:.2f}, C {chroma:.2f} dB, {bpp:.4f} bpp)")
    left = round((steps - row["step"]) / max(row["steps_per_second"], 1e-9))
    parts += [
        f"{row['steps_per_second']:.2f} steps/s",
        f"{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left",
    ]
    return "  ".join(parts)


def read_rows(path: Path) -> list[dict[str, float]]:
    """The rows of a log, if there is one, up to a line that was cut off."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return list(parse_json_lines(lines, damaged="stop"))


def _open_board(folder: Path, step: int, report: Callable[[str], None]) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        report(NO_BOARD)
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)
