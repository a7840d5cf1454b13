"""Figures by matplotlib, alike in all reports; part of the extra `report`."""

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from xml.dom.minidom import Element, parseString

from streamcodec.errors import NotInstalledError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["can_draw", "grid", "histogram", "inline_svg", "new_figure", "save", "scatter"]

GRID = "#b8c0c8"
INK = "#7a8795"  # readable on a light and on a dark page
MARK = "#2f6fb3"
BINS = 40
MANY = 800
"""Points from which on dots are drawn smaller."""
DOTS = "dots"
PAGE_COLORS = {GRID: "--line", INK: "--soft", MARK: "--accent"}
"""Of pages/base.html.j2, which has them for light and dark screens."""


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
    size = 8 if len(points) > MANY else 18
    axes.scatter(x, y, s=size, color=MARK, alpha=0.6, linewidths=0, gid=DOTS)
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


def inline_svg(figure: "Figure", name: str, titles: Sequence[str] = ()) -> str:
    """The figure as an <svg> element of an HTML page, on a transparent ground: the same text for the
    same data and name, which tells it from the page's other figures. `titles`: what shows over each
    dot of a `scatter`, in the order of its points."""
    import matplotlib as mpl

    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    svg = parseString(out.getvalue()).documentElement
    assert svg is not None
    for element in [svg, *svg.getElementsByTagName("*")]:
        _inline(element, titles)
    text = str(svg.toxml())
    for color, variable in PAGE_COLORS.items():
        text = text.replace(color, f"var({variable})")
    return text


def _inline(element: Element, titles: Sequence[str]) -> None:
    """Make an element fit to stand in a page: there are no namespaces, and nothing but shapes is
    referred to by id."""
    match element.tagName:
        case "metadata" | "style" if element.parentNode is not None:
            element.parentNode.removeChild(element)
        case "svg":
            for name in ("xmlns", "xmlns:xlink"):
                element.removeAttribute(name)
        case "use":
            element.setAttribute("href", element.getAttribute("xlink:href"))
            element.removeAttribute("xlink:href")
        case "g":
            if element.getAttribute("id") == DOTS:
                _name_dots(element, titles)
            if element.hasAttribute("id"):
                element.removeAttribute("id")


def _name_dots(dots: Element, titles: Sequence[str]) -> None:
    """Give each dot what a browser shows while the mouse is over it."""
    document = dots.ownerDocument
    assert document is not None
    for dot, text in zip(dots.getElementsByTagName("use"), titles, strict=False):
        title = document.createElement("title")
        title.appendChild(document.createTextNode(text))
        dot.appendChild(title)


def save(figure: "Figure", png: Path, name: str) -> None:
    """Write `png`, and the same figure as SVG beside it."""
    import matplotlib as mpl

    figure.savefig(png, dpi=130)
    with mpl.rc_context({"svg.hashsalt": name}):  # the same file for the same curves
        figure.savefig(png.with_suffix(".svg"), metadata={"Date": None})
