"""`streamcodec compare REF OUT... -o page.html`."""

from pathlib import Path
from typing import Any

import click

from streamcodec.cli.common import check_inputs, say
from streamcodec.cli.options import numbers_of, overwrite_option, quiet_option, range_options
from streamcodec.errors import UsageError
from streamcodec.files import check_target
from streamcodec.progress import frames_done
from streamcodec.runtime import prepare
from streamcodec.text import counted, human_bytes

__all__ = ["compare"]

PAGE_SUFFIXES = (".html", ".htm")


@click.command()
@click.argument("source", metavar="REF")
@click.argument("codings", metavar="OUT...", nargs=-1, required=True)
@click.option(
    "-o",
    "--out",
    required=True,
    metavar="PAGE",
    type=click.Path(path_type=Path),
    help="The page to write, an .html file.",
)
@click.option(
    "--frames",
    metavar="N,N,...",
    help="Frames of REF whose pictures are shown, from 0.  [default: the first, a middle one, the worst of each OUT]",
)
@range_options("Compare", with_frames=False)
@click.option(
    "--scale", metavar="WxH", help="Scale REF to the size of the codings, as `encode --scale` does."
)
@click.option(
    "--ms-ssim/--no-ms-ssim",
    default=None,
    help="Measure MS-SSIM too.  [default: if PyTorch is installed]",
)
@click.option(
    "--max-mb",
    "max_megabytes",
    type=click.FloatRange(0.1, 1000),
    default=16.0,
    show_default=True,
    help="Size of all pictures in the page; they are cut to where the codings differ most.",
)
@overwrite_option
@quiet_option
def compare(
    source: str,
    codings: tuple[str, ...],
    out: Path,
    frames: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Compare a video with codings of it, in one HTML page.

    REF is the source, each OUT what a codec made of it: .ssf streams or videos that FFmpeg reads.
    The page has sizes and PSNRs, curves along the frames, and pictures with a divider between two
    of them. Frames belong together by their times since the first frame of each file; --start and
    --duration say which part of REF was coded.
    """
    check_inputs((source, *codings))
    numbers = None if frames is None else numbers_of(frames)
    if out.suffix.lower() not in PAGE_SUFFIXES:
        raise UsageError(f"the page is {out}; accepted: a name that ends in .html")
    check_target(out, overwrite=options["overwrite"])
    prepare(None)
    from streamcodec.pipelines import compare as compare_all

    with frames_done("compare", quiet=quiet) as advance:
        found = compare_all(source, codings, out, frames=numbers, progress=advance, **options)
    if not quiet:
        for coding in found.codings:
            for note in coding.notes:
                say(f"streamcodec: note: {coding.name}: {note}", err=True)
        size = human_bytes(out.stat().st_size)
        pictures = counted(len(found.chosen), "frame")
        say(
            f"{out}: {counted(len(found.seconds), 'frame')} compared, pictures of {pictures}, {size}",
            err=True,
        )
