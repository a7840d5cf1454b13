"""`streamcodec repair IN OUT`."""

from dataclasses import asdict
from typing import Any

import click

from streamcodec.cli.common import check_stream_name, say, say_json, source_argument, written
from streamcodec.cli.options import (
    given,
    json_option,
    options_from,
    overwrite_option,
    quiet_option,
)
from streamcodec.editing import RepairReport
from streamcodec.editing import repair as repair_stream
from streamcodec.errors import PARTLY_FAILED
from streamcodec.remote import without_secrets
from streamcodec.stream.options import DecodeOptions
from streamcodec.text import counted

__all__ = ["repair"]

MOST_PROBLEMS = 20
"""That are listed."""


@click.command()
@source_argument
@click.argument("out", metavar="OUT")
@options_from(DecodeOptions, "header_from", "limits")
@json_option
@overwrite_option
@quiet_option
def repair(
    source: str,
    out: str,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Write a clean stream from a damaged one, and say what is lost.

    All that can still be decoded is kept as it is; nothing is coded anew. IN is a file, or - for
    standard input; OUT is a file, or - for standard output. Exit code 0 if nothing is lost, 4 if
    something is, 3 if nothing can be saved.
    """
    check_stream_name(out)
    report = repair_stream(source, out, overwrite=overwrite, **given(options))
    if as_json:
        say_json(facts(report), err=out == "-")
    elif not quiet:
        tell(without_secrets(source), out, report)
    return 0 if report.is_complete else PARTLY_FAILED


def facts(report: RepairReport) -> dict[str, object]:
    """The report, ready for JSON."""
    return {
        **asdict(report),
        "lost_frames": sum(loss.frames for loss in report.lost),
        "damage": report.damage,
    }


def tell(name: str, out: str, report: RepairReport) -> None:
    """Print what was wrong and what is lost."""
    for problem in report.problems[:MOST_PROBLEMS]:
        say(f"{name}: {problem}", err=True)
    if (more := len(report.problems) - MOST_PROBLEMS) > 0:
        say(f"{name}: and {counted(more, 'other problem')}", err=True)
    lost = report.damage or ("no frame is lost" if report.problems else "the stream was whole")
    sound = "; sound or subtitles may be lost too" if report.sound_lost else ""
    end = "; it ends early: how much followed is not known" if report.ends_early else ""
    say(f"{name}: {lost}{sound}{end}", err=True)
    say(written(out, report.frames, report.gops, report.size_bytes), err=True)
