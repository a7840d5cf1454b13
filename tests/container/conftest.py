"""Small streams, shared by the tests of the container: the content of the golden ones."""

import importlib.util
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest

from streamcodec._native import crc32c
from streamcodec.container import Damage, Header, Packet, PacketType, Reader
from support.streams import stream_of

ROOT = Path(__file__).parents[2]

Write = Callable[[Header, Iterable[Packet]], bytes]


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
def write() -> Write:
    """Whole stream in memory."""

    return stream_of


@pytest.fixture(scope="session")
def stream(header: Header, packets: list[Packet], write: Write) -> bytes:
    return write(header, packets)


@pytest.fixture(params=["file", "pipe"])
def opened(request: pytest.FixtureRequest) -> Callable[[bytes], io.IOBase]:
    """Makes a file that can seek of bytes, then one that cannot."""
    return io.BytesIO if request.param == "file" else Pipe


@pytest.fixture(scope="module")
def borders(stream: bytes) -> list[int]:
    """Where packets start, and where the last but the index ends."""
    headers = list(Reader(io.BytesIO(stream)).headers())
    return [header.offset for header in headers] + [headers[-1].end]


def sound(items: Iterable[Packet | Damage]) -> list[Packet]:
    return [item for item in items if isinstance(item, Packet)]


def damage(items: Iterable[Packet | Damage]) -> list[Damage]:
    return [item for item in items if isinstance(item, Damage)]


def nested(count: int, kind: PacketType) -> bytes:
    """Packet headers with right checksums that all announce what follows up to the end, with wrong payload checksums."""
    size = 26
    data = bytearray()
    for number in range(count):
        head = bytearray(b"\xd7\x8b" + bytes([size, kind, 1, 0]))
        head += bytes(4)
        rest = (count - number - 1) * size
        head += bytes([rest & 127 | 128, rest >> 7 & 127 | 128, rest >> 14 & 127 | 128, rest >> 21])
        head += bytes(size - len(head) - 4)
        data += head + crc32c(bytes(head)).to_bytes(4, "little")
    return bytes(data)
