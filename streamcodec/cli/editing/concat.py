"""`streamcodec concat A B... OUT`."""

from dataclasses import asdict

import click

from streamcodec.cli.common import check_inputs, check_stream_name, say, say_json, written
from streamcodec.cli.options import json_option, overwrite_option, quiet_option
from streamcodec.editing import concat as join_streams

__all__ = ["concat"]


@click.command()
@click.argument("sources", metavar="IN...", nargs=-1, required=True)
@click.argument("out", metavar="OUT")
@json_option
@overwrite_option
@quiet_option
def concat(sources: tuple[str, ...], out: str, as_json: bool, overwrite: bool, quiet: bool) -> None:
    """Join streams, one behind the other, without coding anew.

    OUT is an .ssf file, or - for standard output.

    They must be coded with the same models and settings, at the same size and time base, and have
    the same tracks.
    """
    check_inputs(sources)
    check_stream_name(out)
    report = join_streams(sources, out, overwrite=overwrite)
    if as_json:
        say_json(asdict(report), err=out == "-")
    elif not quiet:
        starts = ", ".join(f"{start:.3f}" for start in report.starts_seconds)
        say(
            f"{written(out, report.frames, report.gops, report.size_bytes)}; streams begin at {starts} s",
            err=True,
        )
