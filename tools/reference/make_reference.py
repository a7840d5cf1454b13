#!/usr/bin/env python3
"""Makes the pages of docs/ that are made of the code: cli.md of the commands, api.md of the public names, and the specification in
format.md of its docstring. A test holds that they are what this tool makes.

    tools/reference/make_reference.py            # writes the pages
    tools/reference/make_reference.py --check    # exit code 1 if one is not up to date
"""

import sys
from collections.abc import Callable
from pathlib import Path

from commands import commands_page
from names import names_page
from specification import format_page

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "cli.md": commands_page,
    "api.md": names_page,
    "format.md": lambda: format_page((DOCS / "format.md").read_text(encoding="utf-8")),
}


def stale() -> list[str]:
    """The pages that are not what the code says."""
    return [
        name
        for name, make in PAGES.items()
        if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != make()
    ]


def main() -> int:
    names = stale()
    if "--check" in sys.argv[1:]:
        for name in names:
            print(f"docs/{name} is not up to date")
        return 1 if names else 0
    for name in names:
        (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
