"""Damaged headers: mended from the copy, given from another stream, or refused."""

import io
from dataclasses import replace

import pytest

from streamcodec.container import Header, Packet, PacketType, Reader
from streamcodec.container.fields import pack_header
from streamcodec.container.packet import pack_packet
from streamcodec.errors import CorruptStreamError, FormatError, TruncatedStreamError

from .conftest import Pipe, Write, damage, nested, sound


@pytest.mark.slow
@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_damaged_byte_of_the_header_is_mended_from_its_copy(
    stream: bytes, header: Header, packets: list[Packet], borders: list[int], flip: int
) -> None:
    for at in range(borders[0]):
        broken = bytearray(stream)
        broken[at] ^= flip
        reader = Reader(io.BytesIO(broken), on_damage="skip")
        assert reader.header == header
        found = list(reader)
        assert sound(found) == packets
        assert damage(found) == [reader.header_damage]
        assert (found[0].start, found[0].end) == (0, borders[0])
        with pytest.raises(FormatError, match="copy of the header at the end"):
            Reader(io.BytesIO(broken))


def test_damaged_header_of_a_pipe_is_refused(stream: bytes) -> None:
    with pytest.raises(CorruptStreamError, match="CRC of the header"):
        Reader(Pipe(stream[:30] + b"x" + stream[31:]), on_damage="skip")


def test_bytes_lost_from_the_header_cost_no_packet(
    stream: bytes, header: Header, packets: list[Packet]
) -> None:
    for data in (stream[7:], stream[40:], b"surplus" + stream[3:], stream[:30] + stream[50:]):
        reader = Reader(io.BytesIO(data), on_damage="skip")
        assert reader.header == header
        assert sound(reader) == packets


def test_header_is_given_from_another_stream(
    stream: bytes, header: Header, packets: list[Packet], borders: list[int]
) -> None:
    broken = stream[5 : borders[-1]]
    with pytest.raises(CorruptStreamError, match=r"not an \.ssf stream"):
        Reader(io.BytesIO(broken), on_damage="skip")
    reader = Reader(io.BytesIO(broken), on_damage="skip", header=header)
    assert sound(reader) == packets
    assert reader.header_damage is not None
    assert "another stream" in reader.header_damage.reason
    assert [entry.gop for entry in reader.index.entries] == [0, 1, 2]
    items = iter(Reader(io.BytesIO(broken), header=header))  # what is given is no damage
    assert [next(items) for _ in packets] == packets
    with pytest.raises(TruncatedStreamError):
        next(items)


def test_own_header_comes_before_that_of_another_stream(stream: bytes, header: Header) -> None:
    other = replace(header, quality=1)
    for data in (stream, b"x" + stream[1:]):
        assert Reader(io.BytesIO(data), on_damage="skip", header=other).header == header


def test_copy_that_is_not_the_header_is_damage(stream: bytes, header: Header) -> None:
    copy, other = (
        pack_packet(Packet(type=PacketType.HEADER, payload=pack_header(each)))
        for each in (header, replace(header, software="streamcodec 9.9.9"))
    )
    data = stream.replace(copy, other)
    assert data != stream
    found = list(Reader(io.BytesIO(data), on_damage="skip"))
    assert ["copy of the header" in item.reason for item in damage(found)] == [True]
    with pytest.raises(CorruptStreamError, match="copy of the header"):
        list(Reader(io.BytesIO(data)))


def test_stream_of_one_frame_has_no_copy_of_its_header(header: Header, write: Write) -> None:
    frame = Packet(type=PacketType.FRAME, key=True, payload=b"I")
    second = Packet(type=PacketType.FRAME, frame=1, pts=1, payload=b"P")
    for packets, copies in (([], 0), ([frame], 0), ([frame, second], 1)):
        assert write(header, packets).count(pack_header(header)) == 1 + copies


def test_many_copies_that_do_not_read_take_no_time(stream: bytes, borders: list[int]) -> None:
    """Each announces all that follows, and its payload is not what was announced."""
    tries = []
    data = b"x" * 40 + nested(20_000, PacketType.HEADER)
    with pytest.raises(FormatError):
        Reader(Counting(data, tries), on_damage="skip")
    assert sum(tries) < 4 * len(data)


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    def __init__(self, data: bytes, tally: list[int]) -> None:
        super().__init__(data)
        self._tally = tally

    def read1(self, size: int | None = -1) -> bytes:
        data = super().read1(size)
        self._tally.append(len(data))
        return data
