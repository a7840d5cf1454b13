#!/usr/bin/env python3
"""The specification of the container, as docs/format.md has it: the docstring of streamcodec/container/format.py.

tools/reference/specification.py    # prints it
"""

import re

from streamcodec.container import format as container_format

BEGIN = "<!-- made of streamcodec/container/format.py by tools/reference/make_reference.py -->"
END = "<!-- end of what is made -->"


def specification() -> str:
    """Each part of the docstring under a heading of its own."""
    title, *parts = (container_format.__doc__ or "").strip().split("\n\n")
    lines = [title.partition(";")[0] + "."]
    for part in parts:
        first, _, rest = part.partition("\n")
        if first.startswith(" "):  # goes on with the part before
            lines[-1:] = ["", part, "```"]
        else:
            lines += ["", f"### {first}", "", "```text", rest, "```"]
    return re.sub(r"(?m)^    ", "", "\n".join(lines))


def format_page(page: str) -> str:
    """The page with the part between the marks made anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{specification()}\n\n{END}{tail}"


if __name__ == "__main__":
    print(specification())
