"""`streamcodec models`."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamcodec.cli.common import say, say_json
from streamcodec.errors import ModelError, NotInstalledError
from streamcodec.runtime import prepare, require_torch
from streamcodec.text import shown

if TYPE_CHECKING:
    from streamcodec.codec.dct_cost import NetworkCost
    from streamcodec.models import ImageModel, InterModel
    from streamcodec.models.macs import CodingCost

__all__ = ["models"]

HEADING = ("NAME", "SERVES AS", "kMAC/PIXEL TO ENCODE", "DECODE", "PARAMETERS", "ARCHITECTURE")
RIGHT_ALIGNED = HEADING[2:5]


@click.command()
@click.option(
    "--known",
    is_flag=True,
    help="List the architectures that weights can be imported for or trained, without weights.",
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def models(known: bool, as_json: bool) -> None:
    """List the installed models: those in the package, and those in the folders of
    STREAMCODEC_WEIGHTS.

    kMAC/pixel: thousands of multiplications in the networks for each pixel of a frame. A file that
    is not a sound model is listed with what is wrong with it ("error" in JSON); it matters only if it
    is asked for.
    """
    prepare(None)
    from streamcodec.weights import available, hidden, missing_folders

    for folder in missing_folders():
        say(f"warning: STREAMCODEC_WEIGHTS names {folder}, which is not a folder", err=True)
    found = available()
    rows = _all_known() if known else [_at_hand(name, path) for name, path in found.items()]
    if not known:
        rows += [
            _at_hand(name, path) | {"default": False, "hidden_by": str(found[name])}
            for name, path in hidden().items()
        ]
    if as_json:
        say_json(rows)
        return
    say(*_table([row for row in rows if not row.get("error")]))
    for row in rows:
        if row.get("error"):
            default = ", the default" if row["default"] else ""
            say("", f"{row['name']}: CANNOT BE USED{default}; {row['error']}", f"    {row['path']}")


def _all_known() -> list[dict[str, Any]]:
    require_torch("models --known")
    from streamcodec.models import names

    return [_known(name) for name in names()]


def _at_hand(name: str, path: Path) -> dict[str, Any]:
    from streamcodec.weights import DEFAULT_INTER, DEFAULT_INTRA, PACKAGED, is_native

    facts = {
        "name": name,
        "path": str(path),
        "built_in": path.parent == PACKAGED,
        "default": name in (DEFAULT_INTRA, DEFAULT_INTER),
        "hidden_by": None,
    }
    facts |= dict.fromkeys(
        (
            "codes",
            "preset",
            "config",
            "parameters",
            "encode_kmac_per_pixel",
            "decode_kmac_per_pixel",
            "id",
            "error",
        )
    )
    try:
        return facts | (_native(path) if is_native(path) else _of_zoo(name, path))
    except (ModelError, NotInstalledError) as error:
        return facts | {"error": str(error)}


def _native(path: Path) -> dict[str, Any]:
    from streamcodec.codec.dct_cost import network_cost
    from streamcodec.codec.dct_weights import load_dct_weights

    weights = load_dct_weights(path)
    weights.native()  # which checks all numbers
    role = "I-frames" if weights.kind == "intra" else "P- and B-frames"
    return {
        "codes": role,
        "preset": f"dct-{weights.kind}",
        "config": {},
        "id": weights.id.hex(),
        **_costs(network_cost(weights)),
    }


def _of_zoo(name: str, path: Path) -> dict[str, Any]:
    require_torch(f"model {name}")
    from streamcodec.codec.zoo_model import ZooModel
    from streamcodec.models import load_checkpoint
    from streamcodec.models.macs import coding_cost

    found = load_checkpoint(path)
    loaded = ZooModel.of(name, found.id, found.model)  # which checks the tables
    return {
        "codes": _role(loaded.model),
        "preset": found.preset,
        "config": dict(found.config),
        "id": loaded.id.hex(),
        **_costs(coding_cost(loaded.model)),
    }


def _costs(cost: "CodingCost | NetworkCost") -> dict[str, Any]:
    return {
        "parameters": cost.parameters,
        "encode_kmac_per_pixel": round(cost.encode_kmac, 3),
        "decode_kmac_per_pixel": round(cost.decode_kmac, 3),
    }


def _known(name: str) -> dict[str, Any]:
    import torch

    from streamcodec.models.registry import config_of, create

    with torch.device("meta"):
        model = create(name)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {
        "name": name,
        "codes": _role(model),
        "parameters": parameters,
        "preset": name,
        "config": config_of(name),
    }


def _role(model: "ImageModel | InterModel") -> str:
    from streamcodec.models import ImageModel

    return "I-frames" if isinstance(model, ImageModel) else "P-frames"


def _table(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    """Lines: the heading, then of every model its figures and, if it has weights, id and file.
    Columns without figures are left out."""
    columns = [
        column
        for column in zip(HEADING, *(_cells(row) for row in rows), strict=True)
        if any(column[1:])
    ]
    widths = [max(map(len, column)) for column in columns]
    for line, row in zip(zip(*columns, strict=True), (None, *rows), strict=False):
        sides = ("rjust" if column[0] in RIGHT_ALIGNED else "ljust" for column in columns)
        yield "  ".join(
            getattr(cell, side)(width)
            for cell, side, width in zip(line, sides, widths, strict=True)
        ).rstrip()
        if row is not None and "path" in row:
            behind = f", hidden by {shown(row['hidden_by'])}" if row["hidden_by"] else ""
            yield f"    id {row['id']}, {'built in' if row['built_in'] else row['path']}{behind}"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    costs = (row.get(f"{way}_kmac_per_pixel") for way in ("encode", "decode"))
    config = ", ".join(f"{field} {value}" for field, value in row["config"].items())
    return (
        shown(row["name"]),
        row["codes"] + (", the default" if row.get("default") else ""),
        *("" if cost is None else f"{cost:.1f}" for cost in costs),
        "" if row["parameters"] is None else f"{row['parameters']:,}",
        f"{row['preset']}: {config}" if config else row["preset"],
    )
