"""Every code block of the pages does what a reader would have it do (tests/support/documents.py has the marks)."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from support.commands import check_command, commands_in
from support.documents import LANGUAGES, MARKS, PAGES, Block, Chain, blocks_of, chains_of

CHAINS = [chain for page in PAGES for chain in chains_of(page)]
SHELL = [block for page in PAGES for block in blocks_of(page) if block.language == "sh"]
MOST_NOT_RUN = 18


def _cases() -> list[Any]:
    """The chains that run and do not start Ray."""
    return [
        pytest.param(chain, id=str(chain))
        for chain in CHAINS
        if chain.marked("not run") is None and not chain.starts_ray
    ]


@pytest.mark.slow
@pytest.mark.parametrize("chain", _cases())
def test_a_block_runs(chain: Chain, runs: Callable[[Chain], None]) -> None:
    runs(chain)


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
