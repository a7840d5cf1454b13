"""What a stream may hold is checked before memory is taken for it."""

import io
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from streamcodec.container import Header, Limits, Packet, PacketType, Reader
from streamcodec.container.format import pack_signed, pack_varint
from streamcodec.container.index import unpack_index
from streamcodec.container.packet import MIN_HEADER_SIZE, pack_packet
from streamcodec.errors import CorruptStreamError, UnsupportedStreamError, UsageError

Write = Callable[[Header, Iterable[Packet]], bytes]


def read(data: bytes, limits: Limits) -> None:
    reader = Reader(io.BytesIO(data), on_damage="skip", limits=limits)
    list(reader)
    _ = reader.index


@pytest.mark.parametrize(
    ("name", "enough"),
    [
        ("packets", 22),
        ("frames", 6),
        ("gops", 3),
        ("payload_bytes", 700),
        ("tracks", 3),
        ("tags", 3),
    ],
)
def test_limit_is_kept_and_named(stream: bytes, name: str, enough: int) -> None:
    read(stream, Limits(**{name: enough}))
    with pytest.raises(UnsupportedStreamError, match=f"--limit {name}=N"):
        read(stream, Limits(**{name: 2}))


def test_limit_that_is_no_count_fails() -> None:
    for value in (-1, 1.5, None, 1 << 63):
        with pytest.raises(UsageError, match="limit of gops"):
            Limits(gops=value)  # type: ignore[arg-type]


def test_limit_holds_where_the_index_is_rebuilt(stream: bytes) -> None:
    with pytest.raises(UnsupportedStreamError, match="3 gops"):
        _ = Reader(io.BytesIO(stream[:-50]), on_damage="skip", limits=Limits(gops=2)).index


def test_frame_number_beyond_the_limit_is_refused(header: Header, write: Write) -> None:
    far = Packet(type=PacketType.FRAME, key=True, gop=1, frame=(1 << 63) - 1, pts=1, payload=b"")
    data = write(header, [replace(far, gop=0, frame=0, pts=0)])
    data = data[:-43] + pack_packet(far)
    with pytest.raises(UnsupportedStreamError, match="limit frames"):
        list(Reader(io.BytesIO(data), on_damage="skip"))


def index_of(count: int) -> bytes:
    """The index of `count` GOPs of one smallest packet each."""
    start = pack_varint(count) + pack_signed(count) + pack_varint(100) + pack_signed(0)
    entry = pack_varint(1) + pack_varint(1) + pack_varint(MIN_HEADER_SIZE)
    return start + b"\0" + entry[1:] + entry * (count - 1)


@pytest.mark.slow
def test_index_takes_memory_in_proportion_to_the_stream() -> None:
    count = 100_000
    payload = index_of(count)
    tracemalloc.start()
    index = unpack_index(payload, 100 + count * MIN_HEADER_SIZE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert index.frame_count == len(index.entries) == count
    assert index.entries[-1].end == 100 + count * MIN_HEADER_SIZE
    assert index.entries[3:5] == list(index.entries)[3:5]
    assert peak < 80 * count


def test_index_of_more_gops_than_the_stream_has_room_for_takes_no_memory() -> None:
    payload = index_of(1_000_000)
    tracemalloc.start()
    with pytest.raises(CorruptStreamError, match="1000000 GOPs are announced for a stream of 1000"):
        unpack_index(payload, 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 16
