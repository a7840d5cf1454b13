import io
import random
import string
from dataclasses import replace
from fractions import Fraction

import pytest

from streamcodec._native import crc32c
from streamcodec.container import (
    AudioTrack,
    Chapter,
    ContentLight,
    Crop,
    Header,
    MasteringDisplay,
    ModelRef,
    Reader,
    SubtitleTrack,
    TrackDetail,
    pack_metadata,
    unpack_metadata,
)
from streamcodec.container.fields import pack_header, unpack_header
from streamcodec.container.format import PROLOGUE, VERSION, pack_blob, pack_varint
from streamcodec.errors import (
    CorruptStreamError,
    TruncatedStreamError,
    UnsupportedStreamError,
    UsageError,
)
from streamcodec.types import ColorSpec, VideoFormat


def prologue(fields: bytes, major: int = 1, minor: int = 0, size: int | None = None) -> bytes:
    """A prologue with a right CRC, made by the specification alone."""
    start = PROLOGUE.pack(
        b"\x89SSF\r\n\x1a\n", major, minor, len(fields) if size is None else size, 0
    )
    return start[:16] + crc32c(fields, crc32c(start[8:16])).to_bytes(4, "little") + fields


def field(number: int, value: bytes, must: bool = False) -> bytes:
    return pack_varint(2 * number + must) + pack_blob(value)


def fields_of(header: Header) -> bytes:
    return pack_header(header)[PROLOGUE.size :]


def minimal() -> Header:
    return Header(video=VideoFormat(1, 1, Fraction(1)), intra=ModelRef("m", bytes(16)))


def test_every_field_returns(header: Header) -> None:
    assert unpack_header(pack_header(header)) == (header, VERSION)


def test_minimal_header_returns() -> None:
    assert unpack_header(pack_header(minimal()))[0] == minimal()


def random_header(rng: random.Random) -> Header:
    def number(high: int, low: int = 1) -> int:
        return rng.choice([low, high, rng.randint(low, high)])

    def ratio() -> Fraction:
        return Fraction(number((1 << 31) - 1), number((1 << 31) - 1))

    def text() -> str:
        return "".join(rng.choices(string.printable + "äß芝\0\U0001f600", k=rng.randrange(12)))

    def maybe(value: object) -> object:
        return rng.choice([None, value])

    video = VideoFormat(
        number(16384),
        number(16384),
        ratio(),
        maybe(ratio()),
        ratio(),
        rng.choice([0, 90, 180, 270]),
        ColorSpec(number(255, 0), number(255, 0), number(255, 0), rng.random() < 0.5),
        number(32),
    )
    numbers = rng.sample(range(1, 65), rng.randrange(6))
    audio = tuple(
        AudioTrack(
            n,
            text(),
            ratio(),
            rng.randbytes(rng.randrange(40)),
            text(),
            sample_rate=number(2**31 - 1),
            channels=number(8),
            layout=text(),
            detail=TrackDetail(number(2**31 - 1, 0), ((text(), text()),) * rng.randrange(3)),
        )
        for n in numbers[::2]
    )
    left, top = rng.randrange(video.width), rng.randrange(video.height)
    return Header(
        video=video,
        intra=ModelRef("m" + text(), rng.randbytes(16)),
        inter=maybe(ModelRef("p" + text(), rng.randbytes(16))),
        frame_format=rng.choice(["rgb", "yuv420"]),
        precision=rng.choice(["fp32", "bf16"]),
        device=text(),
        crop=maybe(
            Crop(left, top, rng.randint(1, video.width - left), rng.randint(1, video.height - top))
        ),
        mastering_display=maybe(
            MasteringDisplay(
                *((number(65535, 0), number(65535, 0)) for _ in range(4)),
                number(2**32 - 1, 0),
                number(2**32 - 1, 0),
            )
        ),
        content_light=maybe(ContentLight(number(65535, 0), number(65535, 0))),
        gop_length=maybe(number((1 << 31) - 1)),
        quality=maybe(number(63, 0)),
        b_frames=number(7, 0),
        audio_tracks=audio,
        subtitle_tracks=tuple(
            SubtitleTrack(n, text(), ratio(), rng.randbytes(3), text()) for n in numbers[1::2]
        ),
        metadata=tuple((text(), text()) for _ in range(rng.randrange(5))),
        chapters=tuple(
            Chapter(-number(2**62), number(2**62), ratio(), ((text(), text()),) * rng.randrange(3))
            for _ in range(rng.randrange(4))
        ),
        software=text(),
    )


def test_random_headers_return() -> None:
    for seed in range(100):
        header = random_header(random.Random(seed))
        assert unpack_header(pack_header(header))[0] == header, seed


