"""The log of a run: one JSON object per line, TensorBoard's files where that is installed, and lines for people."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streamcodec.training.loop import Trainer
from streamcodec.training.pictures import picture_sheet

__all__ = ["LOG", "Journal", "read_rows", "sum_up"]

LOG, BOARD = "log.jsonl", "tensorboard"
NO_BOARD = "TensorBoard is not installed (pip install 'streamcodec[train]'): the log is log.jsonl alone"
KINDS = ("image", "flow", "motion", "residual")


class Journal:
    """Rows of running means every `log_every` steps, pictures every `pictures_every`, in `folder`. `report` gets the lines.

    What the log holds of steps after the trainer's is cut off: they were lost with a state that was not saved, and come again.
    """

    def __init__(self, folder: Path, trainer: Trainer, report: Callable[[str], None], *, tensorboard: bool) -> None:
        self._trainer, self._report = trainer, report
        self._file = _open_log(folder / LOG, trainer.step_count)
        self._board = _open_board(folder / BOARD, trainer.step_count, report) if tensorboard else None
        self._begun = self._marked = time.monotonic()
        self._marked_step = trainer.step_count

    def note(self) -> None:
        """Call after every step."""
        step, config = self._trainer.step_count, self._trainer.config
        if step % config.log_every == 0:
            self._write_row(step)
        if self._board is not None and config.pictures_every and step % config.pictures_every == 0:
            self._board.add_image("source, prediction, flow, reconstruction", picture_sheet(self._trainer), step)

    def _write_row(self, step: int) -> None:
        now = time.monotonic()
        rate = (step - self._marked_step) / max(now - self._marked, 1e-9)
        self._marked, self._marked_step = now, step
        row = {"step": step, "seconds": round(now - self._begun, 1), "steps_per_second": rate, "lr": self._trainer.lr}
        row |= self._trainer.means
        print(json.dumps(row), file=self._file, flush=True)
        self._report(sum_up(row, self._trainer.config.steps))
        if self._board is not None:
            for name, value in row.items():
                if name not in ("step", "seconds"):
                    self._board.add_scalar(_tag(name), value, step)
            self._board.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()


def sum_up(row: dict[str, float], steps: int) -> str:
    """One line for people: "step 120/600  flow loss 0.41 (31.2 dB; motion 0.02, residual 0.07 bpp)  1.23 steps/s  6:30 left"."""
    parts = [f"step {row['step']}/{steps}"]
    for kind in KINDS:
        if f"{kind}_loss" in row:
            latents = ("motion", "residual") if kind == "flow" else (kind,)
            psnr = f"{row[f'{kind}_psnr_db']:.2f} dB; " if f"{kind}_psnr_db" in row else ""
            rate = ", ".join(f"{name} {row[f'{name}_bpp']:.4f}" for name in latents)
            parts.append(f"{kind} loss {row[f'{kind}_loss']:.4f} ({psnr}{rate} bpp)")
    left = round((steps - row["step"]) / max(row["steps_per_second"], 1e-9))
    hours, minutes = left // 3600, left // 60 % 60
    parts += [f"{row['steps_per_second']:.2f} steps/s", f"{hours}:{minutes:02d}:{left % 60:02d} left"]
    return "  ".join(parts)


def read_rows(path: Path) -> list[dict[str, float]]:
    """The rows of a log, if there is one, up to a line that was cut off."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _open_log(path: Path, step: int) -> Any:
    """Opened at the end of the rows up to `step`."""
    partial = path.with_suffix(".part")
    partial.write_text("".join(f"{json.dumps(row)}\n" for row in read_rows(path) if row["step"] <= step), encoding="utf-8")
    partial.replace(path)
    return path.open("a", encoding="utf-8")


def _open_board(folder: Path, step: int, report: Callable[[str], None]) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        report(NO_BOARD)
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)


def _tag(name: str) -> str:
    """flow_psnr_db -> psnr_db/flow, so that what is alike is drawn beside each other."""
    kind, _, figure = name.partition("_")
    return f"{figure}/{kind}" if kind in KINDS else f"run/{name}"
