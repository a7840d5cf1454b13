"""Rows as Markdown: BD-rates, quality along a GOP, and all points of every clip."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from streamcodec.errors import NotInstalledError, UsageError
from streamcodec.metrics import BdRate, RateCurve, bd_rate

from .anchors import ANCHORS
from .rows import Row

__all__ = [
    "METRICS",
    "Metric",
    "Point",
    "bd_rates",
    "bd_table",
    "chroma_table",
    "decibels",
    "drop_table",
    "metrics_of",
    "names",
    "points",
    "points_table",
]

Point = tuple[float, float]


@dataclass(frozen=True)
class Metric:
    """A measure of quality, in dB, with its name in file names and in words. None where a row was
    measured without it."""

    name: str
    label: str
    of: Callable[[Row], float | None]


def decibels(similarity: float) -> float:
    """-10 log10(1 - MS-SSIM): what is left to perfection, on a scale where curves are nearly
    straight."""
    return math.inf if similarity >= 1 else -10 * math.log10(1 - similarity)


def _plane(number: int) -> Callable[[Row], float | None]:
    """PSNR of Y, U or V."""
    return lambda row: None if row.psnr_planes_db is None else row.psnr_planes_db[number]


METRICS = (
    Metric("psnr", "PSNR of YUV (6:1:1), dB", lambda row: row.mean_psnr_yuv_db),
    *(
        Metric(f"psnr-{name.lower()}", f"PSNR of {name}, dB", _plane(at))
        for at, name in enumerate("YUV")
    ),
    Metric("psnr-rgb", "PSNR of RGB, dB", lambda row: row.psnr_rgb_db),
    Metric("ms-ssim", "MS-SSIM of luma, −10 log10(1 − x), dB", lambda row: decibels(row.ms_ssim)),  # noqa: RUF001
)


def metrics_of(rows: Sequence[Row]) -> list[Metric]:
    """Those that any of the rows has."""
    return [metric for metric in METRICS if any(metric.of(row) is not None for row in rows)]


def names(rows: Iterable[Row], part: str) -> list[str]:
    """The clips or codecs of rows, in order of first appearance."""
    return list(dict.fromkeys(getattr(row, part) for row in rows))


def select(rows: Iterable[Row], clip: str, codec: str) -> list[Row]:
    """One codec's rows for one clip, by rate."""
    return sorted(
        (row for row in rows if (row.clip, row.codec) == (clip, codec)), key=lambda row: row.bpp
    )


def points(rows: Iterable[Row], clip: str, codec: str, metric: Metric) -> list[Point]:
    """(bits per pixel, quality) of the rows that have this metric, by rate."""
    pairs = ((row.bpp, metric.of(row)) for row in select(rows, clip, codec))
    return [(bpp, quality) for bpp, quality in pairs if quality is not None]


def bd_rates(
    rows: Sequence[Row], anchor: str, test: str, metric: Metric
) -> dict[str, BdRate | str]:
    """For every clip that both have: the BD-rate, or why there is none."""
    found: dict[str, BdRate | str] = {}
    for clip in names(rows, "clip"):
        curves = [points(rows, clip, codec, metric) for codec in (anchor, test)]
        if all(curves):
            try:
                found[clip] = bd_rate(*(RateCurve(tuple(curve)) for curve in curves))
            except (UsageError, NotInstalledError) as error:
                found[clip] = str(error)
    return found


def bd_table(rows: Sequence[Row], test: str, metric: Metric) -> str:
    """Clips down, anchors across; below, the means of the clips' percentages, and why some have
    none."""
    anchors = [codec for codec in names(rows, "codec") if codec in ANCHORS]
    columns = [bd_rates(rows, anchor, test, metric) for anchor in anchors]
    clips = [clip for clip in names(rows, "clip") if any(clip in column for column in columns)]
    lines = [_line(["clip", *anchors]), _rule(1 + len(anchors))]
    notes: list[str] = []
    for clip in clips:
        lines.append(_line([clip, *(_bd_cell(column.get(clip), notes) for column in columns)]))
    if len(clips) > 1:
        lines.append(_line(["**mean**", *(_mean_cell(column, clips) for column in columns)]))
    return "\n".join(
        lines + [""] + [f"[{number}] {note}  " for number, note in enumerate(notes, 1)]
    ).rstrip()


