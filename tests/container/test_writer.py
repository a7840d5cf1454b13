import errno
import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from streamcodec.container import Header, Index, Packet, PacketType, Reader, Writer
from streamcodec.errors import OutputError, UsageError

KEY = Packet(type=PacketType.FRAME, key=True, pts=5, payload=b"I")


class Trickle(io.RawIOBase):
    """Takes three bytes a call, and none after `limit`."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.data = bytearray()
        self.limit = limit

    def write(self, data: memoryview) -> int:
        if len(self.data) >= self.limit:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.data += bytes(data[:3])
        return min(3, len(data))


def test_unbuffered_file_gets_every_byte(
    header: Header, packets: list[Packet], stream: bytes
) -> None:
    file = Trickle()
    writer = Writer(file, header)
    for packet in packets:
        writer.write(packet)
        assert writer.size_bytes == len(file.data)
    writer.finish()
    assert bytes(file.data) == stream
    assert writer.size_bytes == len(stream)


@pytest.mark.parametrize("limit", [0, 700, 900, 940])
def test_full_disk_fails_and_ends_the_stream(
    header: Header, packets: list[Packet], limit: int
) -> None:
    writer = None
    with pytest.raises(OutputError, match="No space left"):
        writer = Writer(file := Trickle(limit), header)
        for packet in packets:
            writer.write(packet)
        writer.finish()
    if writer is not None:
        file.limit = 1 << 30
        with pytest.raises(UsageError, match="failed"):
            writer.finish()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame": 2}, "frames 1..1 are missing"),
        ({"frame": 0}, "frame 0 comes after frame 0; numbers must rise"),
        ({"pts": 5}, "pts 5 after pts 5"),
        ({"gop": 1}, "frame 1 has GOP 1; must be 0"),
        ({"key": True}, "key frame 1 of GOP 0 comes after a frame of GOP 0"),
        ({"key": True, "gop": 2}, "key frame 1 has GOP 2; must be 1"),
        ({"track": 1}, "track 1; the header has no such track"),
        (
            {"type": PacketType.AUDIO, "track": 64},
            "type 2 has track 64; the header has no such track",
        ),
        ({"type": PacketType.SUBTITLE, "track": 0}, "type 3 has track 0"),
        ({"type": PacketType.GOP_HASH, "gop": 1}, "hash of GOP 1 comes in GOP 0"),
        ({"type": PacketType.INDEX}, "written by finish"),
        ({"type": PacketType.END}, "written by finish"),
    ],
)
def test_broken_order_fails(header: Header, changes: dict[str, int], message: str) -> None:
    writer = Writer(io.BytesIO(), header)
    writer.write(KEY)
    following = Packet(type=PacketType.FRAME, frame=1, pts=6, payload=b"P")
    with pytest.raises(UsageError, match=message):
        writer.write(replace(following, **changes))
    writer.write(following)  # the refused packet has changed nothing


@pytest.mark.parametrize("changes", [{"key": False}, {"frame": 1}, {"gop": 1}])
def test_stream_that_does_not_start_with_key_frame_0_fails(
    header: Header, changes: dict[str, int]
) -> None:
    with pytest.raises(UsageError, match="packet cannot be written"):
        Writer(io.BytesIO(), header).write(replace(KEY, **changes))


def test_finished_stream_takes_no_packet(header: Header) -> None:
    writer = Writer(io.BytesIO(), header)
    writer.finish()
    for act in (writer.finish, lambda: writer.write(KEY)):
        with pytest.raises(UsageError, match="finished"):
            act()


def test_empty_stream(header: Header, write: Callable[..., bytes]) -> None:
    reader = Reader(io.BytesIO(write(header, [])))
    assert list(reader) == []
    assert reader.index == Index((), 0)
    assert reader.index.frame_count == 0


def test_index_above_the_limit_is_left_out(
    header: Header,
    packets: list[Packet],
    write: Callable[..., bytes],
    stream: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streamcodec.container.writer.MAX_PAYLOAD_SIZE", 10)
    short = write(header, packets)
    assert len(short) < len(stream)
    assert Reader(io.BytesIO(short)).index == Reader(io.BytesIO(stream)).index
    assert list(Reader(io.BytesIO(short))) == packets
