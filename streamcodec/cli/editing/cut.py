"""`streamcodec cut IN OUT`."""

from dataclasses import asdict

import click

from streamcodec.cli.common import check_stream_name, say, say_json, source_argument, written
from streamcodec.cli.options import json_option, overwrite_option, parse_seconds, quiet_option
from streamcodec.editing import cut as cut_stream

__all__ = ["cut"]


@click.command()
@source_argument
@click.argument("out", metavar="OUT")
@click.option(
    "--start", default="0", metavar="TIME", help="Begin here: seconds, MM:SS or HH:MM:SS."
)
@click.option("--duration", metavar="TIME", help="Keep this much.  [default: up to the end]")
@json_option
@overwrite_option
@quiet_option
def cut(
    source: str,
    out: str,
    start: str,
    duration: str | None,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Cut a range out of a stream without coding anew.

    IN is a file, or - for standard input; OUT is an .ssf file, or - for standard output.

    A GOP can only be taken whole: the output begins at the I-frame at or before --start and ends
    where the last GOP of the range ends; the summary says where. To cut at a frame, decode and
    encode.
    """
    check_stream_name(out)
    report = cut_stream(
        source,
        out,
        start_seconds=parse_seconds(start),
        duration_seconds=None if duration is None else parse_seconds(duration),
        overwrite=overwrite,
    )
    if as_json:
        say_json(asdict(report), err=out == "-")
    elif not quiet:
        end = report.start_seconds + report.duration_seconds
        say(
            f"{written(out, report.frames, report.gops, report.size_bytes)}; "
            f"from {report.start_seconds:.3f} s to {end:.3f} s, where GOPs begin and end",
            err=True,
        )
