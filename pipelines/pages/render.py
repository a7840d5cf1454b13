"""Templates into pages: one HTML file each, without a network."""

from pathlib import Path
from typing import Any

from streamcodec.errors import NotInstalledError

try:
    import jinja2
except ImportError as error:
    raise NotInstalledError(
        f"reports and comparisons need Jinja2 ({error}): pip install 'streamcodec[report]'"
    ) from error

__all__ = ["render"]

BASE = Path(__file__).parent
"""Where base.html.j2 is, which pages extend."""


def render(template: Path, **values: Any) -> str:
    """The page that a template makes of the values, which are escaped. It may include files of its
    own folder."""
    loader = jinja2.FileSystemLoader([template.parent, BASE])
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template.name).render(**values)
