"""The report as one HTML page that needs nothing else, and no network. report.html.j2 says what it
looks like, sorting.js sorts its table."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from streamcodec.text import human_bytes, shown, time_text

from ...pages.render import render
from ...plots import can_draw, histogram, inline_svg, scatter
from ..manifest.manifest import Manifest
from ..manifest.rows import FileRow
from .listed import folder_of
from .summary import Summary, quantile
from .thumbnails import ReadPicture, thumbnails

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["page"]

MOST_FAILURES = 200
MOST_DOTS = 1000
TEMPLATE = Path(__file__).with_name("report.html.j2")
FPS = "frames per second of one worker"


@dataclass(frozen=True)
class Tile:
    """A figure at the top of the page. `kind`: "good", "bad" or ""."""

    value: str
    text: str
    kind: str = ""


@dataclass(frozen=True)
class Chart:
    """`svg`: an element."""

    title: str
    text: str
    svg: str


@dataclass(frozen=True)
class Cell:
    """Of a table of figures. `value`: what the column is sorted by; None sorts behind."""

    text: str
    value: float | None


@dataclass(frozen=True)
class Line:
    """A file that is done. `picture`: a data: URI, or empty."""

    name: str
    picture: str
    notes: tuple[str, ...]
    cells: tuple[Cell, ...]


HEADINGS = (
    "frames",
    "size",
    "in",
    "out",
    "of input",
    "bits per pixel",
    "PSNR, dB",
    "seconds",
    "frames per second",
    "workers lost",
)


def page(manifest: Manifest, summary: Summary, read_picture: ReadPicture | None = None) -> str:
    """The whole page.

    Charts show all files that are done, or a random sample of them and those that stand out; without
    matplotlib there are none. The tables have the files that are done, of more than 200 the worst by
    PSNR and bits per pixel, and the first 200 that failed; 50 of them have a picture, which
    `read_picture` makes.
    """
    folder = folder_of(row.input for row in (*summary.listed, *summary.sample))
    pictures: dict[str, str] = {}
    if read_picture is not None:
        pictures = thumbnails((row.output for row in summary.listed), read_picture)
    return render(
        TEMPLATE,
        summary=summary,
        started=datetime.fromtimestamp(summary.run.started, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        tiles=list(_tiles(summary)),
        charts=list(_charts(summary, folder)) if can_draw() else None,
        folder=shown(folder),
        headings=HEADINGS,
        lines=[_line(row, folder, pictures.get(row.output, "")) for row in summary.listed],
        failures=list(islice(manifest.files("failed"), MOST_FAILURES)),
        conditions=_conditions(summary),
    )


def _tiles(summary: Summary) -> Iterator[Tile]:
    totals = summary.totals
    done = f"done, {totals.kept:,} of them before" if totals.kept else "files done"
    yield Tile(f"{totals.done + totals.kept:,}", done, "good")
    yield Tile(f"{totals.failed:,}", "failed", "bad" if totals.failed else "")
    if totals.skipped:
        yield Tile(f"{totals.skipped:,}", "skipped")
    if totals.pending:
        yield Tile(f"{totals.pending:,}", "not done")
    yield Tile(human_bytes(summary.output_bytes), f"out of {human_bytes(summary.input_bytes)} in")
    if summary.bpp is not None:
        yield Tile(f"{summary.bpp:.4f}", "bits per pixel")
    yield Tile(f"{summary.frames:,}", "frames")
    if summary.seconds:
        yield Tile(f"{summary.frames / summary.seconds:.1f}", "frames per second and worker")
    if summary.wall_seconds is not None:
        runs = summary.work.runs
        yield Tile(
            time_text(summary.wall_seconds), f"wall time{'' if runs == 1 else f', {runs} runs'}"
        )


def _line(row: FileRow, folder: str, picture: str) -> Line:
    share = row.output_bytes / row.input_bytes if row.output_bytes and row.input_bytes else None
    pixels = (row.width or 0) * (row.height or 0)
    cells = (
        Cell(f"{row.frames or 0:,}", row.frames),
        Cell(f"{row.width}x{row.height}" if pixels else "", pixels),
        Cell(human_bytes(row.input_bytes), row.input_bytes),
        Cell(human_bytes(row.output_bytes or 0), row.output_bytes),
        Cell("" if share is None else f"{share:.1%}", share),
        Cell("" if row.bpp is None else f"{row.bpp:.4f}", row.bpp),
        Cell("" if row.psnr_db is None else f"{row.psnr_db:.2f}", row.psnr_db),
        Cell("" if row.seconds is None else f"{row.seconds:.1f}", row.seconds),
        Cell("" if row.fps is None else f"{row.fps:.1f}", row.fps),
        Cell(str(row.attempts or ""), row.attempts),
    )
    notes = tuple((row.notes or "").splitlines())
    return Line(_name(row, folder), picture, notes, cells)


def _name(row: FileRow, folder: str) -> str:
    return shown(row.input.removeprefix(folder))


def _charts(summary: Summary, folder: str) -> Iterator[Chart]:
    rows = summary.sample
    dots = {row.output: row for row in (*summary.listed, *rows[:MOST_DOTS])}.values()
    rates = [row.bpp for row in rows if row.bpp is not None]
    speeds = [row.fps for row in rows if row.fps is not None]
    judged = [row for row in dots if row.bpp and row.psnr_db is not None]
    timed = [row for row in dots if row.fps is not None]
    if rates:
        text = _spread(rates, "bits per pixel")
        yield _chart("Size", text, histogram(rates, "bits per pixel"))
    if judged:
        text = _spread([row.psnr_db for row in rows if row.psnr_db is not None], "dB")
        points = [(row.bpp or 0.0, row.psnr_db or 0.0) for row in judged]
        names = [
            f"{_name(row, folder)}\n{row.bpp:.4f} bits per pixel, {row.psnr_db:.2f} dB"
            for row in judged
        ]
        yield _chart("Quality", text, scatter(points, "bits per pixel", "PSNR, dB"), names)
    if speeds:
        yield _chart("Speed", _spread(speeds, FPS), histogram(speeds, FPS))
        text = "One dot for each file; short files carry the cost of being opened."
        points = [(row.frames or 0, row.fps or 0.0) for row in timed]
        names = [
            f"{_name(row, folder)}\n{row.frames:,} frames, {row.fps:.1f} per second"
            for row in timed
        ]
        figure = scatter(points, "frames in the file", "frames per second", y_from_zero=True)
        yield _chart("Speed and length", text, figure, names)


def _chart(title: str, text: str, figure: "Figure", names: Sequence[str] = ()) -> Chart:
    return Chart(title, text, inline_svg(figure, title, names))


def _spread(values: Sequence[float], unit: str) -> str:
    ordered = sorted(values)
    low, middle, high = (quantile(ordered, share) for share in (0.05, 0.5, 0.95))
    return f"Median {middle:.3g} {unit}; nine files in ten from {low:.3g} to {high:.3g}."


def _conditions(summary: Summary) -> dict[str, str]:
    run = summary.run
    texts = {"settings": run.settings, "models": run.models, "arguments": run.arguments}
    return {name: _readable(text) for name, text in texts.items()} | {"driver": run.driver}


def _readable(text: str) -> str:
    """JSON for people, without what was left open."""
    values = json.loads(text)
    if not isinstance(values, dict):
        return ", ".join(map(str, values))
    words = {True: "yes", False: "no"}
    return ", ".join(
        f"{name.replace('_', ' ')} {words[value] if isinstance(value, bool) else value}"
        for name, value in values.items()
        if value is not None
    )
