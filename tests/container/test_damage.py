"""Damaged streams: nothing wrong is delivered as sound, nothing sound is lost, errors are ours, memory stays small."""

import io
import random
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

import streamcodec
from streamcodec._native import crc32c
from streamcodec.container import (
    Damage,
    Header,
    Index,
    Packet,
    PacketHeader,
    PacketType,
    Reader,
    walk,
)
from streamcodec.container.fields import pack_header
from streamcodec.container.format import pack_signed, pack_varint
from streamcodec.container.index import IndexEntry, pack_end, pack_index, unpack_end, unpack_index
from streamcodec.container.packet import pack_packet
from streamcodec.errors import (
    CorruptStreamError,
    FormatError,
    StreamCodecError,
    TruncatedStreamError,
)

from .conftest import Pipe

Write = Callable[[Header, Iterable[Packet]], bytes]
Open = Callable[[bytes], io.IOBase]


@pytest.fixture(scope="module")
def borders(stream: bytes) -> list[int]:
    """Where packets start, and where the last but the index ends."""
    headers = list(Reader(io.BytesIO(stream)).headers())
    return [header.offset for header in headers] + [headers[-1].end]


def sound(items: Iterable[Packet | Damage]) -> list[Packet]:
    return [item for item in items if isinstance(item, Packet)]


def damage(items: Iterable[Packet | Damage]) -> list[Damage]:
    return [item for item in items if isinstance(item, Damage)]


@pytest.mark.slow
def test_truncation_at_every_byte(
    opened: Open, stream: bytes, packets: list[Packet], borders: list[int]
) -> None:
    for size in range(borders[0], len(stream)):
        whole = packets[: sum(end <= size for end in borders[1:])]
        found = list(Reader(opened(stream[:size]), on_damage="skip"))
        assert sound(found) == whole
        assert len(found) == len(whole) + 1
        assert found[-1].end == size
        items = iter(Reader(opened(stream[:size])))
        for packet in whole:
            assert next(items) == packet
        with pytest.raises(TruncatedStreamError):
            next(items)


def test_truncated_file_has_an_index_up_to_its_last_whole_packet(
    stream: bytes, borders: list[int]
) -> None:
    full = Reader(io.BytesIO(stream)).index
    for size in range(borders[0], len(stream)):
        index = Reader(io.BytesIO(stream[:size]), on_damage="skip").index
        frames = [
            h
            for h in Reader(io.BytesIO(stream)).headers()
            if h.type == PacketType.FRAME and h.end <= size
        ]
        assert index.frame_count == len(frames)
        reader = Reader(io.BytesIO(stream[:size]), on_damage="skip")
        in_gops = [item for entry in index.entries for item in sound(reader.packets(entry))]
        assert sum(item.type == PacketType.FRAME for item in in_gops) == len(frames)
        assert sum(entry.frame_count for entry in index.entries) == len(frames)
        assert len(index.damage) == 1
        for entry, whole in zip(index.entries[:-1], full.entries, strict=False):
            assert entry == whole
        with pytest.raises(CorruptStreamError):
            _ = Reader(io.BytesIO(stream[:size])).index


@pytest.mark.slow
@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_every_damaged_byte_of_a_packet_costs_that_packet(
    opened: Open, stream: bytes, packets: list[Packet], borders: list[int], flip: int
) -> None:
    number = 0
    for at in range(borders[0], len(stream)):
        number += number < len(packets) and at >= borders[number + 1]
        broken = bytearray(stream)
        broken[at] ^= flip
        found = list(Reader(opened(bytes(broken)), on_damage="skip"))
        assert sound(found) == packets[:number] + packets[number + 1 :]
        assert len(damage(found)) == 1
        assert damage(found)[0].start <= at < damage(found)[0].end
        with pytest.raises(CorruptStreamError):
            list(Reader(opened(bytes(broken))))


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


