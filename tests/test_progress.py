"""Progress of frames: lines in a log, a bar on a terminal."""

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from streamcodec.progress import frames_done, phases


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock, in seconds."""
    clock = [0.0]
    monkeypatch.setattr("streamcodec.progress.time.monotonic", lambda: clock[0])
    return clock


def test_a_line_now_and_then(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with frames_done("encode", quiet=False) as advance:
        for second in range(26):
            now[0] = second
            advance(2 * second, 100)
    assert capsys.readouterr().err.splitlines() == [
        "encode: 20/100 frames, 40 s left, 2.00 fps",
        "encode: 40/100 frames, 30 s left, 2.00 fps",
    ]


def test_lines_where_the_number_of_frames_is_not_known(
    now: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with frames_done("two\nlines", quiet=False) as advance:
        now[0] = 10.0
        advance(5, None)
    assert capsys.readouterr().err == "two\\nlines: 5 frames, 0.50 fps\n"


def test_no_speed_before_it_means_something(
    now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phase shows up when its first frame is done: that one says nothing of the speed."""
    shown: list[str] = []

    @contextmanager
    def meter(label: str) -> Iterator[Callable[[float | None, str], None]]:
        yield lambda share, line: shown.append(line)

    monkeypatch.setattr("streamcodec.progress.meter", meter)
    with phases("encode", quiet=False) as (advance,):
        for frames, seconds in ((1, 0.0), (2, 0.4), (3, 1.0)):
            now[0] = seconds
            advance(frames, 10)
        advance(4, None)
    assert shown == [
        "1/10 frames",
        "2/10 frames",
        "3/10 frames, 4 s left, 2.00 fps",
        "4 frames, 3.00 fps",
    ]


def test_quiet_says_nothing(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with frames_done("encode", quiet=True) as advance:
        now[0] = 60.0
        advance(5, 10)
    assert capsys.readouterr().err == ""


def test_a_phase_takes_the_place_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with phases("search", "encode", quiet=False) as (search, encode):
        search(3, 3)
        encode(1, 10)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sys.stderr.getvalue())  # type: ignore[attr-defined]
    assert text.index("search") < text.index("3/3 frames") < text.index("encode")
    assert "1/10 frames" in text
