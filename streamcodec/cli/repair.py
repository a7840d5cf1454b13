"""`streamcodec repair IN OUT`."""

from dataclasses import asdict

import click

from streamcodec.cli.common import (
    header_option,
    limits_of,
    limits_option,
    overwrite_option,
    quiet_option,
    say,
    say_json,
)
from streamcodec.editing import RepairReport
from streamcodec.editing import repair as repair_stream
from streamcodec.errors import PARTLY_FAILED

__all__ = ["repair"]

MOST_PROBLEMS = 20
"""That are listed."""


@click.command()
@click.argument("source", metavar="IN")
@click.argument("out", metavar="OUT")
@header_option
@limits_option
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
@overwrite_option
@quiet_option
def repair(
    source: str,
    out: str,
    header_from: str | None,
    limits: tuple[str, ...],
    as_json: bool,
    overwrite: bool,
    quiet: bool,
) -> int:
    """Write a clean stream from a damaged one, and say what is lost.

    All that can still be decoded is kept as it is; nothing is coded anew. IN is a file, or - for standard input; OUT is a file, or - for
    standard output. Exit code 0 if nothing is lost, 4 if something is, 3 if nothing can be saved.
    """
    report = repair_stream(
        source, out, header_from=header_from, limits=limits_of(limits), overwrite=overwrite
    )
    if as_json:
        say_json(facts(report), err=out == "-")
    elif not quiet:
        tell(source, out, report)
    return 0 if report.is_complete else PARTLY_FAILED


def facts(report: RepairReport) -> dict[str, object]:
    """The report, ready for JSON."""
    return {
        **asdict(report),
        "lost_frames": sum(loss.frames for loss in report.lost),
        "damage": report.damage,
    }


def tell(source: str, out: str, report: RepairReport) -> None:
    """Print what was wrong and what is lost."""
    for problem in report.problems[:MOST_PROBLEMS]:
        say(f"{source}: {problem}", err=True)
    if (more := len(report.problems) - MOST_PROBLEMS) > 0:
        say(f"{source}: and {more} other problems", err=True)
    lost = report.damage or ("no frame is lost" if report.problems else "the stream was whole")
    sound = "; sound or subtitles may be lost too" if report.sound_lost else ""
    end = "; it ends early: how much followed is not known" if report.ends_early else ""
    say(f"{source}: {lost}{sound}{end}", err=True)
    say(f"{out}: {report.frames} frames in {report.gops} GOPs, {report.size_bytes} bytes", err=True)
