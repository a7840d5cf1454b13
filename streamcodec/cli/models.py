"""`streamcodec models`."""

import json

import click

__all__ = ["models"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def models(as_json: bool) -> None:
    """List the models at hand: those in the package, and those in the folders of STREAMCODEC_WEIGHTS."""
    from streamcodec.models import ImageModel
    from streamcodec.weights import DEFAULT_INTER, DEFAULT_INTRA, available, load_model

    rows = []
    for name, path in available().items():
        loaded = load_model(str(path))
        rows.append(
            {
                "name": name,
                "codes": "I-frames" if isinstance(loaded.model, ImageModel) else "P-frames",
                "default": name in (DEFAULT_INTRA, DEFAULT_INTER),
                "parameters": sum(parameter.numel() for parameter in loaded.model.parameters()),
                "id": loaded.id.hex(),
                "path": str(path),
            }
        )
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        default = ", the default" if row["default"] else ""
        click.echo(f"{row['name']}: codes {row['codes']}{default}; {row['parameters']:,} parameters; id {row['id']}")
        click.echo(f"    {row['path']}")
