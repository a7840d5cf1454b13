"""The report as one HTML page that needs nothing else: no network, no script. report.html.j2 says
what it looks like."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from streamcodec.text import human_bytes, time_text

from ...pages.render import render
from ...plots import can_draw, histogram, scatter, svg_of
from ..manifest.manifest import Manifest
from .summary import Summary, quantile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["page"]

MOST_FAILURES = 200
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
    """`image`: a data: URL."""

    title: str
    text: str
    image: str


def page(manifest: Manifest, summary: Summary) -> str:
    """The whole page.

    Charts show all files that are done, or a random sample of them; without matplotlib there are
    none. The table has the first 200 files that failed.
    """
    return render(
        TEMPLATE,
        summary=summary,
        started=datetime.fromtimestamp(summary.run.started, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        tiles=list(_tiles(summary)),
        charts=list(_charts(summary)) if can_draw() else None,
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
        yield Tile(time_text(summary.wall_seconds), "wall time")


def _charts(summary: Summary) -> Iterator[Chart]:
    rows = summary.sample
    rates = [row.bpp for row in rows if row.bpp is not None]
    speeds = [row.fps for row in rows if row.fps is not None]
    quality = [(row.bpp, row.psnr_db) for row in rows if row.bpp and row.psnr_db is not None]
    lengths = [(row.frames or 0, row.fps) for row in rows if row.fps is not None]
    if rates:
        text = _spread(rates, "bits per pixel")
        yield _chart("Size", text, histogram(rates, "bits per pixel"))
    if quality:
        text = _spread([psnr_db for _, psnr_db in quality], "dB")
        yield _chart("Quality", text, scatter(quality, "bits per pixel", "PSNR, dB"))
    if speeds:
        yield _chart("Speed", _spread(speeds, FPS), histogram(speeds, FPS))
        text = "One dot for each file; short files carry the cost of being opened."
        dots = scatter(lengths, "frames in the file", "frames per second", y_from_zero=True)
        yield _chart("Speed and length", text, dots)


def _chart(title: str, text: str, figure: "Figure") -> Chart:
    data = b64encode(svg_of(figure, title)).decode()
    return Chart(title, text, f"data:image/svg+xml;base64,{data}")


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
