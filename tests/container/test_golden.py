"""Streams of every format version stay readable."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from streamcodec.container import Header, Packet, PacketType, Reader
from streamcodec.container.format import PROLOGUE
from streamcodec.container.sound import unpack_track_packet

GOLDEN = Path(__file__).parent / "golden"
Write = Callable[[Header, list[Packet]], bytes]
NAMES = sorted(path.stem for path in GOLDEN.glob("*.ssf"))


def test_there_are_golden_streams() -> None:
    assert {f"v1.{minor}-{name}" for minor in range(3) for name in ("full", "empty")} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_golden_stream_is_read(golden: ModuleType, name: str) -> None:
    with (GOLDEN / f"{name}.ssf").open("rb") as file:
        reader = Reader(file)
        listing = (GOLDEN / f"{name}.jsonl").read_text().splitlines()
        assert [golden.describe(packet) for packet in reader] == [
            json.loads(line) for line in listing
        ]
        assert reader.index == reader._scanned_index()


def test_header_of_version_1_0() -> None:
    reader = Reader(io.BytesIO((GOLDEN / "v1.0-full.ssf").read_bytes()))
    header, video = reader.header, reader.header.video
    assert reader.version == (1, 0)
    assert (video.width, video.height, video.rotation_degrees, video.bit_depth) == (
        1921,
        1079,
        270,
        10,
    )
    assert [
        str(ratio) for ratio in (video.time_base, video.frame_rate, video.sample_aspect_ratio)
    ] == ["1001/30000", "30000/1001", "64/45"]
    assert (
        video.color.primaries,
        video.color.transfer,
        video.color.matrix,
        video.color.full_range,
    ) == (9, 16, 9, True)
    assert (header.intra.name, header.intra.id.hex()) == (
        "dct-intra",
        "000102030405060708090a0b0c0d0e0f",
    )
    assert header.inter is not None
    assert (header.inter.name, header.inter.id.hex()) == (
        "dct-inter",
        "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
    )
    assert (header.frame_format, header.precision, header.device) == ("yuv420", "bf16", "cuda")
    assert header.crop is not None
    assert (header.crop.left, header.crop.top, header.crop.width, header.crop.height) == (
        1,
        2,
        1900,
        1000,
    )
    assert header.mastering_display is not None
    assert (header.mastering_display.green, header.mastering_display.max_luminance) == (
        (8500, 39850),
        10_000_000,
    )
    assert header.content_light is not None
    assert (header.content_light.max_content, header.content_light.max_frame_average) == (1000, 400)
    assert (header.gop_length, header.quality, header.software) == (3, 63, "streamcodec 0.1.0")
    assert [
        (t.number, t.codec, t.sample_rate, t.channels, t.layout, t.extradata, t.language)
        for t in header.audio_tracks
    ] == [
        (1, "aac", 48000, 2, "stereo", b"\x11\x90", "eng"),
        (2, "opus", 48000, 6, "5.1", b"OpusHead", ""),
    ]
    assert [(t.number, t.codec, str(t.time_base), t.language) for t in header.subtitle_tracks] == [
        (64, "subrip", "1/1000", "deu")
    ]
    assert header.metadata == (("title", "Käse 芝士"), ("comment", ""), ("title", "a second title"))


@pytest.mark.parametrize("name", ["full", "empty"])
def test_writer_still_writes_the_bytes_of_version_1_2(
    golden: ModuleType, write: Write, name: str
) -> None:
    header, packets = (
        (golden.newest_header(), golden.newest_packets())
        if name == "full"
        else (golden.EMPTY_HEADER, [])
    )
    assert write(header, packets) == (GOLDEN / f"v1.2-{name}.ssf").read_bytes()


def test_frames_of_version_1_2() -> None:
    reader = Reader(io.BytesIO((GOLDEN / "v1.2-full.ssf").read_bytes()))
    assert (reader.version, reader.header.b_frames) == ((1, 2), 3)
    frames = [packet for packet in reader if packet.type == PacketType.FRAME]
    assert [packet.frame for packet in frames if packet.b_frame] == [1, 7, 8, 9, 11]
    assert [packet.frame for packet in frames if packet.key] == [0, 3, 4, 6]


def test_writer_still_writes_the_fields_and_packets_of_version_1_1(
    golden: ModuleType, write: Write
) -> None:
    data = write(golden.header_1_1(), golden.packets_1_1())
    old = (GOLDEN / "v1.1-full.ssf").read_bytes()
    assert without_versions(data) == without_versions(old)


def test_header_of_version_1_1(golden: ModuleType) -> None:
    reader = Reader(io.BytesIO((GOLDEN / "v1.1-full.ssf").read_bytes()))
    assert reader.version == (1, 1)
    assert [(c.start, c.end, str(c.time_base), c.tags) for c in reader.header.chapters] == [
        (-2, 4, "1001/30000", (("title", "Anfang"),)),
        (133, 634, "1/1000", ()),
    ]
    detail = reader.header.audio_tracks[0].detail
    assert (detail.disposition, detail.tags) == (65, (("title", "Ton"), ("handler_name", "")))
    sound, cue = [
        unpack_track_packet(packet)
        for packet in reader
        if isinstance(packet, Packet) and packet.extension and packet.track != 2
    ]
    assert (sound.trim, cue.cue) == ((1024, 7), ("1", "align:start"))
    damaged = (GOLDEN / "v1.1-full.ssf").read_bytes()
    assert Reader(io.BytesIO(b"x" + damaged[1:]), on_damage="skip").header == reader.header


def test_writer_still_writes_the_fields_and_packets_of_version_1_0(stream: bytes) -> None:
    golden = (GOLDEN / "v1.0-full.ssf").read_bytes()
    before_end = slice(
        PROLOGUE.size, len(golden) - 43
    )  # version 1.1 has its copy of the header there
    assert stream[before_end] == golden[before_end]


def without_versions(data: bytes) -> bytes:
    """A stream from its first field to its index."""
    return data[PROLOGUE.size : [*Reader(io.BytesIO(data)).headers()][-1].end]
