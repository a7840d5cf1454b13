#!/usr/bin/env python3
"""Writes the golden streams of the current format version into tests/container/golden.

A golden stream is kept for ever, so that every later version is tested to read what this one wrote: run this once for a new format version
(the file names carry it), never over files that exist. Beside each stream lies a listing of its packets.

    python tools/golden/make_golden_streams.py
"""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from streamcodec.container import (
    AudioTrack,
    ContentLight,
    Crop,
    Header,
    MasteringDisplay,
    ModelRef,
    Packet,
    PacketType,
    SubtitleTrack,
    Writer,
    pack_metadata,
)
from streamcodec.container.sound import pack_track_packet
from streamcodec.tracks import Chapter, TrackDetail, TrackPacket
from streamcodec.types import ColorSpec, VideoFormat

GOLDEN = Path(__file__).parents[2] / "tests" / "container" / "golden"

FULL_HEADER = Header(
    video=VideoFormat(
        width=1921,
        height=1079,
        time_base=Fraction(1001, 30000),
        frame_rate=Fraction(30000, 1001),
        sample_aspect_ratio=Fraction(64, 45),
        rotation_degrees=270,
        color=ColorSpec(primaries=9, transfer=16, matrix=9, full_range=True),
        bit_depth=10,
    ),
    intra=ModelRef("dct-intra", bytes(range(16))),
    inter=ModelRef("dct-inter", bytes(range(240, 256))),
    frame_format="yuv420",
    precision="bf16",
    device="cuda",
    crop=Crop(left=1, top=2, width=1900, height=1000),
    mastering_display=MasteringDisplay(
        (35400, 14600), (8500, 39850), (6550, 2300), (15635, 16450), 10_000_000, 50
    ),
    content_light=ContentLight(max_content=1000, max_frame_average=400),
    gop_length=3,
    quality=63,
    audio_tracks=(
        AudioTrack(
            1,
            "aac",
            Fraction(1, 48000),
            bytes.fromhex("1190"),
            "eng",
            sample_rate=48000,
            channels=2,
            layout="stereo",
        ),
        AudioTrack(
            2, "opus", Fraction(1, 1000), b"OpusHead", sample_rate=48000, channels=6, layout="5.1"
        ),
    ),
    subtitle_tracks=(SubtitleTrack(64, "subrip", Fraction(1, 1000), language="deu"),),
    metadata=(("title", "Käse 芝士"), ("comment", ""), ("title", "a second title")),
    software="streamcodec 0.1.0",
)

EMPTY_HEADER = Header(
    video=VideoFormat(16, 16, Fraction(1, 25)), intra=ModelRef("bmshj2018-factorized", bytes(16))
)


def full_packets() -> list[Packet]:
    """Three GOPs of 3, 1 and 2 frames with sound, subtitles, hashes and notes; pts are uneven and start below zero."""
    packets = [Packet(type=PacketType.METADATA, payload=pack_metadata([("scene", "one")]))]
    pts = -2
    for frame, gop in enumerate((0, 0, 0, 1, 2, 2)):
        key = frame in (0, 3, 4)
        packets.append(
            Packet(
                type=PacketType.FRAME,
                key=key,
                gop=gop,
                frame=frame,
                pts=pts,
                duration=1 + frame,
                payload=bytes([frame]) * (7 * frame),
            )
        )
        packets.append(
            Packet(
                type=PacketType.AUDIO,
                key=True,
                track=1,
                pts=1601 * frame - 1024,
                duration=1601,
                payload=b"sound" * (frame % 3),
            )
        )
        if frame in (2, 3, 5):
            packets.append(Packet(type=PacketType.GOP_HASH, gop=gop, payload=bytes([gop]) * 16))
        pts += 1 + frame
    packets.append(
        Packet(type=PacketType.SUBTITLE, track=64, pts=1 << 40, duration=1 << 35, payload=b"Ende.")
    )
    return packets


def header_1_1() -> Header:
    """With all that version 1.1 has brought."""
    detail = TrackDetail(disposition=65, tags=(("title", "Ton"), ("handler_name", "")))
    return replace(
        FULL_HEADER,
        audio_tracks=(
            replace(FULL_HEADER.audio_tracks[0], detail=detail),
            FULL_HEADER.audio_tracks[1],
        ),
        chapters=(
            Chapter(-2, 4, Fraction(1001, 30000), (("title", "Anfang"),)),
            Chapter(133, 634, Fraction(1, 1000)),
        ),
    )


def packets_1_1() -> list[Packet]:
    """The same: sound with samples to trim, a cue of WebVTT, and an item that no reader knows."""
    sound = TrackPacket(1, -1024, b"sound", 1024, trim=(1024, 7))
    cue = TrackPacket(64, 5, b"Ende.", 3, cue=("1", "align:start"))
    audio, subtitles = FULL_HEADER.audio_tracks[0], FULL_HEADER.subtitle_tracks[0]
    unknown = Packet(
        type=PacketType.AUDIO, track=2, gop=2, pts=9, extension=b"\x7f\x01x", payload=b"o"
    )
    behind = [pack_track_packet(sound, audio, 2), pack_track_packet(cue, subtitles, 2), unknown]
    return [*full_packets(), *behind]


def newest_header() -> Header:
    """With all that versions behind 1.0 have brought."""
    return replace(header_1_1(), b_frames=3)


def newest_packets() -> list[Packet]:
    """The same: frame 1 is a B-frame, and a fourth GOP of 7 frames has runs of 3 and of 1 B-frames, with sound in one."""
    packets = [
        replace(packet, b_frame=packet.type == PacketType.FRAME and packet.frame == 1)
        for packet in packets_1_1()
    ]
    for frame in range(6, 13):
        packets.append(
            Packet(
                type=PacketType.FRAME,
                key=frame == 6,
                b_frame=frame in (7, 8, 9, 11),
                gop=3,
                frame=frame,
                pts=100 + frame,
                duration=1,
                payload=bytes([frame]) * frame,
            )
        )
        if frame == 8:
            packets.append(
                Packet(type=PacketType.AUDIO, key=True, track=1, gop=3, pts=60_000, payload=b"s")
            )
    return [*packets, Packet(type=PacketType.GOP_HASH, gop=3, frame=6, payload=bytes(16))]


def main() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, header, packets in (
        ("v1.2-full", newest_header(), newest_packets()),
        ("v1.2-empty", EMPTY_HEADER, []),
    ):
        with (GOLDEN / f"{name}.ssf").open("xb") as file:
            writer = Writer(file, header)
            for packet in packets:
                writer.write(packet)
            writer.finish()
        (GOLDEN / f"{name}.jsonl").write_text(
            "".join(f"{json.dumps(describe(packet))}\n" for packet in packets)
        )


def describe(packet: Packet) -> dict[str, object]:
    """A packet as plain values, payload in hexadecimal."""
    numbers = {
        name: int(getattr(packet, name))
        for name in ("type", "key", "track", "gop", "frame", "pts", "duration")
    }
    items: dict[str, object] = {"extension": packet.extension.hex()} if packet.extension else {}
    items |= {"b_frame": 1} if packet.b_frame else {}
    return {**numbers, **items, "payload": packet.payload.hex()}


if __name__ == "__main__":
    main()
