"""`streamcodec import-checkpoint FILE -o OUT.safetensors`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streamcodec.cli.common import say, say_json
from streamcodec.cli.options import overwrite_option, quiet_option
from streamcodec.runtime import prepare, require_torch

if TYPE_CHECKING:
    from streamcodec.models import ImportReport

__all__ = ["import_checkpoint"]


@click.command("import-checkpoint")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    required=True,
    metavar="OUT.safetensors",
    type=click.Path(path_type=Path),
    help="The weights file to write.",
)
@click.option(
    "--model",
    metavar="NAME",
    help="The architecture, as `models --known` lists them.  [default: told from the keys]",
)
@click.option(
    "--half",
    is_flag=True,
    help="Weights of convolutions in float16: half the size, outputs off by some thousandths.",
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable report.")
@overwrite_option
@quiet_option
def import_checkpoint(
    source: Path,
    out: Path,
    model: str | None,
    half: bool,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Make a weights file of a checkpoint of CompressAI's image models or of ssf2020.

    FILE is a .pth, .pth.tar or safetensors file of any age, in a wrapper or not, saved before or
    after update(). Nothing in it is run. ssf2020 gives two files: OUT.safetensors for P-frames,
    OUT-image.safetensors for I-frames.

    Exit codes: 0 imported, 1 it cannot be read, is not such a model or lacks a tensor, 2 usage.
    """
    prepare(None)
    require_torch("import-checkpoint")
    from streamcodec import models

    report = models.import_checkpoint(source, out, model=model, half=half, overwrite=overwrite)
    if as_json:
        say_json(asdict(report), default=str)
    elif not quiet:
        say(*_text(report))


def _text(report: "ImportReport") -> list[str]:
    widths = ", ".join(f"{name} {value}" for name, value in report.config.items())
    rows = [
        ("model", f"{report.preset}: {widths}"),
        (
            "renamed",
            _count(report.renamed, "key in an older spelling", "keys in an older spelling")
            if report.renamed
            else "",
        ),
        (
            "made anew",
            _named(report.replaced, "buffer of tables", "buffers of tables and exact paths"),
        ),
        ("filled in", _named(report.filled, "missing constant", "missing constants")),
        ("unused", _named((*report.constants, *report.unused), "tensor", "tensors")),
        ("ignored", ", ".join(report.ignored)),
        ("wrapper", " > ".join(report.wrappers)),
    ]
    rows += [
        ("wrote", f"{file.path}: {file.preset}, {file.parameters:,} parameters, id {file.id}")
        for file in report.files
    ]
    return [f"{label:<11}{text}" for label, text in rows if text]


def _named(names: tuple[str, ...], one: str, many: str) -> str:
    from streamcodec.models.importing.fit import listed

    return f"{_count(len(names), one, many)}: {listed(names, 4)}" if names else ""


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