def test_nested_lengths_are_read_in_proportion_to_the_size(
    stream: bytes, borders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def check(header: PacketHeader, payload: bytes) -> None:
        read.append(len(payload))
        raise CorruptStreamError("wrong")

    data = stream[: borders[0]] + nested(100_000, PacketType.FRAME)
    monkeypatch.setattr(walk, "check_payload", check)
    found = list(Reader(io.BytesIO(data), on_damage="skip"))
    assert sound(found) == []
    assert sum(read) < 12 * len(data) + (1 << 20)


def test_every_damaged_byte_leaves_a_right_index(
    stream: bytes, packets: list[Packet], borders: list[int]
) -> None:
    full = Reader(io.BytesIO(stream)).index
    copy = stream.rindex(pack_header(Reader(io.BytesIO(stream)).header))
    unread = range(
        stream.rindex(b"\xd7\x8b", 0, copy), len(stream) - 24
    )  # the copy of the header, and the header of the end packet, of which the payload is enough
    for at in range(borders[0], len(stream)):
        broken = bytearray(stream)
        broken[at] ^= 0x10
        reader = Reader(io.BytesIO(broken), on_damage="skip")
        assert reader.index == full
        assert bool(reader.index.damage) == (at >= borders[-1] and at not in unread)
        scanned = reader._scanned_index()
        for entry in scanned.entries:
            frames = [
                packet for packet in sound(reader.packets(entry)) if packet.type == PacketType.FRAME
            ]
            assert all(packet in packets for packet in frames)
            assert all(packet.gop == entry.gop for packet in frames)


@pytest.mark.parametrize("lost", [1, 24, 40, 100])
def test_lost_end_gives_the_same_index_by_scan(stream: bytes, lost: int) -> None:
    reader = Reader(io.BytesIO(stream[:-lost]), on_damage="skip")
    assert reader.index == Reader(io.BytesIO(stream)).index or lost > 60
    assert reader.index.damage


def test_scan_of_a_sound_stream_gives_the_stored_index(stream: bytes) -> None:
    reader = Reader(io.BytesIO(stream))
    assert reader._scanned_index() == reader._stored_index()


def test_lost_frames_are_named(stream: bytes, packets: list[Packet], borders: list[int]) -> None:
    lost = packets.index(
        next(packet for packet in packets if packet.type == PacketType.FRAME and packet.frame == 1)
    )
    broken = bytearray(stream)
    broken[borders[lost]] ^= 1
    index = Reader(io.BytesIO(broken[: len(stream) - 30]), on_damage="skip").index
    assert [(entry.gop, entry.first_frame, entry.frame_count) for entry in index.entries] == [
        (0, 0, 1),
        (1, 3, 1),
        (2, 4, 2),
    ]
    assert index.frame_count == 6
    for frame in (1, 2):
        with pytest.raises(CorruptStreamError, match=f"frame {frame} is lost"):
            index.at_frame(frame)


def test_deleted_bytes_cost_the_packets_that_they_touch(
    opened: Open, stream: bytes, packets: list[Packet], borders: list[int]
) -> None:
    rng = random.Random(1)
    for _ in range(200):
        start = rng.randrange(borders[0], borders[-1])
        stop = min(start + rng.randint(1, 60), borders[-1])
        found = list(Reader(opened(stream[:start] + stream[stop:]), on_damage="skip"))
        intact = [
            packet
            for packet, (left, right) in zip(packets, pairwise(borders), strict=True)
            if right <= start or left >= stop
        ]
        assert [packet for packet in sound(found) if packet in intact] == intact
        assert all(packet in packets for packet in sound(found))  # two halves may meet in a whole
        assert len(sound(found)) <= len(intact) + 1


def test_inserted_bytes_cost_one_packet_at_most(
    opened: Open, stream: bytes, packets: list[Packet], borders: list[int]
) -> None:
    rng = random.Random(2)
    for _ in range(200):
        at = rng.randrange(borders[0], borders[-1])
        noise = rng.randbytes(rng.randint(1, 60)) + b"\xd7\x8b\x14"
        found = list(Reader(opened(stream[:at] + noise + stream[at:]), on_damage="skip"))
        assert sound(found) == [
            packet
            for packet, (left, right) in zip(packets, pairwise(borders), strict=True)
            if not left < at < right
        ]
        assert damage(found)


def test_random_damage_never_delivers_what_was_not_written(
    stream: bytes, packets: list[Packet], opened: Open
) -> None:
    rng = random.Random(3)
    for _ in range(300):
        broken = bytearray(stream)
        for _ in range(rng.randint(1, 20)):
            start = rng.randrange(len(stream))
            broken[start : start + rng.randint(0, 9)] = rng.randbytes(rng.randint(0, 9))
        try:
            for item in Reader(opened(bytes(broken)), on_damage="skip"):
                assert isinstance(item, Damage) or item in packets
        except StreamCodecError:
            pass


def test_random_bytes_are_refused_or_damage(
    stream: bytes, borders: list[int], opened: Open
) -> None:
    rng = random.Random(4)
    for _ in range(100):
        noise = rng.randbytes(rng.randrange(2000)).replace(b"\x00", b"\xd7\x8b")
        with pytest.raises(CorruptStreamError):
            Reader(opened(noise))
        found = list(Reader(opened(stream[: borders[0]] + noise), on_damage="skip"))
        assert [type(item) for item in found] == [Damage]
        with pytest.raises(CorruptStreamError):
            list(Reader(opened(stream[: borders[0]] + noise)))
        assert (
            Reader(io.BytesIO(stream[: borders[0]] + noise), on_damage="skip").index.entries == ()
        )


def test_missing_packet_is_reported_where_it_should_be(
    opened: Open, stream: bytes, packets: list[Packet], borders: list[int]
) -> None:
    frames = [number for number, packet in enumerate(packets) if packet.type == PacketType.FRAME]
    for number in frames[:-1]:
        cut = stream[: borders[number]] + stream[borders[number + 1] :]
        found = list(Reader(opened(cut), on_damage="skip"))
        assert sound(found) == packets[:number] + packets[number + 1 :]
        assert damage(found)
        assert damage(found)[0].start == damage(found)[0].end
        with pytest.raises(CorruptStreamError):
            list(Reader(opened(cut)))


def test_packet_that_comes_twice_is_delivered_once(
    opened: Open, stream: bytes, packets: list[Packet], borders: list[int]
) -> None:
    number = next(number for number, packet in enumerate(packets) if packet.frame == 1)
    twice = stream[: borders[number + 1]] + stream[borders[number] :]
    found = list(Reader(opened(twice), on_damage="skip"))
    assert sound(found) == packets
    assert "numbers must rise" in damage(found)[0].reason
    with pytest.raises(CorruptStreamError, match="numbers must rise"):
        list(Reader(opened(twice)))


def test_packet_of_an_unknown_track_is_not_delivered(
    opened: Open, stream: bytes, packets: list[Packet], borders: list[int]
) -> None:
    stray = pack_packet(Packet(type=PacketType.AUDIO, track=9, payload=b"stray"))
    data = stream[: borders[2]] + stray + stream[borders[2] :]
    found = list(Reader(opened(data), on_damage="skip"))
    assert sound(found) == packets
    assert [(item.end - item.start, "no such track" in item.reason) for item in damage(found)] == [
        (len(stray), True)
    ]


def test_packet_inside_a_payload_is_not_seen_while_the_stream_is_sound(
    opened: Open, header: Header, write: Write
) -> None:
    inner = pack_packet(Packet(type=PacketType.FRAME, key=True, gop=7, frame=70, payload=b"inner"))
    packet = Packet(type=PacketType.FRAME, key=True, payload=b"x" + inner + b"\xd7\x8b")
    assert list(Reader(opened(write(header, [packet])))) == [packet]


def test_announced_length_alone_costs_no_memory(
    opened: Open, stream: bytes, borders: list[int]
) -> None:
    head = bytearray(pack_packet(Packet(type=PacketType.FRAME, key=True, payload=b""))[:10])
    head[2] = 22
    head += pack_varint(1 << 28) + bytes(4)
    head[2] = len(head) + 4
    head += crc32c(bytes(head)).to_bytes(4, "little")
    data = stream[: borders[0]] + bytes(head) + b"little"
    tracemalloc.start()
    with pytest.raises(TruncatedStreamError, match="within the payload"):
        list(Reader(opened(data)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


INDEX = Index((IndexEntry(0, 0, 2, -2, 100, 50), IndexEntry(1, 2, 1, 4, 150, 20)), 9)


def test_index_returns() -> None:
    assert unpack_index(pack_index(INDEX), 170) == INDEX
    assert unpack_index(pack_index(Index((), 0)), 100) == Index((), 0)
    assert unpack_end(pack_end(170, 200), 200) == 170


def numbers(*values: int) -> bytes:
    count, end_pts, offset, pts, *rest = values
    return (
        pack_varint(count)
        + pack_signed(end_pts)
        + pack_varint(offset)
        + pack_signed(pts)
        + b"".join(map(pack_varint, rest))
    )


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "ends within a number"),
        (
            numbers(1 << 62, 9, 100, 0, 0, 1, 70),
            "4611686018427387904 GOPs are announced in 6 bytes",
        ),
        (numbers(1, 9, 100, 0, 0, 0, 70), "0 frames"),
        (numbers(1, 9, 100, 0, 0, 1, 0), "0 bytes"),
        (numbers(1, 9, 100, 0, 0, 4, 70), "4 frames and 70 bytes"),
        (numbers(1, 9, 100, 0, 0, 1 << 40, 70), "1099511627776 frames and 70 bytes"),
        (numbers(1, 9, 100, 0, 5, 1, 70), "pts step 5"),
        (numbers(2, 9, 100, 0, 0, 1, 30, 0, 1, 40), "pts step 0"),
        (numbers(1, 9, 100, 0, 0, 1, 71), "GOPs end at byte 171, the index lies at byte 170"),
        (numbers(2, 3, 100, 0, 0, 1, 30, 4, 1, 40), "ends at pts 3, before its last GOP at 4"),
        (numbers(1, 9, 100, 0, 0, 1, 70) + b"\0", "1 surplus"),
    ],
)
def test_defective_index_fails(payload: bytes, message: str) -> None:
    with pytest.raises(CorruptStreamError, match=f"index: .*{message}"):
        unpack_index(payload, 170)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "does not end with an end packet"),
        (pack_end(170, 200)[:-1] + b"x", "does not end with an end packet"),
        (b"\1" + pack_end(170, 200)[1:], "CRC"),
        (pack_end(170, 199), "the stream has 199 bytes, there are 200"),
        (pack_end(200, 200), "the index lies at byte 200 of 200"),
    ],
)
def test_defective_end_fails(payload: bytes, message: str) -> None:
    with pytest.raises(CorruptStreamError, match=message):
        unpack_end(payload, 200)


