"""Cutting and joining at the borders of GOPs, with nothing coded anew."""

import io
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from streamcodec.cli import run
from streamcodec.container import Header, PacketType, Reader
from streamcodec.editing import ConcatReport, CutReport, concat, cut
from streamcodec.errors import CorruptStreamError, OutputError, UsageError
from streamcodec.types import VideoFormat
from support.streams import stream_of

from .conftest import HEADER, SILENT, packets_of, read

FRAME = 1 / 25

MP4 = b"\0\0\0 ftypisom" + bytes(99)


def cut_out(data: bytes, **options: object) -> tuple[CutReport, bytes]:
    out = io.BytesIO()
    return cut(data, out, **options), out.getvalue()


def joined(*parts: bytes) -> tuple[ConcatReport, bytes]:
    out = io.BytesIO()
    return concat(parts, out), out.getvalue()


@pytest.mark.parametrize(
    ("start", "duration", "first", "frames"),
    [
        (0, None, 0, 12),
        (0, 1 * FRAME, 0, 4),
        (0, 4 * FRAME, 0, 4),
        (0, 4.5 * FRAME, 0, 8),
        (3.9 * FRAME, 1, 0, 12),
        (4.1 * FRAME, None, 4, 8),
        (7 * FRAME, 0.5 * FRAME, 4, 4),
        (7 * FRAME, 2 * FRAME, 4, 8),
        (11 * FRAME, 100, 8, 4),
    ],
)
def test_whole_gops_are_cut(
    header: Header, stream: bytes, start: float, duration: float | None, first: int, frames: int
) -> None:
    report, data = cut_out(stream, start_seconds=start, duration_seconds=duration)
    assert (report.frames, report.gops) == (frames, frames // 4)
    assert report.start_seconds == pytest.approx(first * FRAME)
    assert report.duration_seconds == pytest.approx(frames * FRAME)
    packets = read(data)
    pictures = [packet for packet in packets if packet.type == PacketType.FRAME]
    assert [packet.pts for packet in pictures] == [5 + number for number in range(frames)]
    assert [packet.payload for packet in pictures] == [
        bytes([number // 4, number % 4]) * 20 for number in range(first, first + frames)
    ]
    sound = [packet for packet in packets if packet.type == PacketType.AUDIO]
    if header.audio_tracks:
        assert [(packet.pts, packet.payload) for packet in sound] == [
            (1920 * (5 + number), b"a%d" % (first + number)) for number in range(frames)
        ]


def test_chapters_are_cut_and_moved() -> None:
    _, data = cut_out(stream_of(HEADER, packets_of(HEADER)), start_seconds=4 * FRAME)
    chapters = Reader(io.BytesIO(data)).header.chapters
    assert [(chapter.start - 5, chapter.end - 5) for chapter in chapters] == [(0, 2), (2, 8)]


def test_parts_join_to_the_whole(stream: bytes) -> None:
    parts = [
        cut_out(stream, start_seconds=n * 4 * FRAME, duration_seconds=FRAME)[1] for n in range(3)
    ]
    report, data = joined(*parts)
    assert read(data) == read(stream)
    assert report.starts_seconds == pytest.approx((0, 4 * FRAME, 8 * FRAME))
    assert joined(stream)[1] == stream


def test_each_stream_begins_where_the_one_before_ends() -> None:
    one = stream_of(SILENT, packets_of(SILENT, (2, 3), first_pts=0))
    other = stream_of(
        replace(SILENT, quality=9, gop_length=2), packets_of(SILENT, (4,), first_pts=100)
    )
    report, data = joined(one, other, stream_of(SILENT, []), one)
    assert (report.frames, report.gops) == (14, 5)
    frames = [packet for packet in read(data) if packet.type == PacketType.FRAME]
    assert [frame.pts for frame in frames] == list(range(14))
    assert [frame.frame for frame in frames] == list(range(14))
    header = Reader(io.BytesIO(data)).header
    assert (header.quality, header.gop_length) == (None, 4)


def test_joined_stream_may_have_as_many_b_frames_as_each() -> None:
    def with_b_frames(*numbers: int) -> bytes:
        packets = [
            replace(packet, b_frame=packet.type == PacketType.FRAME and packet.frame in numbers)
            for packet in packets_of(SILENT, (4,))
        ]
        return stream_of(replace(SILENT, b_frames=len(numbers)), packets)

    for one, other in (((1,), (1, 2)), ((1, 2), ()), ((), (2,))):
        report, data = joined(with_b_frames(*one), with_b_frames(*other))
        assert report.frames == 8
        frames = [packet for packet in read(data) if packet.type == PacketType.FRAME]
        found = [frame.frame for frame in frames if frame.b_frame]
        assert found == [*one, *(4 + number for number in other)]
        assert Reader(io.BytesIO(data)).header.b_frames == max(len(one), len(other))
        assert cut_out(data, start_seconds=4 * FRAME)[0].frames == 4


def test_sound_beyond_a_border_is_cut() -> None:
    packets = packets_of(HEADER, (2,), first_pts=0)
    long = [*packets, replace(packets[-2], pts=1920 * 2), replace(packets[-2], pts=1920 * 3)]
    _, data = joined(stream_of(HEADER, long), stream_of(HEADER, packets))
    sound = [packet.pts // 1920 for packet in read(data) if packet.type == PacketType.AUDIO]
    assert sound == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"video": VideoFormat(64, 50, Fraction(1, 25), Fraction(25))}, "video"),
        ({"inter": None, "frame_format": "rgb"}, "inter, frame format"),
        ({"audio_tracks": ()}, "audio tracks"),
    ],
)
def test_streams_that_do_not_fit_fail(tmp_path: Path, change: dict, told: str) -> None:
    other = replace(HEADER, **change)
    paths = [tmp_path / "a.ssf", tmp_path / "b.ssf"]
    for path, header in zip(paths, (HEADER, other), strict=True):
        path.write_bytes(stream_of(header, []))
    with pytest.raises(UsageError, match=rf"b\.ssf differs from the first stream in {told}"):
        concat(paths, tmp_path / "out.ssf")
    assert not (tmp_path / "out.ssf").exists()


