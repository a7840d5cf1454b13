"""B-frames in a stream: where they may lie, and what is lost of them."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from streamcodec.container import (
    Decodable,
    Header,
    Losses,
    Packet,
    PacketType,
    Reader,
    Writer,
    pack_header,
)
from streamcodec.container.packet import pack_packet
from streamcodec.errors import CorruptStreamError, UsageError

from .conftest import damage, sound

GOLDEN = (Path(__file__).parent / "golden" / "v1.2-full.ssf").read_bytes()


@pytest.fixture
def most_two(header: Header) -> Header:
    return replace(header, b_frames=2)


def frames(types: str) -> list[Packet]:
    """One a letter; K is a key frame that says of itself that it is a B-frame, # the hash of a GOP."""
    packets, gop, number = [], -1, 0
    for letter in types:
        if letter == "#":
            packets.append(Packet(type=PacketType.GOP_HASH, gop=gop, payload=bytes(16)))
            continue
        gop += letter in "IK"
        packets.append(
            Packet(
                type=PacketType.FRAME,
                key=letter in "IK",
                b_frame=letter in "BK",
                gop=gop,
                frame=number,
                pts=number,
                duration=1,
                payload=bytes([number]),
            )
        )
        number += 1
    return packets


DEFECTS = [
    ("IBBB", 2, "frame 3 is B-frame 3 in a row; the header says 2 at most"),
    ("IPB", 0, "frame 2 is B-frame 1 in a row; the header says 0 at most"),
    ("IPK", 2, "key frame 2 is a B-frame; must be an I-frame"),
    ("IPBI", 2, "frame 2 is a B-frame and the last of GOP 0; must have an I- or P-frame behind it"),
    ("IPB#", 2, "frame 2 is a B-frame and the last of GOP 0"),
]


@pytest.mark.parametrize(("types", "most", "message"), DEFECTS)
def test_writer_refuses_b_frames_where_there_can_be_none(
    header: Header, types: str, most: int, message: str
) -> None:
    writer = Writer(io.BytesIO(), replace(header, b_frames=most))
    *before, last = frames(types)
    for packet in before:
        writer.write(packet)
    with pytest.raises(UsageError, match=message):
        writer.write(last)


def test_stream_does_not_end_with_a_b_frame(most_two: Header) -> None:
    file = io.BytesIO()
    writer = Writer(file, most_two)
    for packet in frames("IPB"):
        writer.write(packet)
    with pytest.raises(UsageError, match="cannot end here: frame 2 is a B-frame"):
        writer.finish()
    writer.write(frames("IPBP")[-1])
    writer.finish()
    assert len(list(Reader(io.BytesIO(file.getvalue())))) == 4


@pytest.mark.parametrize(("types", "most", "message"), DEFECTS)
def test_reader_reports_b_frames_where_there_can_be_none(
    header: Header, types: str, most: int, message: str
) -> None:
    packets = frames(types)
    end = Packet(type=PacketType.END, payload=bytes(24))
    data = pack_header(replace(header, b_frames=most)) + b"".join(map(pack_packet, [*packets, end]))
    found = list(Reader(io.BytesIO(data), on_damage="skip"))
    assert message in damage(found)[0].reason
    delivered = packets if "the last of" in message else packets[:-1]
    assert sound(found) == delivered
    with pytest.raises(CorruptStreamError, match=message):
        list(Reader(io.BytesIO(data)))


def test_end_within_a_run_is_reported(most_two: Header) -> None:
    end = Packet(type=PacketType.END, payload=bytes(24))
    data = pack_header(most_two) + b"".join(map(pack_packet, [*frames("IPB"), end]))
    found = damage(Reader(io.BytesIO(data), on_damage="skip"))
    assert ["is a B-frame and the last of GOP 0" in item.reason for item in found] == [True]


def test_gop_that_ends_within_a_run_is_reported(most_two: Header) -> None:
    """Also where only that GOP is read: its index entry says that it has as many frames."""
    file = io.BytesIO()
    writer = Writer(file, most_two)
    for packet in frames("IBP"):
        writer.write(packet)
    writer.finish()
    data = file.getvalue()
    entry = Reader(io.BytesIO(data)).index.entries[0]
    last = list(Reader(io.BytesIO(data)).headers())[-1]
    cut = replace(entry, frame_count=2, size=last.offset - entry.offset)
    with pytest.raises(CorruptStreamError, match="frame 1 is a B-frame and the last of GOP 0"):
        list(Reader(io.BytesIO(data)).packets(cut))


def decodable(packets: Sequence[Packet]) -> list[int]:
    gathered: Decodable[Packet] = Decodable()
    return [frame.frame for packet in packets for frame in gathered.add(packet)]


@pytest.mark.parametrize(
    ("types", "missing", "left"),
    [
        ("IBBPBP", [], [0, 1, 2, 3, 4, 5]),
        ("IBBPBP", [3], [0]),
        ("IBBPBP", [2], [0]),
        ("IBBPBP", [5], [0, 1, 2, 3]),
        ("IBBPIBP", [3], [0, 4, 5, 6]),
        ("IBBPIBP", [0], [4, 5, 6]),
        ("IBBPIBP", [4], [0, 1, 2, 3]),
    ],
)
def test_b_frames_need_the_frame_behind_them(
    types: str, missing: list[int], left: list[int]
) -> None:
    packets = [packet for packet in frames(types) if packet.frame not in missing]
    assert decodable(packets) == left
    losses = Losses()
    for packet in packets:
        losses.packet(packet)
    losses.ends(len(types))
    index = Reader(io.BytesIO(GOLDEN)).index
    lost = [
        number
        for loss in losses.named(index)
        for number in range(loss.first_frame, loss.last_frame + 1)
    ]
    assert lost == [number for number in range(len(types)) if number not in left]


def test_index_of_a_stream_cut_anywhere_holds_what_can_be_decoded() -> None:
    whole = Reader(io.BytesIO(GOLDEN))
    headers = [item for item in whole.headers() if item.type == PacketType.FRAME]
    packets = [packet for packet in whole if packet.type == PacketType.FRAME]
    for size in range(headers[0].offset, len(GOLDEN), 3):
        reader = Reader(io.BytesIO(GOLDEN[:size]), on_damage="skip")
        left = [
            packet for packet, header in zip(packets, headers, strict=True) if header.end <= size
        ]
        assert reader.index.frame_count == len(left)
        in_gops = [
            packet.frame
            for entry in reader.index.entries
            for packet in sound(reader.packets(entry))
            if packet.type == PacketType.FRAME
        ]
        assert in_gops == decodable(left)
        assert sum(entry.frame_count for entry in reader.index.entries) == len(in_gops)
