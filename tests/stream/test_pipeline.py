import threading
import time
from collections.abc import Iterator

import pytest

from streamcodec.errors import StreamCodecError
from streamcodec.stream import stages
from streamcodec.stream.stages import overlapped


def test_items_come_in_order() -> None:
    with overlapped(range(100)) as items:
        assert list(items) == list(range(100))


def test_stage_runs_ahead_no_further_than_its_depth() -> None:
    made = []

    def stage() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            yield i

    with overlapped(stage(), depth=2) as items:
        assert next(items) == 0
        deadline = time.monotonic() + 5
        while len(made) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(made) <= 4  # one taken, two waiting, one in hand


def test_error_of_the_stage_is_raised_after_its_items() -> None:
    def stage() -> Iterator[int]:
        yield 1
        raise ValueError("broken source")

    with overlapped(stage()) as items:
        assert next(items) == 1
        with pytest.raises(ValueError, match="broken source"):
            next(items)


class Unusable:
    def __iter__(self) -> Iterator[int]:
        raise ValueError("broken from the start")


def test_error_before_the_first_item_is_raised() -> None:
    with overlapped(Unusable()) as items, pytest.raises(ValueError, match="broken from the start"):
        next(items)


def test_leaving_early_closes_the_stage() -> None:
    closed = threading.Event()

    def stage() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    with overlapped(stage(), depth=1) as items:
        next(items)
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "streamcodec-stage"]


def test_stalled_source_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the stage that waits for it, and long before it goes on; one that works is waited for."""
    goes_on, ended = threading.Event(), threading.Event()

    def source() -> Iterator[int]:
        yield 1
        goes_on.wait(60)
        ended.set()

    monkeypatch.setattr(stages, "JOIN_SECONDS", 600.0)
    with overlapped(source()) as items, overlapped(item for item in items) as doubled:
        assert next(doubled) == 1
    assert not ended.is_set()
    goes_on.set()
    for thread in threading.enumerate():
        if thread.name == "streamcodec-stage":
            thread.join()
    assert ended.is_set()


@pytest.mark.slow
def test_working_stage_is_waited_for() -> None:
    done = threading.Event()

    def stage() -> Iterator[int]:
        yield 1
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            pass
        done.set()

    with overlapped(stage()) as items:
        next(items)
    assert done.is_set()


def test_lack_of_threads_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fails)
    with pytest.raises(StreamCodecError, match="no thread can be started"), overlapped([1]):
        raise AssertionError("it began")
