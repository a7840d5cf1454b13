"""A file that another thread is writing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["growing"]

PIECES = (1, 7, 300, 23, 1999)
"""Bytes that are written at a time, one after another."""


@contextmanager
def growing(path: Path, data: bytes, pause_seconds: float = 0.0005) -> Iterator[None]:
    """Inside the block `data` comes into the file at `path`, in odd pieces.

    What was there goes before the block begins: no reader can take it for the new file.
    """
    path.unlink(missing_ok=True)
    stop = threading.Event()

    def write() -> None:
        at = number = 0
        with path.open("wb", buffering=0) as file:
            while at < len(data) and not stop.wait(pause_seconds):
                size = PIECES[number % len(PIECES)]
                file.write(data[at : at + size])
                at, number = at + size, number + 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
