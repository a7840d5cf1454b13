"""`streamcodec search IN`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from streamcodec.cli.common import say, say_json, source_argument
from streamcodec.cli.options import (
    encode_settings,
    field_option,
    json_option,
    options_from,
    quiet_option,
    range_options,
    threads_option,
)
from streamcodec.progress import frames_done
from streamcodec.runtime import prepare
from streamcodec.stream.options import EncodeOptions
from streamcodec.text import counted, human_bytes

if TYPE_CHECKING:
    from streamcodec import SearchReport

__all__ = ["search"]


@click.command()
@source_argument
@field_option(
    EncodeOptions, "quality", text="Predict this one; may be repeated.", default="", multiple=True
)
@options_from(EncodeOptions, without=("quality", "hash"))
@range_options("Encode")
@json_option
@threads_option
@quiet_option
def search(
    source: str,
    as_json: bool,
    threads: int | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Predict what `encode` would make of a video file, from coding a sample of it: size, quality
    and time.

    For the quality that reaches a target, for each -q, or else for a few between 0 and 63. Writes
    no stream.
    """
    options["quality"] = options["quality"] or None
    settings = encode_settings(options)
    prepare(threads)
    import streamcodec

    with frames_done("search", quiet=quiet) as advance:
        report = streamcodec.search(
            source, qualities=settings.pop("quality", None), progress=advance, **settings, **options
        )
    if report.shortfall is not None:
        say(f"streamcodec: warning: {report.shortfall}", err=True)
    if as_json:
        say_json(describe(report))
    else:
        say(*table(report))


def describe(report: "SearchReport") -> dict[str, Any]:
    """Facts ready for JSON."""
    return {**asdict(report), "reached": report.reached}


def table(report: "SearchReport") -> list[str]:
    """A row for each quality that was tried, the chosen one marked; and a line on the sample."""
    heads = ("quality", "size", "bpp", "kbit/s", "PSNR", "time to encode")
    rows = [
        (
            f"{prediction.quality}{' *' if prediction == report.found else '  '}",
            human_bytes(prediction.size_bytes),
            f"{prediction.bpp:.4f}",
            f"{prediction.kbit_per_second:.0f}",
            f"{prediction.psnr_db:.2f} dB",
            f"{prediction.seconds:.1f} s",
        )
        for prediction in report.predictions
    ]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (heads, *rows)
    ]
    chosen = "" if report.target is None else f"; * for {report.target}"
    sampled = (
        f"from {report.sampled_frames} of {counted(report.frames, 'frame')}, "
        f"in {report.seconds:.1f} s"
    )
    return [*lines, f"{sampled}{chosen}"]