def test_damaged_streams_are_refused_by_name(tmp_path: Path, stream: bytes) -> None:
    path, out = tmp_path / "damaged.ssf", tmp_path / "out.ssf"
    path.write_bytes(stream[:-100])
    with pytest.raises(CorruptStreamError, match=r"damaged\.ssf: "):
        concat([path], out)
    with pytest.raises(CorruptStreamError):
        cut(path, out)
    flawed = bytearray(stream)
    flawed[len(stream) // 3] ^= 1
    told = "byte .*; `streamcodec repair` saves what is whole$"
    with pytest.raises(CorruptStreamError, match=f"^{told}"):
        cut(bytes(flawed), out)
    with pytest.raises(CorruptStreamError, match=f"^stream 2: {told}"):
        concat([stream, bytes(flawed)], out)
    for video in (lambda: cut(MP4, out), lambda: concat([MP4], out)):
        with pytest.raises(CorruptStreamError, match=r"it is a video \(MP4\): encode it first$"):
            video()
    path.write_bytes(flawed)
    for join in (lambda: cut(path, out), lambda: concat([stream, path], out)):
        with pytest.raises(CorruptStreamError, match=rf"damaged\.ssf: {told}"):
            join()
    assert not out.exists()


def test_arguments_that_cannot_be_fail(tmp_path: Path, stream: bytes) -> None:
    out = tmp_path / "out.ssf"
    with pytest.raises(UsageError, match=r"start is 0\.48 s; accepted: below 0\.48 s"):
        cut(stream, out, start_seconds=0.48)
    with pytest.raises(UsageError, match="duration"):
        cut(stream, out, duration_seconds=0)
    with pytest.raises(UsageError, match="no frames"):
        cut(stream_of(SILENT, []), out)
    for nothing in ([], "a.ssf", b"x"):
        with pytest.raises(UsageError, match="no streams to join"):
            concat(nothing, out)  # type: ignore[arg-type]
    out.write_bytes(b"before")
    with pytest.raises(OutputError, match="exists"):
        concat([stream], out)
    with pytest.raises(OutputError, match="exists"):
        cut(stream, out)


def test_commands(tmp_path: Path, stream: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    whole, one, two, back = (
        str(tmp_path / f"{name}.ssf") for name in ("whole", "one", "two", "back")
    )
    Path(whole).write_bytes(stream)
    assert run(["cut", whole, one, "--duration", "0.17"]) == 0
    assert "8 frames in 2 GOPs" in (told := capsys.readouterr().err)
    assert "from 0.000 s to 0.320 s, where GOPs begin and end" in told
    assert run(["cut", whole, two, "--start", "0:00.33", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["start_seconds"] == pytest.approx(0.32)
    assert run(["concat", one, two, back]) == 0
    assert "streams begin at 0.000, 0.320 s" in capsys.readouterr().err
    assert read(Path(back).read_bytes()) == read(stream)
    assert run(["concat", one, two, back]) == 1
    other = str(tmp_path / "back.mp4")
    for command in (["cut", one], ["concat", one, two], ["repair", one]):
        capsys.readouterr()
        assert run([*command, other]) == 2
        assert "back.mp4 does not end in .ssf; accepted: a name" in capsys.readouterr().err
    assert not Path(other).exists()
