"""Streams to edit: the codec does not matter to them."""

import io
from collections.abc import Sequence
from fractions import Fraction

import pytest

from streamcodec.container import (
    AudioTrack,
    Header,
    ModelRef,
    Packet,
    PacketType,
    Reader,
    SubtitleTrack,
)
from streamcodec.tracks import Chapter
from streamcodec.types import VideoFormat
from support.streams import stream_of

HEADER = Header(
    video=VideoFormat(64, 48, Fraction(1, 25), Fraction(25)),
    intra=ModelRef("i", bytes(16)),
    inter=ModelRef("p", bytes(16)),
    frame_format="yuv420",
    gop_length=4,
    quality=32,
    audio_tracks=(AudioTrack(1, "aac", Fraction(1, 48000), sample_rate=48000, channels=2),),
    subtitle_tracks=(SubtitleTrack(2, "subrip", Fraction(1, 1000)),),
    metadata=(("title", "one"),),
    chapters=(Chapter(5, 11, Fraction(1, 25)), Chapter(11, 17, Fraction(1, 25))),
    software="streamcodec test",
)
SILENT = Header(**{**vars(HEADER), "audio_tracks": (), "subtitle_tracks": (), "chapters": ()})


def packets_of(header: Header, gops: Sequence[int] = (4, 4, 4), first_pts: int = 5) -> list[Packet]:
    """GOPs with these numbers of frames, a packet of sound behind each frame, a hash behind each GOP, one subtitle."""
    packets, frame = [], 0
    for gop, count in enumerate(gops):
        for number in range(count):
            pts = first_pts + frame
            payload = bytes([gop, number]) * 20
            packets.append(
                Packet(
                    type=PacketType.FRAME,
                    key=number == 0,
                    gop=gop,
                    frame=frame,
                    pts=pts,
                    duration=1,
                    payload=payload,
                )
            )
            if header.audio_tracks:
                packets.append(
                    Packet(
                        type=PacketType.AUDIO,
                        key=True,
                        track=1,
                        gop=gop,
                        pts=1920 * pts,
                        duration=1920,
                        payload=b"a%d" % frame,
                    )
                )
            frame += 1
        if gop == 1 and header.subtitle_tracks:
            packets.append(
                Packet(
                    type=PacketType.SUBTITLE,
                    track=2,
                    gop=gop,
                    pts=40 * pts,
                    duration=80,
                    payload=b"text",
                )
            )
        packets.append(
            Packet(
                type=PacketType.GOP_HASH, gop=gop, frame=frame - count, payload=bytes([gop]) * 16
            )
        )
    return packets


def read(data: bytes) -> list[Packet]:
    """Of a stream that must be whole."""
    reader = Reader(io.BytesIO(data))
    packets = [packet for packet in reader if isinstance(packet, Packet)]
    assert reader.index.damage == ()
    return packets


@pytest.fixture(params=[HEADER, SILENT], ids=["sound", "silent"])
def header(request: pytest.FixtureRequest) -> Header:
    return request.param


@pytest.fixture
def stream(header: Header) -> bytes:
    """12 frames in 3 GOPs."""
    return stream_of(header, packets_of(header))
