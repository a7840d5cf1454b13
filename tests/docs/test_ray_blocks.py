"""The code blocks of the pages that start Ray (test_blocks.py has the others)."""

from collections.abc import Callable

import pytest

from support.documents import PAGES, Chain, chains_of

CHAINS = [chain for page in PAGES for chain in chains_of(page) if chain.starts_ray]


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("chain", CHAINS, ids=str)
def test_a_block_runs(chain: Chain, runs: Callable[[Chain], None]) -> None:
    runs(chain)
