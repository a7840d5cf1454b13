"""Damaged streams: nothing wrong is delivered as sound, nothing sound is lost, errors are ours, memory stays small."""

import io
import random
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import pytest

import streamcodec
from streamcodec._native import crc32c
from streamcodec.container import Damage, Header, Packet, PacketHeader, PacketType, Reader, walk
from streamcodec.container.format import pack_varint
from streamcodec.container.packet import pack_packet
from streamcodec.errors import CorruptStreamError, StreamCodecError, TruncatedStreamError

from .conftest import Write, damage, nested, sound

Open = Callable[[bytes], io.IOBase]


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
