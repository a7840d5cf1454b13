from fractions import Fraction

import pytest

from streamcodec.container.format import (
    Cursor,
    pack_blob,
    pack_rational,
    pack_signed,
    pack_text,
    pack_varint,
)
from streamcodec.errors import CorruptStreamError, UsageError

VARINTS = {
    0: "00",
    1: "01",
    127: "7f",
    128: "8001",
    300: "ac02",
    16384: "808001",
    (1 << 64) - 1: "ffffffffffffffffff01",
}
SIGNED = {
    0: "00",
    -1: "01",
    1: "02",
    -64: "7f",
    64: "8001",
    (1 << 63) - 1: "feffffffffffffffff01",
    -1 << 63: "ffffffffffffffffff01",
}


@pytest.mark.parametrize(("value", "word"), VARINTS.items())
def test_varint(value: int, word: str) -> None:
    assert pack_varint(value).hex() == word
    cursor = Cursor(bytes.fromhex(word), "test")
    assert cursor.varint() == value
    cursor.done()


@pytest.mark.parametrize(("value", "word"), SIGNED.items())
def test_signed(value: int, word: str) -> None:
    assert pack_signed(value).hex() == word
    assert Cursor(bytes.fromhex(word), "test").signed() == value


@pytest.mark.parametrize(
    "word",
    [
        "",
        "80",
        "ffffffffffffffffff02",
        "80808080808080808080",
        "8080808080808080808000",
        "ffffffffffffffffffff01",
    ],
)
def test_varint_fails(word: str) -> None:
    with pytest.raises(CorruptStreamError, match=r"test: .*number"):
        Cursor(bytes.fromhex(word), "test").varint()


@pytest.mark.parametrize("value", [-1, 1 << 64])
def test_pack_varint_fails(value: int) -> None:
    with pytest.raises(UsageError, match="cannot be stored"):
        pack_varint(value)


def test_several_varints_stop_behind_the_last() -> None:
    cursor = Cursor(b"\x01\xac\x02\x05\x99", "test")
    assert cursor.varints(3) == [1, 300, 5]
    assert cursor.take(1) == b"\x99"


def test_rational() -> None:
    assert Cursor(pack_rational(Fraction(30000, 1001)), "test").rational() == Fraction(30000, 1001)


@pytest.mark.parametrize(
    "value", [Fraction(0), Fraction(-1, 2), Fraction(1 << 31), Fraction(1, 1 << 31)]
)
def test_rational_fails(value: Fraction) -> None:
    with pytest.raises(UsageError, match="numerator and denominator"):
        pack_rational(value)
    with pytest.raises(CorruptStreamError, match="ratio"):
        Cursor(
            pack_varint(abs(value.numerator)) + pack_varint(value.denominator * (value > 0)), "test"
        ).rational()


def test_text() -> None:
    assert Cursor(pack_text("Käse 芝士\0"), "test").text() == "Käse 芝士\0"


def test_text_fails() -> None:
    with pytest.raises(UsageError, match="not valid Unicode"):
        pack_text("\udc80")
    with pytest.raises(CorruptStreamError, match="UTF-8"):
        Cursor(pack_blob(b"\xff"), "test").text()


def test_blob_fails_where_more_is_announced_than_there_is() -> None:
    with pytest.raises(
        CorruptStreamError, match="1099511627776 bytes are announced and 1 are left"
    ):
        Cursor(pack_varint(1 << 40) + b"x", "test").blob()


def test_done_fails_on_surplus_bytes() -> None:
    with pytest.raises(CorruptStreamError, match="1 surplus"):
        Cursor(b"x", "test").done()
