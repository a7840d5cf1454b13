"""Whole streams: front to back, by index, while they are written."""

import io
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pytest

from streamcodec.container import (
    Damage,
    Header,
    IndexEntry,
    Packet,
    PacketHeader,
    PacketType,
    Reader,
    Writer,
)
from streamcodec.container.format import VERSION
from streamcodec.errors import CorruptStreamError, SourceError, UsageError

Write = Callable[[Header, Iterable[Packet]], bytes]
Open = Callable[[bytes], io.IOBase]


def large_stream(header: Header, write: Write, *, gops: int, payload_size: int) -> bytes:
    """GOPs of 4 frames."""
    frames = range(4 * gops)
    return write(
        header,
        (
            Packet(
                type=PacketType.FRAME,
                key=i % 4 == 0,
                gop=i // 4,
                frame=i,
                pts=10 * i,
                payload=bytes([i]) * payload_size,
            )
            for i in frames
        ),
    )


def test_everything_returns(
    opened: Open, stream: bytes, header: Header, packets: list[Packet]
) -> None:
    reader = Reader(opened(stream))
    assert reader.header == header
    assert reader.version == VERSION
    assert list(reader) == packets


def test_headers_tell_what_packets_hold(opened: Open, stream: bytes, packets: list[Packet]) -> None:
    headers = list(Reader(opened(stream)).headers())
    assert [
        (h.type, h.key, h.track, h.gop, h.frame, h.pts, h.duration, h.payload_size)
        for h in headers
        if isinstance(h, PacketHeader)
    ] == [
        (p.type, p.key, p.track, p.gop, p.frame, p.pts, p.duration, len(p.payload)) for p in packets
    ]


def test_file_that_can_seek_is_read_again_and_again(stream: bytes, packets: list[Packet]) -> None:
    reader = Reader(io.BytesIO(stream))
    assert reader.seekable
    first, second = iter(reader), iter(reader)
    for packet in packets:  # two at once, with the index between
        assert next(first) == next(second) == packet
        assert reader.index.frame_count == 6


def test_pipe_is_read_once(opened: Open, stream: bytes, packets: list[Packet]) -> None:
    reader = Reader(opened(stream))
    if not reader.seekable:
        assert next(iter(reader)) == packets[0]
        assert list(reader) == packets[1:]
        assert list(reader) == []


def test_pipe_has_no_index(opened: Open, stream: bytes) -> None:
    reader = Reader(opened(stream))
    if not reader.seekable:
        header = PacketHeader(type=1, offset=0, header_size=0, payload_size=0, payload_crc=0)
        for act in (
            lambda: reader.index,
            lambda: reader.load(header),
            lambda: list(reader.packets(IndexEntry(0, 0, 1, 0, 0, 1))),
        ):
            with pytest.raises(UsageError, match="seek"):
                act()


def test_load_reads_the_payload_of_a_header(stream: bytes, packets: list[Packet]) -> None:
    reader = Reader(io.BytesIO(stream))
    headers = list(reader.headers())
    assert [reader.load(header) for header in reversed(headers)] == packets[::-1]


def test_load_fails_on_damage(stream: bytes) -> None:
    header = list(Reader(io.BytesIO(stream)).headers())[3]
    damaged = bytearray(stream)
    damaged[header.end - 1] ^= 1
    with pytest.raises(CorruptStreamError, match="payload"):
        Reader(io.BytesIO(damaged), on_damage="skip").load(header)


def test_index(stream: bytes) -> None:
    index = Reader(io.BytesIO(stream)).index
    assert [
        (entry.gop, entry.first_frame, entry.frame_count, entry.pts) for entry in index.entries
    ] == [
        (0, 0, 3, -2),
        (1, 3, 1, 4),
        (2, 4, 2, 8),
    ]
    assert (index.frame_count, index.end_pts, index.damage) == (6, 19, ())
    assert [index.at_frame(frame).gop for frame in range(6)] == [0, 0, 0, 1, 2, 2]
    assert [index.at_pts(pts).gop for pts in (-9, -2, 3, 4, 7, 8, 99)] == [0, 0, 0, 1, 1, 2, 2]


def test_index_fails_past_the_ends(header: Header, stream: bytes, write: Write) -> None:
    index = Reader(io.BytesIO(stream)).index
    for frame in (-1, 6):
        with pytest.raises(UsageError, match=r"accepted: 0 \.\. 5"):
            index.at_frame(frame)
    with pytest.raises(UsageError, match="no frames"):
        Reader(io.BytesIO(write(header, []))).index.at_pts(0)


def test_gops_hold_their_packets(stream: bytes, packets: list[Packet]) -> None:
    reader = Reader(io.BytesIO(stream))
    for entry in reversed(reader.index.entries):
        found = [packet for packet in reader.packets(entry) if packet.type == PacketType.FRAME]
        assert found == [
            packet
            for packet in packets
            if packet.type == PacketType.FRAME and packet.gop == entry.gop
        ]
    assert [
        packet for entry in reader.index.entries for packet in reader.packets(entry)
    ] == packets[1:]
    assert sum(1 for _ in reader.headers(reader.index.entries[0])) == 7


