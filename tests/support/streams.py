"""Streams that no encoder writes."""

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from streamcodec.container import Header, Packet, Reader, Writer

__all__ = ["of_another_format", "stream_of"]


def stream_of(header: Header, packets: Iterable[Packet]) -> bytes:
    """The whole stream of these packets, with its index."""
    file = io.BytesIO()
    writer = Writer(file, header)
    for packet in packets:
        writer.write(packet)
    writer.finish()
    return file.getvalue()


def of_another_format(stream: Path, **fields: Any) -> Path:
    """A stream beside `stream` without frames, with its header but for these fields of VideoFormat."""
    with stream.open("rb") as file:
        header = Reader(file).header
    path = stream.with_name("another.ssf")
    path.write_bytes(stream_of(replace(header, video=replace(header.video, **fields)), ()))
    return path
