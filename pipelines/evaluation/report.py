"""An evaluation for people, as Markdown, and for programs, as CSV and Parquet."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from streamcodec.files import replace_on_success

from .anchors import ANCHORS
from .rows import Row
from .tables import bd_table, chroma_table, drop_table, metrics_of, names, points_table

__all__ = ["NO_CURVES", "markdown", "write_tables"]


CHROMA = """\
Mean PSNR of Y, U and V. Beside them, against each anchor at the same PSNR of Y: bits, and dB of U and
of V, more (+) or less (-)."""
PLANE_COLUMNS = ("psnr_y_db", "psnr_u_db", "psnr_v_db")
NO_CURVES = "No curves: they need matplotlib, `pip install 'streamcodec[report]'`."


def markdown(
    rows: Sequence[Row],
    figures: Sequence[Path],
    failures: Sequence[str] = (),
    *,
    lacks_curves: bool = False,
) -> str:
    """The whole report. `failures`: what could not be measured, and why. `lacks_curves`: figures
    were asked for, and could not be drawn."""
    parts = ["# Rate and distortion", conditions(rows)]
    if failures:
        parts += ["## Not measured", "\n".join(f"- {failure}" for failure in failures)]
    for metric in metrics_of(rows):
        for codec in names(rows, "codec"):
            if codec not in ANCHORS:
                parts += [
                    f"## BD-rate of {codec}, {metric.label}",
                    "Bits more (+) or fewer (-) than the anchor's for the same quality.",
                ]
                parts.append(bd_table(rows, codec, metric))
    parts += [NO_CURVES] if lacks_curves else []
    parts += [f"![{figure.stem}]({figure.name})" for figure in figures]
    for codec in names(rows, "codec"):
        table = "" if codec in ANCHORS else chroma_table(rows, codec)
        if table:
            parts += [f"## Planes of {codec}, and at equal PSNR of Y", CHROMA, table]
    parts += [
        "## PSNR lost along the first GOP, dB: frames behind the I-frame, first quarter less last quarter",
        drop_table(rows),
    ]
    for clip in names(rows, "clip"):
        parts += [f"## {clip}", points_table(rows, clip)]
    return "\n\n".join(parts) + "\n"


def conditions(rows: Sequence[Row]) -> str:
    """Under which the rows were measured."""
    lines = {
        f"- {_codec(row)} {row.version}, GOP {row.gop}{_options(row.options)}": None for row in rows
    }
    return (
        "One thread each. Anchors: constant rate factor, closed GOPs, no scene cuts.\n\n"
        + "\n".join(lines)
    )


def _codec(row: Row) -> str:
    return f"{ANCHORS[row.codec]}," if row.codec in ANCHORS else f"{row.codec}:"


def _options(options: dict[str, Any]) -> str:
    return "".join(f", {name} {value}" for name, value in options.items())


def write_tables(rows: Sequence[Row], folder: Path) -> None:
    """rows.csv, and rows.parquet if pyarrow is installed: a line for each row, with sums in place
    of what it has frame by frame."""
    records = [record(row) for row in rows]
    with (
        replace_on_success(folder / "rows.csv", overwrite=True) as part,
        part.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    if find_spec("pyarrow") is not None:
        with replace_on_success(folder / "rows.parquet", overwrite=True) as part:
            _write_parquet(records, part)


def record(row: Row) -> dict[str, Any]:
    """Name -> text or number, None where the row was measured without it."""
    fields = asdict(row)
    own = (
        "clip",
        "clip_sha256",
        "codec",
        "setting",
        "gop",
        "version",
        "max_frames",
        "width",
        "height",
        "size_bytes",
    )
    return {
        **{name: fields[name] for name in own},
        "options": json.dumps(row.options, sort_keys=True),
        "frames": row.frames,
        "bpp": row.bpp,
        "psnr_yuv_db": row.mean_psnr_yuv_db,
        **dict(zip(PLANE_COLUMNS, row.psnr_planes_db or (None, None, None), strict=True)),
        "psnr_rgb_db": row.psnr_rgb_db,
        "ms_ssim": row.ms_ssim,
        "gop_drop_db": row.gop_drop_db,
        "encode_fps": row.encode_fps,
        "decode_fps": row.decode_fps,
    }


def _write_parquet(records: Sequence[dict[str, Any]], path: Path) -> None:
    import pyarrow as pa
    from pyarrow.parquet import write_table

    texts, counts = (
        ("clip", "clip_sha256", "codec", "version", "options"),
        ("setting", "gop", "max_frames", "width", "height", "size_bytes"),
    )
    types = dict.fromkeys(texts, pa.string()) | dict.fromkeys((*counts, "frames"), pa.int64())
    schema = pa.schema(
        [(name, types.get(name, pa.float64())) for name in records[0]]
    )  # fixed: a column of None has its type too
    write_table(pa.Table.from_pylist(list(records), schema), path)