def test_order_of_fields_does_not_matter(header: Header) -> None:
    inter = field(5, b"\x01p" + bytes(16), must=True)
    expected = replace(minimal(), inter=ModelRef("p", bytes(16)))
    assert unpack_header(prologue(inter + fields_of(minimal())))[0] == expected
    assert unpack_header(prologue(fields_of(minimal()) + inter))[0] == expected


def test_unknown_field_is_skipped() -> None:
    assert unpack_header(prologue(field(999, b"new") + fields_of(minimal()), minor=7)) == (
        minimal(),
        (1, 7),
    )


def test_unknown_field_that_must_be_understood_fails() -> None:
    with pytest.raises(
        UnsupportedStreamError, match=r"field 999 of format version 1\.7 must be understood.*update"
    ):
        unpack_header(prologue(field(999, b"new", must=True) + fields_of(minimal()), minor=7))


def test_newer_major_version_fails() -> None:
    with pytest.raises(UnsupportedStreamError, match=r"version 2\.3.*update streamcodec"):
        Reader(io.BytesIO(prologue(b"all is different", major=2, minor=3)))


def test_version_zero_fails() -> None:
    with pytest.raises(CorruptStreamError, match=r"version 0\.9"):
        unpack_header(prologue(fields_of(minimal()), major=0, minor=9))


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x00\x18ftypmp42",
        b"\x89SSF\n\x1a\n",
        b"\x89SSF\r\r\n\x1a\n",
        b"\x09SSF\r\n\x1a\n",
        b"RIFF",
    ],
)
def test_other_files_and_text_transfers_fail(data: bytes) -> None:
    with pytest.raises(CorruptStreamError, match=r"not an \.ssf stream"):
        Reader(io.BytesIO(data.ljust(64, b"\0")))


def test_empty_file_fails() -> None:
    with pytest.raises(CorruptStreamError, match="it is empty"):
        Reader(io.BytesIO(b""))


def test_truncated_header_fails_at_every_byte() -> None:
    data = pack_header(minimal())
    for size in range(1, len(data)):
        with pytest.raises(
            TruncatedStreamError, match=f"byte {size}: the stream ends within its header"
        ):
            Reader(io.BytesIO(data[:size]))


def test_header_size_above_the_limit_fails() -> None:
    with pytest.raises(
        CorruptStreamError, match="header size is 4294967295; must be at most 1048576"
    ):
        Reader(io.BytesIO(prologue(fields_of(minimal()), size=0xFFFFFFFF)))


def test_wrong_crc_fails() -> None:
    data = bytearray(pack_header(minimal()))
    data[-1] ^= 1
    with pytest.raises(CorruptStreamError, match="CRC of the header"):
        unpack_header(bytes(data))


def without(fields: bytes, number: int) -> bytes:
    """The fields less one; all tags and sizes of the minimal header take one byte."""
    out, at = b"", 0
    while at < len(fields):
        end = at + 2 + fields[at + 1]
        out += b"" if fields[at] // 2 == number else fields[at:end]
        at = end
    return out


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6, 9, 10, 11, 12, 20])
def test_missing_field_fails(number: int) -> None:
    with pytest.raises(CorruptStreamError, match=r"header: field .* is missing"):
        unpack_header(prologue(without(fields_of(minimal()), number)))


