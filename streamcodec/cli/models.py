"""`streamcodec models`."""

import json
from pathlib import Path
from typing import Any

import click

from streamcodec.errors import ModelError

__all__ = ["models"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def models(as_json: bool) -> None:
    """List the models at hand: those in the package, and those in the folders of STREAMCODEC_WEIGHTS.

    A file that is no sound model is listed with what is wrong with it ("error" in JSON); it matters only if it is asked for.
    """
    from streamcodec.weights import available

    rows = [_facts(name, path) for name, path in available().items()]
    click.echo(json.dumps(rows, indent=2) if as_json else "\n".join(map(_text, rows)))


def _facts(name: str, path: Path) -> dict[str, Any]:
    from streamcodec.models import ImageModel
    from streamcodec.weights import DEFAULT_INTER, DEFAULT_INTRA, load_model

    facts = {"name": name, "codes": None, "default": name in (DEFAULT_INTRA, DEFAULT_INTER), "parameters": None, "id": None}
    facts |= {"path": str(path), "error": None}
    try:
        loaded = load_model(str(path))
    except ModelError as error:
        return facts | {"error": str(error)}
    return facts | {
        "codes": "I-frames" if isinstance(loaded.model, ImageModel) else "P-frames",
        "parameters": sum(parameter.numel() for parameter in loaded.model.parameters()),
        "id": loaded.id.hex(),
    }


def _text(row: dict[str, Any]) -> str:
    default = ", the default" if row["default"] else ""
    if row["error"]:
        return f"{row['name']}: CANNOT BE USED{default}; {row['error']}\n    {row['path']}"
    return f"{row['name']}: codes {row['codes']}{default}; {row['parameters']:,} parameters; id {row['id']}\n    {row['path']}"
