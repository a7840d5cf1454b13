"""Logs and receipts: JSON, one object a line, appended and read back."""

from pathlib import Path

import pytest

from streamcodec.checks import json_lines, parse_json_lines
from streamcodec.errors import OutputError
from streamcodec.files import append_text

ROWS = [{"name": "ä\n", "value": 1.5}, {"name": None}]


def test_rows_return(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for row in ROWS:
        append_text(path, json_lines([row]))
    with path.open("rb") as lines:
        assert list(parse_json_lines(lines, damaged="stop")) == ROWS


@pytest.mark.parametrize("damage", [b'{"name": ', b"\xff\xfe", b"[" * 100_000])
def test_damaged_lines_end_the_rows_or_are_left_out(damage: bytes) -> None:
    lines = [b"1\n", damage + b"\n", b"2\n"]
    assert list(parse_json_lines(lines, damaged="stop")) == [1]
    assert list(parse_json_lines(lines, damaged="skip")) == [1, 2]


def test_what_cannot_be_appended_to_fails(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        append_text(tmp_path / "none" / "log.jsonl", "a")
