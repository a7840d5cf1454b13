"""Which instruction set is used, and how to force one."""

import numpy as np
import pytest

from streamcodec.entropy.coder import SymbolEncoder, Tables, instruction_set, instruction_sets
from streamcodec.errors import UsageError
from support.processes import printed_by


def test_unknown_instruction_set_fails() -> None:
    assert instruction_sets()[0] == "scalar"
    assert instruction_set() in instruction_sets()
    tables = Tables(
        np.array([[0, 16384]], np.int32), np.array([2], np.int32), np.zeros(1, np.int32)
    )
    with pytest.raises(
        UsageError, match="no instruction set is called 'mmx'; accepted on this CPU: scalar"
    ):
        SymbolEncoder(tables, instruction_set="mmx")  # type: ignore[arg-type]


def _instruction_set_with(value: str) -> str:
    """What a process that has STREAMCODEC_SIMD=value says of its default, or the error it shows."""
    code = """
from streamcodec import _native
from streamcodec.errors import UsageError
try:
    print(_native.instruction_set(), hex(_native.crc32c(b"123456789")))
except UsageError as error:
    print(error)
"""
    return printed_by(code, {"STREAMCODEC_SIMD": value}).strip()


@pytest.mark.parametrize("name", ["scalar", "avx2", "avx512"])
def test_environment_forces_an_instruction_set(name: str) -> None:
    answer = _instruction_set_with(name)
    if name in instruction_sets():
        assert answer == f"{name} 0xe3069283"
    else:
        assert answer.startswith(
            f"environment variable STREAMCODEC_SIMD: instruction set '{name}' is not available here; accepted"
        )


def test_environment_with_an_unknown_name_fails() -> None:
    assert _instruction_set_with("fast").startswith(
        "environment variable STREAMCODEC_SIMD: no instruction set is called 'fast'; accepted"
    )
