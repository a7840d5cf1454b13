import pickle

import pytest

from streamcodec.errors import FrameIndexError, NotInstalledError, SourceError, StreamCodecError
from streamcodec.text import MOST_CHARACTERS, human_bytes, shown, time_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("two\nlines\r\tand a tab", r"two\nlines\r\tand a tab"),
        ("\x00\x07\x7f\x9b", r"\x00\x07\x7f\x9b"),
        ("file\u202egpj.exe", r"file\u202egpj.exe"),
        ("\u2028\u2029\u200b\ufeff", r"\u2028\u2029\u200b\ufeff"),
        ("\U000e0041", r"\U000e0041"),
        (b"caf\xe9.mkv".decode(errors="surrogateescape"), r"caf\xe9.mkv"),
        ("\ud800", r"\ud800"),
        ("日本語　の　名前 · naïve א ب 👩‍💻", "日本語　の　名前 · naïve א ب 👩‍💻"),
        ("back\\slash", "back\\slash"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert shown(expected) == expected


def test_long_text_keeps_both_ends() -> None:
    text = shown("a" * 100_000 + "; accepted: less", 2000)
    assert text.startswith("aaa")
    assert text.endswith("; accepted: less")
    assert "[... 98016 characters left out ...]" in text
    assert len(text) < 2100
    assert shown("a" * 2000, 2000) == "a" * 2000


@pytest.mark.parametrize(
    "kind", [StreamCodecError, SourceError, FrameIndexError, NotInstalledError]
)
def test_every_error_is_one_clean_line(kind: type[StreamCodecError]) -> None:
    error = kind("cannot read \x1b]0;title\x07\nno such file" + "x" * 10**6)
    assert str(error).startswith(r"cannot read \x1b]0;title\x07\nno such file")
    assert len(str(error)) < MOST_CHARACTERS + 100
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 bytes"), (12_345_678, "12.3 MB"), (2 * 10**15, "2000.0 TB")]
)
def test_size_as_text(size: int, text: str) -> None:
    assert human_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5.2, "5 s"), (65, "1 min 05 s"), (3725, "1 h 02 min")]
)
def test_time_as_text(seconds: float, text: str) -> None:
    assert time_text(seconds) == text
