"""A comparison as one HTML page: compare.html.j2 says what it looks like, curves.js and viewer.js what
moves."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamcodec.metrics import mse_to_psnr_db
from streamcodec.rates import bits_per_pixel, kbit_per_second
from streamcodec.text import counted, human_bytes

from ..pages.render import render
from .comparison import Coding, Comparison
from .measures import TYPES, Measures, Sums
from .pictures import Chosen, Window, embedded

__all__ = ["page"]

TEMPLATE = Path(__file__).with_name("compare.html.j2")
MOST_POINTS = 1500
"""Of a curve; of longer ones each point stands for several frames."""
NONE = "-"


@dataclass(frozen=True)
class Line:
    """Of a table. `color`: the number of the coding's curves, None for the source."""

    name: str
    cells: tuple[str, ...]
    color: int | None = None


def page(found: Comparison, max_bytes: int) -> str:
    """The whole page; its pictures take no more than `max_bytes`."""
    turns = found.format.rotation_degrees // 90
    pictures = embedded(found.chosen, found.format.color, turns, max_bytes)
    shown = [
        _picture(found, chosen, window, images)
        for chosen, (window, images) in zip(found.chosen, pictures, strict=True)
    ]
    return render(
        TEMPLATE,
        name=found.name,
        format=found.format,
        frames=counted(len(found.seconds), "frame"),
        seconds=f"{found.duration_seconds:.2f} s",
        lines=list(_lines(found)),
        by_type=list(_type_lines(found)),
        notes=_notes(found),
        data={
            "names": [found.name, *(each.name for each in found.codings)],
            "curves": _curves(found),
            "pictures": shown,
        },
    )


def _lines(found: Comparison) -> Iterator[Line]:
    """The source, and each coding."""
    facts = found.source.facts
    size = _rates(found.source_bytes, len(found.seconds), found)
    yield Line(found.name, (facts.coded_by, _size(facts.file_bytes), *size, *[""] * 6))
    for number, coding in enumerate(found.codings):
        facts, sums = coding.video.facts, coding.measures.sums()
        assert sums is not None  # or there would be no comparison
        worst = coding.measures.worst()
        ends = (
            NONE if sums.ms_ssim is None else f"{sums.ms_ssim:.4f}",
            _decibels(math.inf if worst is None else coding.measures.psnr_yuv_db(worst)),
        )
        size = _rates(sums.size_bytes, sums.frames, found)
        cells = (facts.coded_by, _size(facts.file_bytes), *size, *_quality(sums), *ends)
        yield Line(coding.name, cells, number)


def _type_lines(found: Comparison) -> Iterator[Line]:
    """For each coding a line for each type that its frames have."""
    for number, coding in enumerate(found.codings):
        for kind in TYPES:
            sums = coding.measures.sums(kind)
            if sums is not None:
                each = None if sums.size_bytes is None else round(sums.size_bytes / sums.frames)
                size = NONE if each is None else human_bytes(each)
                yield Line(coding.name, (kind, f"{sums.frames:,}", size, *_quality(sums)), number)


def _size(size_bytes: int) -> str:
    return human_bytes(size_bytes) if size_bytes else NONE


def _rates(size_bytes: int | None, frames: int, found: Comparison) -> tuple[str, str, str]:
    """Bit rate, bits per pixel and number of frames. The rate is over the time of as many frames."""
    seconds = found.duration_seconds * frames / len(found.seconds)
    if size_bytes is None or not seconds:
        return NONE, NONE, f"{frames:,}"
    bpp = bits_per_pixel(size_bytes, frames, found.format.width, found.format.height)
    return f"{kbit_per_second(size_bytes, seconds):,.0f} kbit/s", f"{bpp:.4f}", f"{frames:,}"


def _quality(sums: Sums) -> tuple[str, str, str, str]:
    return (
        _decibels(sums.psnr_y_db),
        _decibels(sums.psnr_u_db),
        _decibels(sums.psnr_v_db),
        _decibels(sums.psnr_yuv_db),
    )


def _decibels(psnr_db: float) -> str:
    return "identical" if psnr_db == math.inf else f"{psnr_db:.2f}"


def _notes(found: Comparison) -> list[str]:
    notes = [f"{found.name}: {note}" for note in found.notes]
    notes += [f"{coding.name}: {note}" for coding in found.codings for note in coding.notes]
    ratio = found.format.sample_aspect_ratio
    if ratio != 1:
        notes.append(f"pixels are shown square; a player shows them {ratio} as wide as high")
    return notes


def _curves(found: Comparison) -> dict[str, Any]:
    """What curves.js draws: a point for each frame, or for each run of `step` frames."""
    count = len(found.seconds)
    step = math.ceil(count / MOST_POINTS)
    starts = range(0, count, step)
    return {
        "step": step,
        "frames": list(starts),
        "seconds": [round(found.seconds[at], 4) for at in starts],
        "codings": [_curve(coding.measures, starts, step) for coding in found.codings],
    }


def _curve(measures: Measures, starts: Sequence[int], step: int) -> dict[str, Any]:
    """`luma` and `chroma`: PSNR, dB, chroma of the mean squared error of U and V. null: not known, or
    identical."""
    y, u, v = measures.mse
    luma = [_mean(y[at : at + step]) for at in starts]
    chroma = [(_mean(u[at : at + step]) + _mean(v[at : at + step])) / 2 for at in starts]
    bits = [8 * _mean(measures.size_bytes[at : at + step]) for at in starts]
    types = measures.types.decode()
    return {
        "types": types if step == 1 else "",
        "bits": [None if math.isnan(each) else round(each) for each in bits],
        "luma": [_point(each) for each in luma],
        "chroma": [_point(each) for each in chroma],
    }


def _mean(values: Sequence[float]) -> float:
    """Of those that are known; nan if none is."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def _point(error: float) -> float | None:
    return round(mse_to_psnr_db(error), 2) if error > 0 else None  # nan is not above 0 either


def _picture(
    found: Comparison, chosen: Chosen, window: Window, images: Sequence[str | None]
) -> dict[str, Any]:
    """What viewer.js shows of a frame: a label and a picture for the source and each coding."""
    height, width = found.format.height, found.format.width
    is_whole = (window.width, window.height) == (width, height)
    part = f"{window.width}x{window.height} pixels from ({window.left}, {window.top}) of {width}x{height}"
    return {
        "frame": chosen.frame,
        "seconds": round(found.seconds[chosen.frame], 3),
        "reasons": list(chosen.reasons),
        "part": "" if is_whole else f"{part}, where the codings differ most from the source",
        "labels": ["", *(_label(coding, chosen.frame) for coding in found.codings)],
        "images": list(images),
    }


def _label(coding: Coding, frame: int) -> str:
    """Type, size and quality of a frame."""
    measures = coding.measures
    if measures.index[frame] < 0:
        return "no frame at this time"
    kind = chr(measures.types[frame])
    size = measures.size_bytes[frame]
    parts = [] if kind == "?" else [kind]
    parts += [] if math.isnan(size) else [human_bytes(round(size))]
    errors = [each[frame] for each in measures.mse]
    parts += [
        f"{name} {_decibels(mse_to_psnr_db(error))}"
        for name, error in zip("YUV", errors, strict=True)
    ]
    return ", ".join(parts)
