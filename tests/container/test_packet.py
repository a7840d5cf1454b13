import pytest

from streamcodec._native import crc32c
from streamcodec.container import Packet, PacketType
from streamcodec.container.format import pack_varint
from streamcodec.container.packet import (
    PREFIX_SIZE,
    PacketHeader,
    check_payload,
    header_size,
    pack_packet,
    unpack_packet_header,
)
from streamcodec.errors import CorruptStreamError, TruncatedStreamError, UsageError

MAX = (1 << 63) - 1
FRAME = Packet(
    type=PacketType.FRAME, key=True, gop=2, frame=300, pts=-1, duration=512, payload=b"payload"
)


def unpack(data: bytes, offset: int) -> PacketHeader:
    """Header of the packet that `data` starts with, as the reader reads it."""
    return unpack_packet_header(data[: header_size(data[:PREFIX_SIZE], offset)], offset)


def raw_header(middle: bytes, *, size: int | None = None, sync: bytes = b"\xd7\x8b") -> bytes:
    """A packet header with right CRC from type on to payload_size, made by the specification alone."""
    head = sync + bytes([len(middle) + 11 if size is None else size]) + middle + bytes(4)
    return head + crc32c(head).to_bytes(4, "little")


def test_bytes_of_a_frame() -> None:
    head = bytes.fromhex("d78b 15 01 01 00 02 ac02 01 8004 07") + crc32c(b"payload").to_bytes(
        4, "little"
    )
    assert pack_packet(FRAME) == head + crc32c(head).to_bytes(4, "little") + b"payload"


@pytest.mark.parametrize(
    "packet",
    [
        FRAME,
        Packet(type=PacketType.AUDIO, track=64, pts=-MAX - 1, duration=MAX, payload=b""),
        Packet(type=PacketType.SUBTITLE, track=255, pts=MAX, payload=b"\xd7\x8b"),
        Packet(type=PacketType.FRAME, b_frame=True, frame=3, payload=b"B"),
        Packet(type=PacketType.FRAME, gop=MAX, frame=MAX, payload=bytes(100_000)),
        Packet(type=200, payload=b"from a newer version"),
        Packet(type=PacketType.AUDIO, track=1, pts=MAX, extension=bytes(190), payload=b"a"),
    ],
)
def test_packet_returns(packet: Packet) -> None:
    data = pack_packet(packet)
    header = unpack(data, 77)
    assert header.end == 77 + len(data)
    payload = data[header.header_size :]
    check_payload(header, payload)
    assert header.with_payload(payload) == packet


def test_p_frame_header_is_small() -> None:
    frame = Packet(
        type=PacketType.FRAME, gop=100, frame=3200, pts=3200 * 512, duration=512, payload=bytes(100)
    )
    assert len(pack_packet(frame)) - 100 <= 24


def test_bytes_of_a_newer_version_are_skipped() -> None:
    header = unpack(raw_header(b"\x01\xff\x00" + b"\1\2\3\4\5" + b"new bytes \x80"), 0)
    assert (
        header.key,
        header.gop,
        header.frame,
        header.pts,
        header.duration,
        header.payload_size,
    ) == (True, 1, 2, -2, 4, 5)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", TruncatedStreamError, "byte 9: the stream ends without an end packet"),
        (b"\xd7\x8b", TruncatedStreamError, "byte 11: the stream ends within a packet header"),
        (
            pack_packet(FRAME)[:-8],
            TruncatedStreamError,
            "byte 29: the stream ends within a packet header",
        ),
        (
            b"\x8b\xd7" + pack_packet(FRAME)[2:],
            CorruptStreamError,
            "sync word is 8bd7, must be d78b",
        ),
        (raw_header(b"\1\0\0\1\2\3\4\5", size=18), CorruptStreamError, "header size is 18"),
        (
            pack_packet(FRAME)[:8] + b"\0" + pack_packet(FRAME)[9:],
            CorruptStreamError,
            "byte 9: CRC of the packet header",
        ),
        (
            raw_header(b"\1\0\0\1\2\3\4" + pack_varint((1 << 28) + 1)),
            CorruptStreamError,
            "payload size is 268435457; must be at most",
        ),
        (raw_header(b"\1\0\0\1\2\3\4\x80"), CorruptStreamError, "ends within a number"),
        (raw_header(b"\1\0\0" + b"\xff" * 9 + b"\x02\2\3\4\5"), CorruptStreamError, "2\\^64"),
        (raw_header(b"\1\0\0" + pack_varint(1 << 63) + b"\2\3\4\5"), CorruptStreamError, "2\\^63"),
        (raw_header(b"\1\0\0\1\2" + pack_varint(2 * MAX) + b"\1\5"), CorruptStreamError, "2\\^63"),
    ],
)
def test_defective_header_fails(data: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        unpack(data, 9)


def test_defective_payload_fails() -> None:
    header = unpack(pack_packet(FRAME), 9)
    with pytest.raises(TruncatedStreamError, match="byte 9: the stream ends within the payload"):
        check_payload(header, b"payloa")
    with pytest.raises(CorruptStreamError, match="byte 9: CRC of the packet's payload"):
        check_payload(header, b"paylaod")


@pytest.mark.parametrize(
    "numbers",
    [
        {"gop": -1},
        {"frame": MAX + 1},
        {"duration": -1},
        {"pts": MAX + 1},
        {"pts": -MAX - 2},
        {"pts": MAX, "duration": 1},
        {"track": 256},
    ],
)
def test_packet_that_cannot_be_stored_fails(numbers: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="accepted"):
        Packet(type=PacketType.FRAME, payload=b"", **numbers)
    with pytest.raises(UsageError, match="accepted"):
        Packet(type=256, payload=b"")


def test_payload_above_the_limit_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamcodec.container.packet.MAX_PAYLOAD_SIZE", 10)
    with pytest.raises(UsageError, match="payload has 11 bytes; accepted: at most 10"):
        Packet(type=PacketType.FRAME, payload=bytes(11))
