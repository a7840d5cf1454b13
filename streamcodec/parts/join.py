"""Parts back to one stream, the one that a single process would have written."""

import os
from collections.abc import Iterable
from typing import BinaryIO

from streamcodec.container import Writer
from streamcodec.errors import UsageError
from streamcodec.files import open_output
from streamcodec.metrics import mse_to_psnr_db
from streamcodec.parts.file import PartReport, check_part, read_part
from streamcodec.parts.plan import VideoPlan
from streamcodec.stream.encode import EncodeReport, damage_note

__all__ = ["join_parts"]

PartPath = str | os.PathLike[str]


def join_parts(
    plan: VideoPlan,
    parts: Iterable[PartPath],
    out: str | os.PathLike[str] | BinaryIO,
    *,
    overwrite: bool = False,
) -> EncodeReport:
    """Join the parts of a plan, given in any order, to the stream that `encode` would have written.

    All parts are checked, as by `check_part`, before anything is written. `out`: as for `encode`; a path appears only when everything is
    written. In the report `seconds` is the sum over the parts, `psnr_db` is None unless all parts have a squared error, and the search for
    a target is left out.

    Raises UsageError if a GOP is missing or there twice, or a part is none of this plan; CorruptStreamError for a damaged part; SourceError
    if one cannot be opened; OutputError.
    """
    checked = sorted(
        ((check_part(plan, path), path) for path in parts), key=lambda item: item[0].first_gop
    )
    reports = [report for report, _ in checked]
    _check_cover(plan, checked)
    with open_output(out, overwrite=overwrite) as file:
        writer = Writer(file, plan.header)
        for report, path in checked:
            for packet in read_part(path, report):
                writer.write(packet)
        writer.finish()
    return EncodeReport(
        frames=plan.frames,
        gops=len(plan.gops),
        width=plan.width,
        height=plan.height,
        size_bytes=writer.size_bytes,
        track_bytes=writer.track_bytes,
        duration_seconds=plan.duration_seconds,
        seconds=sum(report.seconds for report in reports),
        psnr_db=_psnr_db(plan, reports),
        quality=plan.options.quality,
        frame_format=plan.header.frame_format,
        target=plan.target,
        notes=(*plan.notes, *map(damage_note, plan.warnings)),
    )


def _check_cover(plan: VideoPlan, checked: list[tuple[PartReport, PartPath]]) -> None:
    """Raise UsageError unless the parts, in order, hold every GOP of the plan once."""
    behind = 0
    for report, path in checked:
        if report.first_gop < behind:
            raise UsageError(
                f"{os.fspath(path)} begins with GOP {report.first_gop}, which another part has too; give every GOP once"
            )
        _check_gap(behind, report.first_gop)
        behind = report.first_gop + report.gops
    _check_gap(behind, len(plan.gops))


def _check_gap(first: int, behind: int) -> None:
    if first < behind:
        raise UsageError(f"GOPs {first}..{behind - 1} are in none of the parts; encode them too")


def _psnr_db(plan: VideoPlan, reports: list[PartReport]) -> float | None:
    errors = [report.squared_error for report in reports if report.squared_error is not None]
    if len(errors) < len(reports):
        return None
    return mse_to_psnr_db(sum(errors) / plan.frames)
