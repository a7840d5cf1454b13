import numpy as np
import pytest
import torch

from streamcodec.codec.counting import CountingChannel
from streamcodec.entropy.tables import CERTAIN, Table, stack_tables

TABLES = stack_tables(
    [CERTAIN, Table(np.array([0, 4096, 12288, 14336, 16384], np.int32), -1)]
)  # -1, 0, 1: 2, 1, 3 bits; escape: 3 bits


@pytest.mark.parametrize(
    ("symbol", "bits"), [(-1, 2), (0, 1), (1, 3), (2, 3 + 1), (3, 3 + 3), (-2, 3 + 3), (-3, 3 + 5)]
)
def test_each_symbol_costs_what_its_table_says(symbol: int, bits: int) -> None:
    """Beyond the table's values comes the escape, then the Elias gamma code of 1, 2, 3, ... for 2, -2, 3, -3, ..."""
    channel = CountingChannel(TABLES)
    symbols = torch.tensor([[symbol, 0]], dtype=torch.int32)
    assert torch.equal(channel.code(symbols, torch.tensor([[1, 0]], dtype=torch.int32)), symbols)
    assert channel.bits == pytest.approx(bits)
    assert (channel.symbols, channel.coded) == (2, 1)


def test_reading_fails() -> None:
    with pytest.raises(TypeError, match="nothing to read"):
        CountingChannel(TABLES).code(None, torch.zeros(3, dtype=torch.int32))
