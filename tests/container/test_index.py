"""The index of GOPs: read, scanned where the stream is damaged, and refused where it says what is not so."""

import io

import pytest

from streamcodec.container import Index, Packet, PacketHeader, PacketType, Reader
from streamcodec.container.fields import pack_header
from streamcodec.container.format import pack_signed, pack_varint
from streamcodec.container.index import IndexEntry, pack_end, pack_index, unpack_end, unpack_index
from streamcodec.container.packet import pack_packet
from streamcodec.errors import CorruptStreamError

from .conftest import damage, sound


@pytest.mark.slow
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
def test_every_damaged_byte_leaves_a_right_index(
    stream: bytes, packets: list[Packet], borders: list[int]
) -> None:
    full = Reader(io.BytesIO(stream)).index
    copy = stream.rindex(pack_header(Reader(io.BytesIO(stream)).header))
    unread = range(
        stream.rindex(b"\xd7\x8b", 0, copy), len(stream) - 24
    )  # the copy of the header, and the header of the end packet: its payload is enough
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