def replace_end(stream: bytes, index_offset: int) -> bytes:
    end = pack_packet(Packet(type=PacketType.END, payload=pack_end(index_offset, len(stream))))
    return stream[: -len(end)] + end


@pytest.mark.parametrize(
    ("offset", "message"), [(5, "within the header"), (None, "no index lies at")]
)
def test_end_that_points_elsewhere_fails(
    stream: bytes, borders: list[int], offset: int | None, message: str
) -> None:
    data = replace_end(stream, borders[1] if offset is None else offset)
    with pytest.raises(CorruptStreamError, match=message):
        _ = Reader(io.BytesIO(data)).index
    index = Reader(io.BytesIO(data), on_damage="skip").index
    assert index == Reader(io.BytesIO(stream)).index
    assert message in index.damage[0].reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((0, 0, 1), "less than the index says"),
        ((0, -1, 0), "reaches past byte"),
        ((1, 0, 0), "no packet starts here"),
    ],
)
def test_gop_that_is_not_where_the_index_says_fails(
    stream: bytes, change: tuple[int, int, int], message: str
) -> None:
    reader = Reader(io.BytesIO(stream))
    entry = reader.index.entries[0]
    offset, size, count = change
    lie = IndexEntry(
        0, 0, entry.frame_count + count, entry.pts, entry.offset + offset, entry.size + size
    )
    with pytest.raises(CorruptStreamError, match=message):
        list(reader.packets(lie))
    found = list(Reader(io.BytesIO(stream), on_damage="skip").packets(lie))
    assert damage(found)


