"""Pages that lead somewhere: links, options and names that are there."""

import re
from importlib import import_module

import click
import pytest

from streamcodec.cli.app import app
from support.documents import PAGES, ROOT, prose_of, text_of

LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def headings(page: str) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    titles = [line.lstrip("# ") for _, line in prose_of(page) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for number, line in prose_of(page):
        for target, anchor in LINK.findall(line):
            if "://" in target:
                continue
            path = (ROOT / page).parent / target if target else ROOT / page
            assert path.exists(), f"{page}:{number}: {target}"
            if anchor and path.suffix == ".md":
                found = headings(str(path.resolve().relative_to(ROOT)))
                assert anchor in found, f"{page}:{number}: #{anchor}"


def test_the_index_lists_every_page() -> None:
    listed = {target for target, _ in LINK.findall(text_of("docs/index.md"))}
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    assert pages - listed == {"index.md"}


@pytest.mark.parametrize("page", PAGES)
def test_no_block_is_made_by_indentation(page: str) -> None:
    """Only fenced blocks tell their language, and run."""
    before = ""
    for number, line in prose_of(page):
        indented = line.startswith("    ") and not before.strip()
        assert not indented or line.lstrip()[:1] in "-*" or _in_list(page, number), (
            f"{page}:{number}"
        )
        before = line


def _in_list(page: str, number: int) -> bool:
    above = [line for at, line in prose_of(page) if at < number and line.strip()]
    last = next((line for line in reversed(above) if not line.startswith(" ")), "")
    return bool(re.match(r"\d+\. |[-*] ", last))


def _options(command: click.Command) -> set[str]:
    found = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found |= _options(below)
    return found


def test_options_that_the_pages_name_are_there() -> None:
    """Those of a command, of a tool, or of a test."""
    scripts = [
        path
        for path in (ROOT / "tools").rglob("*")
        if path.is_file() and path.suffix in ("", ".py")
    ]
    sources = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    known = _options(app) | {"--help", "-h"} | set(re.findall(r"--[a-z][\w-]*", sources))
    unknown = {
        f"{page}:{number}: {option}"
        for page in PAGES
        for number, line in prose_of(page)
        for code in re.findall(r"`([^`]+)`", line)
        if not re.match(r"(pip|ray|pipx|python|ulimit) ", code)
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", code)
        if option not in known
    }
    assert not unknown


def test_names_that_the_pages_name_are_there() -> None:
    for page in PAGES:
        for number, line in prose_of(page):
            for name in re.findall(r"`(streamcodec(?:\.\w+)+)", line):
                assert _is_there(name), f"{page}:{number}: {name}"


def _is_there(name: str) -> bool:
    found = import_module("streamcodec")
    for part in name.split(".")[1:]:
        if not hasattr(found, part):
            try:
                import_module(f"{found.__name__}.{part}")
            except ImportError:
                return False
        found = getattr(found, part)
    return True
