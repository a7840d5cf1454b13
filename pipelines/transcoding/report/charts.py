"""Charts as SVG text: what a page of figures needs, drawn without a library."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

__all__ = ["Point", "bars", "histogram", "scatter", "ticks"]

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 44
BINS = 40


@dataclass(frozen=True, slots=True)
class Point:
    """`label` shows when the pointer rests on it."""

    x: float
    y: float
    label: str


def histogram(values: Sequence[float], x_label: str, y_label: str = "files") -> str:
    """How often which values come; linear axes from 0. At least one value."""
    top = ticks(0.0, max(values) or 1.0)[-1]
    counts = [0] * BINS
    for value in values:
        counts[min(int(BINS * value / top), BINS - 1)] += 1
    chart = _Chart((0.0, top), (0.0, max(counts)), x_label, y_label, whole_y=True)
    width = chart.x(top / BINS) - chart.x(0.0)
    shapes = [
        f'<rect class="mark" x="{chart.x(top * index / BINS) + 0.5:.1f}" y="{chart.y(count):.1f}" width="{width - 1:.1f}" '
        f'height="{chart.y(0) - chart.y(count):.1f}"><title>{_bounds(top, index)}: {count}</title></rect>'
        for index, count in enumerate(counts)
        if count
    ]
    middle = sorted(values)[len(values) // 2]
    line = f'<line class="middle" x1="{chart.x(middle):.1f}" x2="{chart.x(middle):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
    side, offset = ("start", 5) if middle < 0.75 * top else ("end", -5)
    text = f'<text class="middle-text" x="{chart.x(middle) + offset:.1f}" y="{TOP + 11}" text-anchor="{side}">median {middle:.3g}</text>'
    return chart.draw([*shapes, line, text])


def _bounds(top: float, index: int) -> str:
    return f"{top * index / BINS:.3g} to {top * (index + 1) / BINS:.3g}"


def scatter(
    points: Sequence[Point], x_label: str, y_label: str, *, y_from_zero: bool = False
) -> str:
    """One dot for each point; x from 0. At least one point."""
    low, high = min(point.y for point in points), max(point.y for point in points)
    if y_from_zero or low == high:
        low = 0.0
    chart = _Chart((0.0, max(point.x for point in points)), (low, high), x_label, y_label)
    radius = 2.2 if len(points) > 800 else 3.2
    shapes = [
        f'<circle class="dot" cx="{chart.x(point.x):.1f}" cy="{chart.y(point.y):.1f}" r="{radius}">'
        f"<title>{escape(point.label)}</title></circle>"
        for point in points
    ]
    return chart.draw(shapes)


def bars(counts: Sequence[tuple[str, int]]) -> str:
    """Named counts, one under the other. At least one."""
    most, row, names = max(count for _, count in counts), 30, 210
    shapes = []
    for index, (name, count) in enumerate(counts):
        y, length = index * row + 4, (WIDTH - names - 60) * count / most
        short = name if len(name) <= 32 else f"{name[:31]}…"
        shapes.append(
            f'<text x="{names - 8}" y="{y + 15}" text-anchor="end">{escape(short)}</text>'
        )
        shapes.append(
            f'<rect class="bad" x="{names}" y="{y}" width="{length:.1f}" height="20"><title>{escape(name)}</title></rect>'
        )
        shapes.append(f'<text x="{names + length + 6:.1f}" y="{y + 15}">{count}</text>')
    return _svg(shapes, len(counts) * row + 4)


def ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, at steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / (most - 1) or abs(high) or 1.0
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    return [index * step for index in range(floor(low / step + 1e-9), ceil(high / step - 1e-9) + 1)]


class _Chart:
    """Axes, and where values lie on them in pixels."""

    def __init__(
        self,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        x_label: str,
        y_label: str,
        *,
        whole_y: bool = False,
    ) -> None:
        self._x_ticks = ticks(*x_range)
        self._y_ticks = [tick for tick in ticks(*y_range, 6) if not whole_y or tick == int(tick)]
        self._labels = (x_label, y_label)
        self.x = _scale(self._x_ticks[0], self._x_ticks[-1], LEFT, WIDTH - RIGHT)
        self.y = _scale(self._y_ticks[0], max(self._y_ticks[-1], y_range[1]), HEIGHT - BOTTOM, TOP)

    def draw(self, shapes: Sequence[str]) -> str:
        return _svg([*self._grid(), *shapes, *self._names()], HEIGHT)

    def _grid(self) -> list[str]:
        floor_y, lines = HEIGHT - BOTTOM, []
        for tick in self._y_ticks:
            lines.append(
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.y(tick):.1f}" y2="{self.y(tick):.1f}"/>'
            )
            lines.append(
                f'<text x="{LEFT - 8}" y="{self.y(tick) + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
            )
        for tick in self._x_ticks:
            lines.append(
                f'<line class="axis" x1="{self.x(tick):.1f}" x2="{self.x(tick):.1f}" y1="{floor_y}" y2="{floor_y + 5}"/>'
            )
            lines.append(
                f'<text x="{self.x(tick):.1f}" y="{floor_y + 18}" text-anchor="middle">{_number(tick)}</text>'
            )
        return [
            *lines,
            f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor_y}" y2="{floor_y}"/>',
        ]

    def _names(self) -> list[str]:
        x_label, y_label = map(escape, self._labels)
        middle = TOP + (HEIGHT - BOTTOM - TOP) / 2
        return [
            f'<text class="name" x="{LEFT + (WIDTH - LEFT - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}</text>',
            f'<text class="name" transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{y_label}</text>',
        ]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    span = high - low or 1.0
    return lambda value: start + (end - start) * (value - low) / span


def _number(value: float) -> str:
    """As short as it can be read: 0, 0.05, 12, 3k, 1.5M."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.4g}{unit}"
    return f"{value:.4g}"


def _svg(shapes: Sequence[str], height: float) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" xmlns="http://www.w3.org/2000/svg">{"".join(shapes)}</svg>'
