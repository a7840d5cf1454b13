"""Small streams, shared by the tests of the container: the content of the golden ones."""

import importlib.util
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest

from streamcodec.container import Header, Packet, Writer

ROOT = Path(__file__).parents[2]


class Pipe(io.RawIOBase):
    """Bytes that can only be read front to back, in uneven pieces, as from a socket."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self._reads = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        self._reads += 1
        piece = self._file.read(min(len(buffer), 1 + 7 * self._reads % 40))
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.fixture(scope="session")
def golden() -> ModuleType:
    """tools/golden/make_golden_streams.py as a module."""
    spec = importlib.util.spec_from_file_location(
        "make_golden_streams", ROOT / "tools" / "golden" / "make_golden_streams.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def header(golden: ModuleType) -> Header:
    """Every field set."""
    return golden.FULL_HEADER


@pytest.fixture(scope="session")
def packets(golden: ModuleType) -> list[Packet]:
    """GOPs of 3, 1 and 2 frames; every type of packet."""
    return golden.full_packets()


@pytest.fixture(scope="session")
def write() -> Callable[[Header, Iterable[Packet]], bytes]:
    """Whole stream in memory."""

    def to_bytes(header: Header, packets: Iterable[Packet]) -> bytes:
        file = io.BytesIO()
        writer = Writer(file, header)
        for packet in packets:
            writer.write(packet)
        writer.finish()
        return file.getvalue()

    return to_bytes


@pytest.fixture(scope="session")
def stream(
    header: Header, packets: list[Packet], write: Callable[[Header, Iterable[Packet]], bytes]
) -> bytes:
    return write(header, packets)


@pytest.fixture(params=["file", "pipe"])
def opened(request: pytest.FixtureRequest) -> Callable[[bytes], io.IOBase]:
    """Makes a file that can seek of bytes, then one that cannot."""
    return io.BytesIO if request.param == "file" else Pipe
