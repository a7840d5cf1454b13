"""`streamcodec evaluate CLIPS... --out DIR`."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from streamcodec.cli.common import check_inputs, say
from streamcodec.cli.options import address_option, numbers_of, quiet_option
from streamcodec.runtime import prepare, require_torch

__all__ = ["evaluate"]

NONE = "none"


@click.command()
@click.argument(
    "clips", metavar="CLIPS...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the report.",
)
@click.option(
    "-q",
    "--quality",
    "qualities",
    multiple=True,
    metavar="Q,Q,...",
    help="Of ours, 0..63; may be repeated; none = anchors only.  [default: 0,8,16,...,56,63]",
)
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="NAME[=CRF,CRF,...]",
    help="x264, x265 (also 'x264 zerolatency', 'x265 zerolatency') or svt-av1; may be repeated; none = ours only.  [default: all]",
)
@click.option(
    "--frames", "max_frames", type=click.IntRange(1), help="Of every clip.  [default: all]"
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="A field of streamcodec.EncodeOptions; may be repeated.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="LABEL=FILE",
    help="Our curve from the rows.jsonl of another report; may be repeated.",
)
@click.option(
    "--figures/--no-figures",
    default=True,
    show_default=True,
    help="Curves as PNG and SVG; without matplotlib there are tables alone.",
)
@click.option(
    "--local",
    is_flag=True,
    help="In this process, one after another, without Ray: for speeds that mean something.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Measurements at a time.  [default: as many as there is room for]",
)
@address_option
@quiet_option
def evaluate(
    clips: tuple[Path, ...],
    qualities: tuple[str, ...],
    anchors: tuple[str, ...],
    options: tuple[str, ...],
    also: tuple[str, ...],
    quiet: bool,
    **settings: Any,
) -> int:
    """Rate-distortion curves of our codec beside those of x264, x265 and SVT-AV1, and BD-rates,
    with one thread and one GOP length for all.

    CLIPS are videos and folders of videos. What DIR/rows.jsonl has is not measured again:
    interrupted, the same command resumes.

    Exit codes: 0 all measured, 1 nothing could be measured, 2 usage, 4 some could not.
    """
    check_inputs([str(clip) for clip in clips])
    prepare(None)
    require_torch("evaluate, which measures MS-SSIM,")
    from streamcodec.pipelines import evaluate as evaluate_all
    from streamcodec.pipelines.evaluation.jobs import parse_options
    from streamcodec.pipelines.evaluation.run import QUALITIES, other_rows

    listed = (
        QUALITIES
        if not qualities
        else ()
        if qualities == (NONE,)
        else numbers_of(",".join(qualities))
    )
    also_rows = [row for other in also for row in other_rows(other)]
    with redirect_stdout(sys.stderr):  # Ray prints there what it thinks of workers that died
        found = evaluate_all(
            clips,
            qualities=listed,
            anchors=_anchors(anchors),
            options=parse_options(options),
            also=also_rows,
            say=None if quiet else _say,
            **settings,
        )
    say(str(found.report))
    return int(found.exit_code)


def _say(text: str) -> None:
    say(text, err=True)


def _anchors(texts: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Name -> CRFs; those that are not told are the anchor's own."""
    from streamcodec.pipelines.evaluation.anchors import ANCHORS, anchor_named

    if texts == (NONE,):
        return {}
    named = [text.partition("=") for text in texts] or [(name, "", "") for name in ANCHORS]
    return {
        name: numbers_of(crfs) if equals else anchor_named(name).crfs
        for name, equals, crfs in named
    }
