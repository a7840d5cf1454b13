"""`streamcodec image encode`: one picture, or many with a line each and their means."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamcodec.cli.common import (
    check_inputs,
    code_all,
    finite,
    pair_of,
    pairs_below,
    say,
    say_json,
)
from streamcodec.cli.options import (
    encode_settings,
    field_option,
    given,
    json_option,
    names_and_out,
    options_from,
    overwrite_option,
    quiet_option,
    threads_option,
)
from streamcodec.runtime import prepare
from streamcodec.stream.options import DecodeOptions, EncodeOptions
from streamcodec.text import human_bytes

if TYPE_CHECKING:
    from streamcodec import ImageReport

__all__ = ["encode"]

IMAGE_OPTIONS = (
    "quality",
    "target_psnr_db",
    "target_bpp",
    "intra",
    "precision",
    "preset",
    "device",
)
MEANS = ("bpp", "psnr_db", "ms_ssim", "seconds")


@click.command()
@names_and_out("pictures", "streams")
@options_from(EncodeOptions, *IMAGE_OPTIONS)
@field_option(EncodeOptions, "background", default="refuse them")
@click.option(
    "--msssim", is_flag=True, help="Measure MS-SSIM too (RGB, both sides at least 161 pixels)."
)
@options_from(DecodeOptions, "max_pixels")
@json_option
@threads_option
@overwrite_option
@quiet_option
def encode(
    names: tuple[str, ...],
    out: Path | None,
    msssim: bool,
    as_json: bool,
    threads: int | None,
    quiet: bool,
    **options: Any,
) -> int:
    """Encode a picture into an .ssf stream of one I-frame.

    IN is a PNG, JPEG, WebP, BMP, TIFF or PNM file, or - for standard input. OUT is a file, or - for standard output. With --out, every IN
    is a picture or a folder of them, and each becomes FOLDER/NAME.ssf; one that fails does not
    stop the others. What is there already is kept, unless -y is given.

    \b
    At most one of -q, --target-psnr and --target-bpp.
    Exit codes: 0 all done, 1 failure, 2 usage, 4 some pictures failed, 130 interrupted.
    """
    settings = {"measure_ms_ssim": msssim, **encode_settings(options), **given(options)}
    tell = _Teller(quiet=quiet or as_json)
    if out is None:
        source, target = pair_of(names, "picture")
        check_inputs([source])
        prepare(threads)
        row = _encode_one(source, target, settings, tell)
        tell(summary(row) if target == "-" else f"{target}: {summary(row)}")
        if as_json:
            say_json(finite(row), err=target == "-")
        return 0
    check_inputs(names)
    from streamcodec.video import PICTURE_SUFFIXES

    pairs = pairs_below(out, names, PICTURE_SUFFIXES, "picture")
    prepare(threads)

    def code(source: str, target: str) -> dict[str, Any]:
        row = _encode_one(source, target, settings, tell)
        tell(f"{source}: {summary(row)}")
        return row

    def means(rows: list[dict[str, Any]]) -> dict[str, Any]:
        found = {name: _mean([row[name] for row in rows]) for name in MEANS}
        known = {name: mean for name, mean in found.items() if mean is not None}
        if rows:
            tell(f"mean of {len(rows)}: {_figures(known)}")
        return {"mean": finite(known)}

    return code_all(
        pairs,
        code,
        what="picture",
        verb="encodes",
        overwrite=bool(settings.get("overwrite")),
        quiet=quiet,
        as_json=as_json,
        sum_up=means,
    )


class _Teller:
    """Writes lines to standard error, unless it is to be quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def __call__(self, text: str) -> None:
        if not self._quiet:
            say(text, err=True)


def _encode_one(
    source: str, target: str, settings: dict[str, Any], tell: _Teller
) -> dict[str, Any]:
    """The facts of the stream. Warnings are not to be kept quiet."""
    import streamcodec

    report = streamcodec.encode_image(source, target, **settings)
    for note in report.notes:
        tell(f"streamcodec: note: {source}: {note}")
    if report.quality is None and "quality" in settings:
        _warn(
            source,
            f"-q {settings['quality']} has no effect: the model {report.model} has one rate only",
        )
    if report.shortfall is not None:
        _warn(source, report.shortfall)
    return describe(report, source, target)


def _warn(source: str, text: str) -> None:
    say(f"streamcodec: warning: {source}: {text}", err=True)


def describe(report: "ImageReport", source: str, target: str) -> dict[str, Any]:
    """Facts about the stream; only psnr_db may be infinite."""
    names = (
        "width",
        "height",
        "size_bytes",
        "bpp",
        "psnr_db",
        "ms_ssim",
        "quality",
        "model",
        "seconds",
        "notes",
    )
    return {"source": source, "out": target, **{name: getattr(report, name) for name in names}}


def summary(row: dict[str, Any]) -> str:
    """One line on size, rate and quality."""
    rate = "one rate" if row["quality"] is None else f"quality {row['quality']}"
    return f"{row['width']}x{row['height']}, {human_bytes(row['size_bytes'])}, {_figures(row)}, {row['model']}, {rate}"


def _figures(row: dict[str, Any]) -> str:
    ms_ssim = "" if row.get("ms_ssim") is None else f", MS-SSIM {row['ms_ssim']:.4f}"
    return f"{row['bpp']:.4f} bpp, PSNR {row['psnr_db']:.2f} dB{ms_ssim}, {row['seconds']:.2f} s"


def _mean(values: list[float | None]) -> float | None:
    """Of those that are known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
