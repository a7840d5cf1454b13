"""The report as one HTML page that needs nothing else: no network, no script."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from itertools import islice
from pathlib import PurePosixPath

from streamcodec.cli.common import human_bytes

from ..manifest.manifest import Manifest
from ..manifest.rows import FileRow
from .charts import Point, bars, histogram, scatter
from .progress import time_text
from .style import STYLE
from .summary import SAMPLE, Summary, quantile

__all__ = ["page"]

MOST_FAILURES = 200


def page(manifest: Manifest, summary: Summary) -> str:
    """The whole page. Plots show all files that are done, or 4000 of them by chance; the table the first 200 that failed."""
    failures = list(islice(manifest.files("failed"), MOST_FAILURES))
    parts = [
        _head(summary),
        _tiles(summary),
        _charts(summary),
        _errors(summary),
        _failures(summary, failures),
        _settings(summary),
    ]
    meta = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    )
    head = f"<head>{meta}<title>Transcode report</title><style>{STYLE}</style></head>"
    return f'<!doctype html>\n<html lang="en">{head}\n<body><main>{"".join(parts)}</main></body></html>\n'


def _head(summary: Summary) -> str:
    started = datetime.fromtimestamp(summary.run.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<h1>Transcode report</h1><p>Run {summary.run.id}, started {started}, {escape(summary.run.state)}.</p>"


def _tiles(summary: Summary) -> str:
    totals = summary.totals
    tiles = [
        (
            f"{totals.done + totals.kept:,}",
            f"done, {totals.kept:,} of them before" if totals.kept else "files done",
            "good",
        )
    ]
    tiles.append((f"{totals.failed:,}", "failed", "bad" if totals.failed else ""))
    tiles += [(f"{totals.skipped:,}", "skipped", "")] if totals.skipped else []
    tiles += [(f"{totals.pending:,}", "not done", "")] if totals.pending else []
    tiles.append(
        (human_bytes(summary.output_bytes), f"out of {human_bytes(summary.input_bytes)} in", "")
    )
    tiles += [] if summary.bpp is None else [(f"{summary.bpp:.4f}", "bits per pixel", "")]
    tiles.append((f"{summary.frames:,}", "frames", ""))
    tiles += (
        [(f"{summary.frames / summary.seconds:.1f}", "frames per second and worker", "")]
        if summary.seconds
        else []
    )
    tiles += (
        [] if summary.wall_seconds is None else [(time_text(summary.wall_seconds), "wall time", "")]
    )
    return (
        '<div class="tiles">'
        + "".join(
            f'<div class="tile"><b class="{kind}">{value}</b><span>{text}</span></div>'
            for value, text, kind in tiles
        )
        + "</div>"
    )


def _charts(summary: Summary) -> str:
    rates = [row.bpp for row in summary.sample if row.bpp is not None]
    speeds = [row.fps for row in summary.sample if row.fps is not None]
    quality = [
        Point(row.bpp, row.psnr_db, _label(row))
        for row in summary.sample
        if row.bpp is not None and row.psnr_db is not None
    ]
    sizes = [
        Point(row.frames or 0, row.fps, _label(row))
        for row in summary.sample
        if row.fps is not None
    ]
    charts = []
    if rates:
        charts.append(
            _chart("Size", _spread(rates, "bits per pixel"), histogram(rates, "bits per pixel"))
        )
    if quality:
        spread = _spread([point.y for point in quality], "dB")
        charts.append(
            _chart("Quality", spread, scatter(quality, "bits per pixel", "PSNR of RGB, dB"))
        )
    if speeds:
        charts.append(
            _chart(
                "Speed",
                _spread(speeds, "frames per second of one worker"),
                histogram(speeds, "frames per second of one worker"),
            )
        )
        text = "One dot for each file; short files carry the cost of being opened."
        charts.append(
            _chart(
                "Speed and length",
                text,
                scatter(sizes, "frames in the file", "frames per second", y_from_zero=True),
            )
        )
    total = summary.totals.done + summary.totals.kept
    sampled = (
        f"<p>The plots show {SAMPLE:,} of {total:,} files, taken by chance.</p>"
        if total > len(summary.sample)
        else ""
    )
    return (
        f'{sampled}<div class="charts">{"".join(charts)}</div>'
        if charts
        else "<section><p>No file is done yet.</p></section>"
    )


def _chart(title: str, text: str, drawing: str) -> str:
    return f"<section><h2>{title}</h2><p>{text}</p>{drawing}</section>"


def _spread(values: Sequence[float], unit: str) -> str:
    ordered = sorted(values)
    low, middle, high = (quantile(ordered, share) for share in (0.05, 0.5, 0.95))
    return f"Median {middle:.3g} {unit}; nine files in ten from {low:.3g} to {high:.3g}."


def _label(row: FileRow) -> str:
    quality = "" if row.psnr_db is None else f", {row.psnr_db:.2f} dB"
    speed = "" if row.fps is None else f", {row.fps:.1f} fps"
    return f"{PurePosixPath(row.input).name}: {row.bpp or 0:.4f} bpp{quality}{speed}, {row.frames} frames"


def _errors(summary: Summary) -> str:
    if not summary.errors:
        return ""
    text = f"{summary.totals.failed:,} files failed. By kind of error:"
    return f'<div class="rest">{_chart("Failures", text, bars(summary.errors))}</div>'


def _failures(summary: Summary, rows: Sequence[FileRow]) -> str:
    if not rows:
        return ""
    more = (
        f" The first {len(rows)} of {summary.totals.failed:,}; failed.txt has all."
        if len(rows) < summary.totals.failed
        else ""
    )
    lines = "".join(
        f"<tr><td>{escape(row.input)}</td><td>{_error(row)}</td><td>{row.attempts or ''}</td></tr>"
        for row in rows
    )
    return (
        f'<section class="rest"><h2>Failed inputs</h2><p>Try them again: <code>streamcodec transcode failed.txt --out …</code>.{more}</p>'
        f'<table class="failed"><tr><th>input</th><th>error</th><th>workers lost</th></tr>{lines}</table></section>'
    )


def _error(row: FileRow) -> str:
    text = escape(row.error or "unknown")
    return (
        f"<details><summary>{text}</summary><pre>{escape(row.traceback)}</pre></details>"
        if row.traceback
        else text
    )


def _settings(summary: Summary) -> str:
    rows = [
        ("settings", _readable(summary.run.settings)),
        ("models", _readable(summary.run.models)),
        ("arguments", _readable(summary.run.arguments)),
        ("driver", summary.run.driver),
    ]
    lines = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<section class="rest"><h2>Conditions</h2><table>{lines}</table></section>'


def _readable(text: str) -> str:
    """JSON for people, without what was left open."""
    values = json.loads(text)
    if isinstance(values, dict):
        return ", ".join(
            f"{name.replace('_', ' ')} {_word(value)}"
            for name, value in values.items()
            if value is not None
        )
    return ", ".join(map(str, values))


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