def test_stream_inside_a_file_that_can_seek(stream: bytes, packets: list[Packet]) -> None:
    file = io.BytesIO(b"something before" + stream)
    file.seek(16)
    reader = Reader(file)
    assert list(reader.packets(reader.index.entries[0])) == packets[1:8]
    assert list(reader) == packets


class Recorder(io.BytesIO):
    """Notes which bytes are read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.spans: list[tuple[int, int]] = []

    def read1(self, size: int | None = -1) -> bytes:
        start = self.tell()
        data = super().read1(size)
        self.spans.append((start, self.tell()))
        return data


def test_random_access_touches_the_index_and_the_gop_alone(header: Header, write: Write) -> None:
    data = large_stream(header, write, gops=30, payload_size=50_000)
    file = Recorder(data)
    reader = Reader(file)
    entry = reader.index.at_frame(42)
    assert len(file.spans) <= 2  # header, tail
    file.spans.clear()
    assert [packet.frame for packet in reader.packets(entry)] == [40, 41, 42, 43]
    assert min(start for start, _ in file.spans) >= entry.offset
    assert max(end for _, end in file.spans) <= entry.end + (1 << 15)


def test_scan_passes_over_payloads(header: Header, write: Write) -> None:
    data = large_stream(header, write, gops=2, payload_size=500_000)
    file = Recorder(data)
    assert len(list(Reader(file).headers())) == 8
    assert sum(end - start for start, end in file.spans) < len(data) // 8


def test_reader_follows_a_pipe_packet_by_packet(header: Header, packets: list[Packet]) -> None:
    read_end, write_end = os.pipe()
    seen = threading.Semaphore(0)
    overtaken = []

    def produce() -> None:
        with os.fdopen(write_end, "wb") as file:
            writer = Writer(file, header)
            for packet in packets:
                writer.write(packet)
                writer.flush()
                overtaken.append(
                    not seen.acquire(timeout=300)
                )  # the next is written only when this one has been read
            writer.finish()

    thread = threading.Thread(target=produce)
    thread.start()
    with os.fdopen(read_end, "rb") as file:
        found = []
        for packet in Reader(file):
            found.append(packet)
            seen.release()
    thread.join()
    assert found == packets
    assert not any(overtaken)


def test_unknown_packet_types_are_skipped(
    opened: Open, header: Header, packets: list[Packet], write: Write
) -> None:
    mixed = [
        item
        for packet in packets
        for item in (Packet(type=99, track=7, gop=5, payload=b"new"), packet)
    ]
    assert list(Reader(opened(write(header, mixed)))) == packets
    reader = Reader(io.BytesIO(write(header, mixed)))
    assert reader._scanned_index() == reader.index
    assert len(reader.index.entries) == 3


def test_broken_file_fails_with_an_error_of_ours(stream: bytes) -> None:
    class Broken(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("connection reset")
            return super().read1(300)

    with pytest.raises(SourceError, match="after byte 300: connection reset"):
        list(Reader(Broken(stream)))


def test_unknown_policy_fails(stream: bytes) -> None:
    with pytest.raises(UsageError, match="raise, skip"):
        Reader(io.BytesIO(stream), on_damage="ignore")


def test_two_streams_in_a_file_are_one_and_surplus_bytes(
    stream: bytes, packets: list[Packet]
) -> None:
    file = io.BytesIO(2 * stream)
    found = list(Reader(file, on_damage="skip"))
    assert found[:-1] == packets
    assert isinstance(found[-1], Damage)
    assert (found[-1].start, found[-1].end) == (len(stream), 2 * len(stream))
    file.seek(0)
    index = Reader(file, on_damage="skip").index
    assert index == Reader(io.BytesIO(stream)).index
    assert index.damage == (found[-1],)
    for act in (list, lambda reader: reader.index):
        file.seek(0)
        with pytest.raises(CorruptStreamError):
            act(Reader(file))


def test_pipe_is_left_behind_the_end_packet(stream: bytes, packets: list[Packet]) -> None:
    class Endless(io.RawIOBase):
        """Blocks, here fails, when read beyond the stream."""

        file = io.BytesIO(stream)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:
            assert self.file.tell() < len(stream), (
                "the reader waits for bytes that it does not need"
            )
            return self.file.readinto(buffer)

    assert list(Reader(Endless())) == packets


def test_packets_can_be_copied_to_a_new_stream(stream: bytes, header: Header, write: Write) -> None:
    def intact(items: Iterator[Packet | Damage]) -> Iterator[Packet]:
        return (item for item in items if isinstance(item, Packet))

    assert write(header, intact(iter(Reader(io.BytesIO(stream))))) == stream
    assert (
        write(replace(header, software="other"), intact(iter(Reader(io.BytesIO(stream))))) != stream
    )