def _bd_cell(value: BdRate | str | None, notes: list[str]) -> str:
    if value is None:
        return "-"
    if isinstance(value, BdRate):
        return f"{value.percent:+.1f} % ({value.low:.1f} to {value.high:.1f} dB)"
    if value not in notes:
        notes.append(value)
    return f"- [{notes.index(value) + 1}]"


def _mean_cell(column: dict[str, BdRate | str], clips: Sequence[str]) -> str:
    percents = [value.percent for value in column.values() if isinstance(value, BdRate)]
    if not percents:
        return "-"
    return f"**{fmean(percents):+.1f} %**" + (
        f" ({len(percents)} of {len(clips)} clips)" if len(percents) < len(clips) else ""
    )


def chroma_table(rows: Sequence[Row], test: str) -> str:
    """U and V beside the anchors' at equal PSNR of Y, by linear interpolation between two of the
    anchor's points: clips and settings down, anchors across. Empty without rows that have them."""
    tested = [row for row in rows if row.codec == test and row.psnr_planes_db is not None]
    anchors = [codec for codec in names(rows, "codec") if codec in ANCHORS]
    if not tested or not anchors:
        return ""
    heads = ("clip", "setting", "bpp", "Y, dB", "U, dB", "V, dB")
    lines = [_line([*heads, *(f"{anchor}: bits, U, V" for anchor in anchors)])]
    lines.append(_rule(len(heads) + len(anchors)))
    for row in sorted(tested, key=lambda row: (row.clip, row.bpp)):
        assert row.psnr_planes_db is not None
        planes = [f"{value:.2f}" for value in row.psnr_planes_db]
        beside = [_beside(row, select(rows, row.clip, anchor)) for anchor in anchors]
        lines.append(_line([row.clip, str(row.setting), f"{row.bpp:.4f}", *planes, *beside]))
    return "\n".join(lines)


def _beside(row: Row, anchor: Sequence[Row]) -> str:
    """What a row has more (+) or less than the anchor at its PSNR of Y."""
    known = [(*each.psnr_planes_db, each.bpp) for each in anchor if each.psnr_planes_db]
    assert row.psnr_planes_db is not None
    luma, u, v = row.psnr_planes_db
    for low, high in pairwise(sorted(known)):
        if low[0] <= luma <= high[0] and low[0] < high[0]:
            share = (luma - low[0]) / (high[0] - low[0])
            its_u, its_v = (low[at] + share * (high[at] - low[at]) for at in (1, 2))
            bits = low[3] * (high[3] / low[3]) ** share
            return f"{100 * (row.bpp / bits - 1):+.1f} %, {u - its_u:+.2f}, {v - its_v:+.2f}"
    return "-"


def points_table(rows: Sequence[Row], clip: str) -> str:
    """Every point of a clip. `drop`: Row.gop_drop_db."""
    head = [
        "codec",
        "setting",
        "bpp",
        "PSNR YUV, dB",
        "Y, dB",
        "U, dB",
        "V, dB",
        "PSNR RGB, dB",
        "MS-SSIM",
        "drop along the GOP, dB",
        "encode fps",
        "decode fps",
    ]
    lines = [_line(head), _rule(len(head))]
    for codec in names(rows, "codec"):
        for row in select(rows, clip, codec):
            rgb = "-" if row.psnr_rgb_db is None else f"{row.psnr_rgb_db:.2f}"
            planes = [f"{value:.2f}" for value in row.psnr_planes_db or ()] or ["-"] * 3
            quality = [
                f"{row.bpp:.4f}",
                f"{row.mean_psnr_yuv_db:.2f}",
                *planes,
                rgb,
                f"{row.ms_ssim:.4f}",
                f"{row.gop_drop_db:+.2f}",
            ]
            lines.append(
                _line(
                    [
                        codec,
                        str(row.setting),
                        *quality,
                        f"{row.encode_fps:.2f}",
                        f"{row.decode_fps:.2f}",
                    ]
                )
            )
    return "\n".join(lines)


def drop_table(rows: Sequence[Row]) -> str:
    """The least and the largest drop of PSNR along the GOP over the settings: clips down, codecs
    across."""
    codecs = names(rows, "codec")
    lines = [_line(["clip", *codecs]), _rule(1 + len(codecs))]
    for clip in names(rows, "clip"):
        drops = [[row.gop_drop_db for row in select(rows, clip, codec)] for codec in codecs]
        lines.append(
            _line(
                [
                    clip,
                    *(f"{min(drop):+.2f} to {max(drop):+.2f}" if drop else "-" for drop in drops),
                ]
            )
        )
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"
