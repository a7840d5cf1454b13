"""Packets of sound and subtitles in a stream: their items, their place, and what damage costs."""

import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction

import pytest

from streamcodec.container import (
    AudioTrack,
    Damage,
    Header,
    ModelRef,
    Packet,
    PacketType,
    Reader,
    SubtitleTrack,
)
from streamcodec.container.packet import MAX_EXTENSION_SIZE, pack_packet
from streamcodec.container.sound import pack_track_packet, unpack_track_packet
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.tracks import TrackPacket
from streamcodec.types import VideoFormat

Write = Callable[[Header, Iterable[Packet]], bytes]
AUDIO = AudioTrack(1, "aac", Fraction(1, 48000), sample_rate=48000, channels=2)
SUBTITLES = SubtitleTrack(2, "webvtt", Fraction(1, 1000))
HEADER = Header(
    video=VideoFormat(8, 8, Fraction(1, 25)),
    intra=ModelRef("m", bytes(16)),
    audio_tracks=(AUDIO,),
    subtitle_tracks=(SUBTITLES,),
)


def stream_with_sound(write: Write) -> tuple[bytes, list[Packet]]:
    """GOPs of 3 frames; two packets of sound behind each frame."""
    packets = []
    for number in range(9):
        packets.append(
            Packet(
                type=PacketType.FRAME,
                key=number % 3 == 0,
                gop=number // 3,
                frame=number,
                pts=number,
                payload=bytes([number]) * 50,
            )
        )
        for half in range(2):
            sound = TrackPacket(1, 1920 * number + 960 * half, bytes([100 + number]) * 30, 960)
            packets.append(pack_track_packet(sound, AUDIO, number // 3))
    return write(HEADER, packets), packets


@pytest.mark.parametrize(
    "packet",
    [
        TrackPacket(1, -1024, b"sound", 1024, trim=(1024, 0)),
        TrackPacket(1, 5, b"", 0, key=False, trim=(0, 2**40)),
        TrackPacket(2, 5, b"Ende.", 3, cue=("1", "align:start line:0%")),
    ],
)
def test_track_packet_returns(packet: TrackPacket) -> None:
    track = AUDIO if packet.track == 1 else SUBTITLES
    packed = pack_track_packet(packet, track, 7)
    assert (packed.gop, packed.frame, packed.track) == (7, 0, packet.track)
    assert unpack_track_packet(packed) == packet


def test_item_too_long_for_a_header_is_left_out() -> None:
    packed = pack_track_packet(TrackPacket(2, 0, b"", cue=("x" * 300, "line:0")), SUBTITLES, 0)
    assert unpack_track_packet(packed).cue == ("", "line:0")


def test_bytes_of_a_trim() -> None:
    packed = pack_track_packet(TrackPacket(1, 0, b"s", trim=(1024, 3)), AUDIO, 0)
    assert packed.extension.hex(" ") == "01 03 80 08 03"
    assert pack_packet(packed)[2] == 19 + 5


def test_unknown_items_are_skipped() -> None:
    packed = replace(pack_track_packet(TrackPacket(1, 0, b"s"), AUDIO, 0), extension=b"\x7f\x02ab")
    assert unpack_track_packet(packed) == TrackPacket(1, 0, b"s")


@pytest.mark.parametrize("extension", [b"\x01", b"\x01\x05\x00", b"\x01\x01\x00", b"\x02\x01\xff"])
def test_malformed_items_fail(extension: bytes) -> None:
    packed = replace(pack_track_packet(TrackPacket(1, 0, b"s"), AUDIO, 0), extension=extension)
    with pytest.raises(CorruptStreamError, match="packet header"):
        unpack_track_packet(packed)


def test_extension_that_does_not_fit_fails() -> None:
    with pytest.raises(UsageError, match="extension of a packet header"):
        Packet(type=PacketType.AUDIO, extension=bytes(MAX_EXTENSION_SIZE + 1), payload=b"")


def test_sound_lies_in_its_gop(write: Write) -> None:
    data, packets = stream_with_sound(write)
    reader = Reader(io.BytesIO(data))
    for entry in reader.index.entries:
        assert list(reader.packets(entry)) == [p for p in packets if p.gop == entry.gop]


@pytest.mark.parametrize("number", [1, 2, 7, 8, 25, 26])
def test_damaged_sound_costs_that_packet_and_no_frame(write: Write, number: int) -> None:
    data, packets = stream_with_sound(write)
    offset = [header.offset for header in Reader(io.BytesIO(data)).headers()][number]
    whole = Reader(io.BytesIO(data)).index
    for at in (offset, offset + 10, offset + 40):
        broken = bytearray(data)
        broken[at] ^= 0x10
        reader = Reader(io.BytesIO(broken), on_damage="skip")
        found = list(reader)
        assert [p for p in found if isinstance(p, Packet)] == packets[:number] + packets[
            number + 1 :
        ]
        assert sum(isinstance(item, Damage) for item in found) == 1
        without_end = Reader(io.BytesIO(broken[:-10]), on_damage="skip")  # the index is lost too
        assert without_end.index.frame_count == 9
        assert [e.frame_count for e in without_end.index.entries] == [3, 3, 3]
        assert [e.offset for e in without_end.index.entries] == [e.offset for e in whole.entries]
