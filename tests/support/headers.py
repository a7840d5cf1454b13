"""Streams of a header alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from streamcodec.container import Reader, Writer

__all__ = ["of_another_format"]


def of_another_format(stream: Path, **fields: Any) -> Path:
    """A stream beside `stream` without frames, with its header but for these fields of VideoFormat."""
    with stream.open("rb") as file:
        header = Reader(file).header
    path = stream.with_name("another.ssf")
    with path.open("wb") as file:
        Writer(file, replace(header, video=replace(header.video, **fields))).finish()
    return path
