"""Figures by matplotlib, alike in all reports; part of the extra `report`."""

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from streamcodec.errors import NotInstalledError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["can_draw", "grid", "histogram", "new_figure", "save", "scatter", "svg_of"]

GRID = "#b8c0c8"
INK = "#7a8795"  # readable on a light and on a dark page
MARK = "#2f6fb3"
BINS = 40
MANY = 800
"""Points from which on dots are drawn smaller."""


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def new_figure(width: float, height: float) -> tuple["Figure", "Axes"]:
    """An empty figure; sizes in inches. Raises NotInstalledError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NotInstalledError(
            f"figures need matplotlib ({error}): pip install 'streamcodec[report]'"
        ) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def grid(axes: "Axes", color: str = GRID) -> None:
    """Thin lines behind the data, at major ticks."""
    axes.grid(which="major", color=color, linewidth=0.7)
    axes.set_axisbelow(True)


def histogram(values: Sequence[float], x_label: str) -> "Figure":
    """How many files have which value, from 0 on, with the median. At least one value."""
    figure, axes = _chart(x_label, "files")
    from matplotlib.ticker import MaxNLocator

    axes.hist(values, bins=BINS, range=(0.0, max(values) or 1.0), color=MARK)
    middle = sorted(values)[len(values) // 2]
    axes.axvline(middle, color=INK, linestyle="--", label=f"median {middle:.3g}")
    axes.legend(frameon=False, labelcolor=INK)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def scatter(
    points: Sequence[tuple[float, float]], x_label: str, y_label: str, *, y_from_zero: bool = False
) -> "Figure":
    """One dot for each point (x, y); x from 0. At least one point."""
    figure, axes = _chart(x_label, y_label)
    x, y = zip(*points, strict=True)
    axes.scatter(x, y, s=5 if len(points) > MANY else 12, color=MARK, alpha=0.45, linewidths=0)
    axes.set_xlim(left=0)
    if y_from_zero:
        axes.set_ylim(bottom=0)
    return figure


def _chart(x_label: str, y_label: str) -> tuple["Figure", "Axes"]:
    figure, axes = new_figure(5.6, 3.0)
    axes.set_xlabel(x_label, color=INK)
    axes.set_ylabel(y_label, color=INK)
    axes.tick_params(colors=INK)
    axes.spines[:].set_color(INK)
    axes.spines[["top", "right"]].set_visible(False)
    grid(axes)
    return figure, axes


def svg_of(figure: "Figure", name: str) -> bytes:
    """The figure as SVG on a transparent ground: the same bytes for the same data and name."""
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return out.getvalue()


def save(figure: "Figure", png: Path, name: str) -> None:
    """Write `png`, and the same figure as SVG beside it."""
    import matplotlib as mpl

    figure.savefig(png, dpi=130)
    with mpl.rc_context({"svg.hashsalt": name}):  # the same file for the same curves
        figure.savefig(png.with_suffix(".svg"), metadata={"Date": None})
