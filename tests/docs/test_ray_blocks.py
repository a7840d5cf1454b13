"""The code blocks of the pages that start Ray (test_blocks.py has the others)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.commands import run_chain
from support.documents import PAGES, Chain, chains_of

CHAINS = [chain for page in PAGES for chain in chains_of(page) if chain.starts_ray]


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("chain", CHAINS, ids=str)
def test_a_block_runs(
    chain: Chain,
    prepared: Callable[[str, Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared(chain.text, tmp_path)
    monkeypatch.chdir(tmp_path)
    run_chain(chain, tmp_path)
