"""Rate-distortion curves as SVG and PNG."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, LogLocator, NullFormatter

from ..plots import grid, new_figure, save
from .rows import Row
from .tables import Metric, Point, decibels, metrics_of, names, points

__all__ = ["draw", "mean_curves"]

STYLES = {
    "x264 zerolatency": ("#d95f02", "--", "s"),
    "x264": ("#d95f02", "-", "s"),
    "x265 zerolatency": ("#1b7837", "--", "^"),
    "x265": ("#1b7837", "-", "^"),
    "svt-av1": ("#666666", "-", "D"),
}
OUR_COLORS = ("#1f4fbf", "#7b3294", "#008b9a", "#b2182b")
SIMILARITIES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)

Curves = dict[str, list[Point]]


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """One figure for every clip and metric, and one of the means over the clips; returns the PNG
    files, the means first."""
    clips = names(rows, "clip")
    files = []
    for metric in metrics_of(rows):
        if len(clips) > 1:
            files.append(
                _save(
                    rows,
                    metric,
                    folder,
                    "mean",
                    f"mean of {len(clips)} clips",
                    mean_curves(rows, metric),
                )
            )
        for clip in clips:
            first = next(row for row in rows if row.clip == clip)
            title = f"{clip}, {first.width}x{first.height}, {first.frames} frames"
            curves = {codec: points(rows, clip, codec, metric) for codec in names(rows, "codec")}
            files.append(_save(rows, metric, folder, clip, title, curves))
    return files


def mean_curves(rows: Sequence[Row], metric: Metric) -> Curves:
    """At every setting that a codec has for all clips: the means over the clips of bits per pixel
    and of quality."""
    clips = names(rows, "clip")
    settings: dict[str, dict[int, list[Point]]] = {
        codec: defaultdict(list) for codec in names(rows, "codec")
    }
    for row in rows:
        quality = metric.of(row)
        if quality is not None:
            settings[row.codec][row.setting].append((row.bpp, quality))
    return {
        codec: sorted(
            (fmean(bpp for bpp, _ in part), fmean(quality for _, quality in part))
            for part in found.values()
            if len(part) == len(clips)
        )
        for codec, found in settings.items()
    }


def _save(
    rows: Sequence[Row], metric: Metric, folder: Path, name: str, title: str, curves: Curves
) -> Path:
    figure, axes = new_figure(7.2, 5.2)
    colors = iter(OUR_COLORS * len(curves))
    for codec, curve in curves.items():
        if curve:
            color, line, marker = STYLES[codec] if codec in STYLES else (next(colors), "-", "o")
            width = 1.3 if codec in STYLES else 2.4
            axes.plot(
                *zip(*curve, strict=True),
                line,
                color=color,
                marker=marker,
                markersize=2 + 2 * width,
                linewidth=width,
                label=codec,
            )
    gop = "/".join(str(gop) for gop in sorted({row.gop for row in rows}))
    axes.set_title(f"{title}, GOP {gop}", fontsize=11)
    axes.set_ylabel(metric.label)
    _scale_rate(axes)
    if metric.name == "ms-ssim":
        _mark_similarity(axes)
    axes.legend(loc="lower right", frameon=True)
    png = folder / f"{name}-{metric.name}.png"
    save(figure, png, name)
    return png


def _scale_rate(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlabel("bits per pixel (logarithmic)")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    grid(axes, "#d8d8d8")


def _mark_similarity(axes: Axes) -> None:
    """The values themselves on the right, where the axis has their logarithm."""
    low, high = axes.get_ylim()
    shown = [value for value in SIMILARITIES if low <= decibels(value) <= high]
    right = axes.twinx()
    right.set_ylim(low, high)
    right.yaxis.set_major_locator(FixedLocator([decibels(value) for value in shown]))
    right.yaxis.set_major_formatter(FixedFormatter([f"{value:g}" for value in shown]))
    right.set_ylabel("MS-SSIM")
