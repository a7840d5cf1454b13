import numpy as np
import pytest

from streamcodec._native import crc32c
from streamcodec.errors import UsageError


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
)
def test_crc32c(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected
    assert crc32c(bytearray(data)) == crc32c(memoryview(data)) == expected


def test_crc32c_goes_on_from_an_earlier_value() -> None:
    data = np.random.default_rng(0).bytes(1000)
    for cut in (0, 1, 7, 8, 500, 1000):
        assert crc32c(data[cut:], crc32c(data[:cut])) == crc32c(data)


def test_crc32c_agrees_with_bit_by_bit_division() -> None:
    data = np.random.default_rng(1).bytes(77)
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    assert crc32c(data) == register ^ 0xFFFFFFFF


def test_crc32c_of_what_is_no_buffer_fails() -> None:
    with pytest.raises(UsageError, match="data is a str"):
        crc32c("text")  # type: ignore[arg-type]
