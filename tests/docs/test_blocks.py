"""Every code block of the pages does what a reader would have it do (tests/support/documents.py has the marks)."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.commands import (
    check_command,
    commands_in,
    imports_of,
    run_python,
    run_python_alone,
    run_shell,
)
from support.documents import LANGUAGES, MARKS, PAGES, Block, Chain, blocks_of, chains_of, is_shown

CHAINS = [chain for page in PAGES for chain in chains_of(page)]
SHELL = [block for page in PAGES for block in blocks_of(page) if block.language == "sh"]
MOST_NOT_RUN = 18


def _cases() -> list[Any]:
    """The chains that run, those that take long with the marks of such tests."""
    cases = []
    for chain in CHAINS:
        slow = chain.marked("slow")
        marks = [] if slow is None else [pytest.mark.slow]
        marks += [pytest.mark.ray] if slow and "Ray" in slow else []
        if chain.marked("not run") is None:
            cases.append(pytest.param(chain, marks=marks, id=str(chain)))
    return cases


@pytest.mark.parametrize("chain", _cases())
def test_a_block_runs(
    chain: Chain,
    prepared: Callable[[str, Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared("\n".join(block.text for block in chain.blocks), tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    imports = "\n".join(imports_of(each.text) for each in chain.before if each.language == "python")
    alone, printed = chain.marked("slow") is not None, ""
    for block in chain.blocks:
        if block.language == "sh":
            printed = run_shell(block, tmp_path, alone=alone)
        elif block.language == "python" and alone:
            printed = run_python_alone(block, tmp_path, imports)
        elif block.language == "python":
            printed = run_python(block, names, imports)
        else:
            missed = is_shown(block.text, printed)
            assert missed is None, f"{block}: {missed!r} is not among\n{printed}"


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_the_options_of_a_command_are_there(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of what is not run here; the inputs need not be there."""
    monkeypatch.setattr("streamcodec.cli.common.check_inputs", lambda *_, **__: None)
    for words in commands_in(block.text):
        check_command(words)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_tells_its_language(page: str) -> None:
    for block in blocks_of(page):
        assert block.language in LANGUAGES, block
        assert set(block.marks) <= set(MARKS), block
        if block.language == "toml":
            tomllib.loads(block.text)


def test_few_blocks_are_not_run() -> None:
    reasons = {str(chain): chain.marked("not run") for chain in CHAINS}
    not_run = {name: reason for name, reason in reasons.items() if reason is not None}
    assert all(not_run.values()), "a reason is missing"
    assert len(not_run) <= MOST_NOT_RUN, not_run
