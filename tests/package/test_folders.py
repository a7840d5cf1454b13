"""A folder can be read at a glance, and a name leads to one module."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_MODULES = 16
MOST_LINES = 350
MOST_BODY_LINES = 60
TOPS = ("streamcodec", "pipelines", "native/src", "tests", "tools")
SOURCES = (".py", ".cpp", ".hpp")
MIRRORS = {
    "streamcodec/cli": {"encode", "decode"},  # of videos; of pictures in image/
    "streamcodec/models": {
        "checkpoint",
        "context",
        "hyperprior",
    },  # also of latents/, exact/, importing/
    "streamcodec/codec": {"model"},
}
"""Part -> modules of one name on purpose: the same thing in several of its folders."""
OF_A_PACKAGE = ("__init__", "__main__")


@cache
def folders() -> list[Path]:
    """All folders of the repository that hold sources."""
    tops = [ROOT / name for name in TOPS]
    found = {path.parent for top in tops for path in top.rglob("*") if path.suffix in SOURCES}
    return sorted(found)


def modules(folder: Path) -> set[str]:
    """Modules of a folder; a C++ unit is one, with its header."""
    stems = {path.stem for path in folder.iterdir() if path.suffix in SOURCES}
    return stems - set(OF_A_PACKAGE)


@cache
def parts() -> list[Path]:
    """Folders whose modules, with those in the folders below, belong together."""
    tops = (ROOT / "streamcodec", ROOT / "pipelines", ROOT / "native" / "src")
    return sorted(path for top in tops for path in top.iterdir() if path in folders())


def test_a_folder_has_few_modules() -> None:
    counts = {str(folder.relative_to(ROOT)): len(modules(folder)) for folder in folders()}
    assert counts
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}, (
        f"accepted: {MOST_MODULES} modules. Put those that belong together into a folder of their own"
    )


def test_a_file_is_short() -> None:
    tops = [ROOT / name for name in TOPS]
    lines = {path: len(path.read_text().splitlines()) for top in tops for path in top.rglob("*.py")}
    long = {
        str(path.relative_to(ROOT)): count for path, count in lines.items() if count > MOST_LINES
    }
    assert long == {}, f"accepted: {MOST_LINES} lines. Divide these by subject"


def bodies(path: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, without its signature and docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.FunctionDef):
            continue
        body = node.body[ast.get_docstring(node) is not None :]
        if body and node.end_lineno is not None:
            yield f"{path.relative_to(ROOT)}: {node.name}", node.end_lineno - body[0].lineno + 1


def test_a_function_is_short() -> None:
    tops = [ROOT / name for name in ("streamcodec", "pipelines", "tools")]
    lines = dict(each for top in tops for path in top.rglob("*.py") for each in bodies(path))
    long = {name: count for name, count in lines.items() if count > MOST_BODY_LINES}
    assert long == {}, f"accepted: {MOST_BODY_LINES} lines. Divide these by what they do"


def test_a_name_stands_once_in_a_part() -> None:
    twice = {}
    for part in parts():
        below = [folder for folder in folders() if folder.is_relative_to(part)]
        names = Counter(module for folder in below for module in modules(folder))
        twice[str(part.relative_to(ROOT))] = {name for name, times in names.items() if times > 1}
    assert {part: names for part, names in twice.items() if names} == MIRRORS


def test_tools_that_are_run_can_be_run() -> None:
    """Each says what runs it, and may be executed."""
    for path in (ROOT / "tools").rglob("*"):
        if path.suffix == ".py" or (path.is_file() and not path.suffix):
            assert path.read_bytes().startswith(b"#!/usr/bin/env "), path
            assert path.stat().st_mode & 0o111, f"{path} is not executable"


def test_tools_that_the_documents_name_are_there() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {
        (page.name, tool)
        for page in pages
        for tool in re.findall(r"\btools/[\w/.]*\w", page.read_text(encoding="utf-8"))
    }
    assert named
    assert not [(page, tool) for page, tool in named if not (ROOT / tool).exists()]


def test_tests_that_the_documents_name_are_there() -> None:
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(named) > 30
    for path, name in named:
        assert f"def {name}(" in (ROOT / "tests" / path).read_text(encoding="utf-8"), (path, name)