def test_damage_of_a_gop_stays_in_it(
    stream: bytes, packets: list[Packet], borders: list[int]
) -> None:
    broken = bytearray(stream)
    broken[borders[3]] ^= 1  # frame 1
    reader = Reader(io.BytesIO(broken), on_damage="skip")
    first, *others = reader.index.entries
    assert sound(reader.packets(first)) == packets[1:3] + packets[4:8]
    assert len(damage(reader.packets(first))) == 1
    assert [packet for entry in others for packet in reader.packets(entry)] == packets[8:]
    assert all(
        isinstance(header, PacketHeader) for entry in others for header in reader.headers(entry)
    )


def test_every_one_of_many_damaged_packets_is_told_once(header: Header, write: Write) -> None:
    count = 5000
    packets = [
        Packet(type=PacketType.FRAME, key=True, gop=number, frame=number, pts=number, payload=b"xy")
        for number in range(count)
    ]
    data = bytearray(write(header, packets))
    for item in Reader(io.BytesIO(data)).headers():
        assert isinstance(item, PacketHeader)
        data[item.end - 1] ^= 1
    report = streamcodec.verify(bytes(data), decode=False)
    assert (report.frames, len(report.problems), len(report.lost)) == (0, count + 1, count)
    assert len(set(report.problems)) == count + 1
