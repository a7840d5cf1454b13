"""The pages of the documentation, and their code blocks with the marks that stand before them.

A mark is an HTML comment on a line of its own directly before a block:

    <!-- not run: needs a cluster -->   its commands are checked, not run
    <!-- slow: why -->                  among the slow tests; if it starts Ray, in a process of its own
    <!-- continued -->                  runs behind the block before it: in its folder, with its names
    <!-- output -->                     what the block before it prints; numbers may differ
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "SECURITY.md",
    *sorted(f"docs/{each.name}" for each in ROOT.glob("docs/*.md")),
)
RUNNABLE = ("sh", "python")
LANGUAGES = (*RUNNABLE, "pyi", "text", "toml", "yaml")
MARKS = ("not run", "slow", "continued", "output")

_FENCE = re.compile(r"\s*```(\w*)")
_MARK = re.compile(r"\s*<!-- ([a-z ]+?)(?:: (.+))? -->")
_NUMBER = re.compile(r"[0-9a-f]{8}|\d[\d.,:]*")


@dataclass(frozen=True)
class Block:
    """`line`: of its first line of code, from 1. `marks`: name -> reason."""

    page: str
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Chain:
    """Blocks that run one after another in one folder. `before`: blocks of the page before them."""

    blocks: tuple[Block, ...]
    before: tuple[Block, ...]

    def __str__(self) -> str:
        return str(self.blocks[0])

    @property
    def text(self) -> str:
        return "\n".join(block.text for block in self.blocks)

    @property
    def starts_ray(self) -> bool:
        return "Ray" in (self.marked("slow") or "") and self.marked("not run") is None

    def marked(self, mark: str) -> str | None:
        """The reason of the first block with this mark."""
        return next((each.marks[mark] for each in self.blocks if mark in each.marks), None)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: str) -> list[Block]:
    """All fenced blocks of a page."""
    lines = text_of(page).splitlines()
    fences = [number for number, line in enumerate(lines) if _FENCE.match(line)]
    found = []
    for first, last in zip(fences[::2], fences[1::2], strict=True):
        opened = _FENCE.match(lines[first])
        assert opened is not None
        inside = lines[first + 1 : last]
        indent = len(lines[first]) - len(lines[first].lstrip())
        text = "\n".join(line[indent:] for line in inside)
        found.append(Block(page, first + 2, opened[1], text, dict(_marks_above(lines, first))))
    return found


def _marks_above(lines: list[str], fence: int) -> Iterator[tuple[str, str]]:
    for line in reversed(lines[:fence]):
        mark = _MARK.fullmatch(line)
        if mark is None:
            return
        yield mark[1], mark[2] or ""


def chains_of(page: str) -> list[Chain]:
    """The blocks of a page that hold code, with the outputs that are shown of them."""
    groups: list[list[Block]] = []
    before: list[list[Block]] = []
    done: list[Block] = []
    for block in blocks_of(page):
        if "continued" in block.marks or "output" in block.marks:
            groups[-1].append(block)
        elif block.language in RUNNABLE:
            groups.append([block])
            before.append(list(done))
        if block.language in RUNNABLE:
            done.append(block)
    return [Chain(tuple(each), tuple(head)) for each, head in zip(groups, before, strict=True)]


def prose_of(page: str) -> Iterator[tuple[int, str]]:
    """Number and text of the lines of a page outside of blocks."""
    inside = False
    for number, line in enumerate(text_of(page).splitlines(), 1):
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def is_shown(shown: str, printed: str) -> str | None:
    """The first line of `shown` that was not printed behind those before it; None if all were.

    Numbers and ids may differ, spaces too, and "..." stands for anything.
    """
    at = 0
    for line in filter(str.strip, shown.splitlines()):
        found = _pattern(line.strip()).search(printed, at)
        if found is None:
            return line
        at = found.end()
    return None


def _pattern(line: str) -> re.Pattern[str]:
    parts = []
    for word in line.split():
        pieces = _NUMBER.split(word)
        text = r"[0-9a-f.,:]+".join(map(re.escape, pieces))
        parts.append(text.replace(re.escape("..."), r".*"))
    return re.compile(r"\s+".join(parts))