DEFECTS = {
    "size 0": (1, b"\0\x01", "size is 0x1"),
    "size above limit": (1, b"\x01\x81\x80\x01", "size is 1x16385"),
    "picture with surplus": (1, b"\x01\x01\x01", "picture: 1 surplus"),
    "time base over 0": (2, b"\x01\0", "ratio is 1/0"),
    "time base 0": (2, b"\0\x01", "ratio is 0/1"),
    "unknown frame format": (3, b"\x02", "frame format: choice is 2"),
    "model without a name": (4, b"\0" + bytes(16), "name"),
    "model id cut": (
        4,
        b"\x01m" + bytes(15),
        "intra model: 16 bytes are announced and 15 are left",
    ),
    "model name above limit": (4, b"\x80\x02" + b"m" * 256 + bytes(16), "255"),
    "model name no UTF-8": (4, b"\x01\xff" + bytes(16), "UTF-8"),
    "unknown precision": (6, b"\x02\0", "arithmetic: choice is 2"),
    "empty crop": (7, b"\0\0\0\x01", "crop"),
    "crop outside": (7, b"\0\0\x02\x01", "inside the picture of 1x1"),
    "frame rate 0": (8, b"\0\x01", "frame rate: a ratio"),
    "sample aspect ratio over 0": (9, b"\x01\0", "sample aspect ratio: a ratio"),
    "rotation": (10, b"\x04", "rotation is 360"),
    "range": (11, b"\x01\x01\x01\x02", "range is 2"),
    "colour cut": (11, b"\x01\x01\x01", "color"),
    "bit depth 0": (12, b"\0", "bit depth is 0"),
    "bit depth above limit": (12, b"\x21", "bit depth is 33"),
    "mastering display cut": (13, bytes(23), "mastering display"),
    "content light cut": (14, bytes(3), "content light"),
    "GOP length 0": (15, b"\0", "GOP length is 0"),
    "quality": (16, b"\x40", "quality is 64"),
    "track 0": (17, b"\0\0\x01\x01\x01\x01\0\0\0", "number of a track is 0"),
    "track 65": (18, b"\x41\0\x01\x01\0\0", "number of a track is 65"),
    "sample rate 0": (17, b"\x01\0\x01\x01\0\x01\0\0\0", "sample rate is 0"),
    "no channels": (17, b"\x01\0\x01\x01\x01\0\0\0\0", "channels is 0"),
    "lying extradata": (18, b"\x01\0\x01\x01\xff\xff\xff\x7f\0", "announced"),
    "metadata without a value": (19, b"\x01k", "metadata: it ends within a number"),
    "software": (20, b"\x05abc", "software: 5 bytes"),
    "8 B-frames": (23, b"\x08", "number of B-frames in a row is 8"),
    "B-frames cut": (23, b"", "b frames: 1 bytes"),
}


@pytest.mark.parametrize(("number", "value", "message"), DEFECTS.values(), ids=DEFECTS.keys())
def test_defective_field_fails(number: int, value: bytes, message: str) -> None:
    with pytest.raises(CorruptStreamError, match=message):
        unpack_header(prologue(without(fields_of(minimal()), number) + field(number, value)))


def test_field_twice_fails() -> None:
    with pytest.raises(CorruptStreamError, match="field time base comes 2 times"):
        unpack_header(prologue(fields_of(minimal()) + field(2, b"\x01\x01")))


def test_track_number_twice_fails() -> None:
    with pytest.raises(CorruptStreamError, match="every number once"):
        unpack_header(prologue(fields_of(minimal()) + 2 * field(18, b"\x01\0\x01\x01\0\0")))


def test_field_that_lies_about_its_size_fails() -> None:
    with pytest.raises(CorruptStreamError, match="header: 268435455 bytes are announced"):
        unpack_header(prologue(fields_of(minimal()) + b"\x30\xff\xff\xff\x7f"))


def test_header_that_cannot_be_stored_fails() -> None:
    with pytest.raises(UsageError, match="at most 1048576"):
        pack_header(replace(minimal(), metadata=(("key", "x" * (1 << 20)),)))
    with pytest.raises(UsageError, match="16"):
        ModelRef("m", b"short")
    with pytest.raises(UsageError, match="frame format is 'nv12'"):
        replace(minimal(), frame_format="nv12")
    with pytest.raises(UsageError, match="precision"):
        replace(minimal(), precision="fp8")


def test_metadata_packet() -> None:
    pairs = (("a", "1"), ("a", ""), ("ä", "芝士"))
    assert unpack_metadata(pack_metadata(pairs)) == pairs
    assert unpack_metadata(b"") == ()


def test_metadata_packet_fails() -> None:
    with pytest.raises(CorruptStreamError, match="metadata packet"):
        unpack_metadata(pack_metadata([("key", "value")])[:-1])


def test_detail_of_a_track_that_is_not_there_fails() -> None:
    detail = field(21, pack_varint(3) + pack_varint(1))
    with pytest.raises(CorruptStreamError, match=r"track detail is of the tracks \[3\]"):
        unpack_header(prologue(fields_of(minimal()) + detail))


def test_detail_that_comes_twice_fails() -> None:
    track = SubtitleTrack(3, "subrip", Fraction(1, 1000), detail=TrackDetail(1))
    fields = fields_of(replace(minimal(), subtitle_tracks=(track,)))
    with pytest.raises(CorruptStreamError, match="once for a track at most"):
        unpack_header(prologue(fields + field(21, pack_varint(3) + pack_varint(0))))


def test_readers_of_1_0_find_the_tracks_without_their_details() -> None:
    track = AudioTrack(1, "aac", Fraction(1, 48000), sample_rate=48000, channels=2)
    detailed = replace(track, detail=TrackDetail(65, (("title", "Kommentar"),)))
    fields = fields_of(replace(minimal(), audio_tracks=(track,)))
    assert fields_of(replace(minimal(), audio_tracks=(detailed,))).startswith(fields)
