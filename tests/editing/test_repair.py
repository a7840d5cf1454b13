"""A damaged stream to a clean one."""

import io
import json
from pathlib import Path

import pytest

from streamcodec.cli import run
from streamcodec.container import Header, Limits, PacketType, Reader
from streamcodec.editing import RepairReport, repair
from streamcodec.errors import CorruptStreamError, OutputError, SourceError, UnsupportedStreamError
from support.streams import stream_of

from .conftest import HEADER, SILENT, packets_of, read


def repaired(data: bytes, **options: object) -> tuple[RepairReport, bytes]:
    out = io.BytesIO()
    return repair(data, out, **options), out.getvalue()


def headers_of(data: bytes) -> list:
    return list(Reader(io.BytesIO(data)).headers())


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


def frame_at(data: bytes, frame: int) -> int:
    """A byte of the payload of a frame."""
    return next(
        h.end - 1 for h in headers_of(data) if h.type == PacketType.FRAME and h.frame == frame
    )


def test_whole_stream_stays_as_it_is(stream: bytes) -> None:
    report, data = repaired(stream)
    assert data == stream
    assert (report.frames, report.gops, report.size_bytes) == (12, 3, len(stream))
    assert (report.problems, report.lost, report.damage) == ((), (), None)
    assert report.is_complete


def test_damage_beside_the_frames_costs_nothing(header: Header) -> None:
    stream = stream_of(header, packets_of(header))
    first, last = headers_of(stream)[0].offset, headers_of(stream)[-1].end
    for at in (3, 12, first // 2, last + 5, last + 40, len(stream) - 60, len(stream) - 9):
        report, data = repaired(flipped(stream, at))
        assert data == stream
        assert report.lost == ()
        assert report.problems
        assert not report.ends_early


def test_frames_that_cannot_be_decoded_are_left_out() -> None:
    stream = stream_of(SILENT, packets_of(SILENT))
    report, data = repaired(flipped(stream, frame_at(stream, 5)))
    assert report.damage == "3 of 12 frames are lost to damage: frames 5..7 of GOP 1"
    packets = read(data)
    frames = [packet for packet in packets if packet.type == PacketType.FRAME]
    assert [frame.pts - 5 for frame in frames] == [0, 1, 2, 3, 4, 8, 9, 10, 11]
    assert [frame.frame for frame in frames] == list(range(9))
    assert [frame.gop for frame in frames] == [0] * 4 + [1] + [2] * 4
    assert [frame.key for frame in frames] == [True, *[False] * 3, True, True, *[False] * 3]
    hashes = [packet for packet in packets if packet.type == PacketType.GOP_HASH]
    assert [(packet.gop, packet.payload[0]) for packet in hashes] == [(0, 0), (2, 2)]


def test_lost_gop_closes_up() -> None:
    stream = stream_of(SILENT, packets_of(SILENT))
    report, data = repaired(flipped(stream, frame_at(stream, 4)))
    assert str(report.lost[0]) == "frames 4..7 of GOP 1"
    frames = [packet for packet in read(data) if packet.type == PacketType.FRAME]
    assert [(frame.gop, frame.payload[0]) for frame in frames] == [(0, 0)] * 4 + [(1, 2)] * 4


def test_sound_is_kept_where_frames_are_lost() -> None:
    stream = stream_of(HEADER, packets_of(HEADER))
    report, data = repaired(flipped(stream, frame_at(stream, 4)))
    assert report.sound_lost
    assert not report.is_complete
    sound = [packet.payload for packet in read(data) if packet.type == PacketType.AUDIO]
    assert sound == [b"a%d" % frame for frame in range(12)]


def test_hash_of_a_gop_that_lost_sound_alone_is_kept() -> None:
    stream = stream_of(HEADER, packets_of(HEADER))
    sound = [h for h in headers_of(stream) if h.type == PacketType.AUDIO]
    for lost in (1, 6, 10):
        report, data = repaired(flipped(stream, sound[lost].end - 1))
        assert report.lost == ()
        assert sum(packet.type == PacketType.GOP_HASH for packet in read(data)) == 3


@pytest.mark.slow
def test_stream_cut_at_any_byte_is_repaired() -> None:
    stream = stream_of(SILENT, packets_of(SILENT))
    ends = [h.end for h in headers_of(stream) if h.type == PacketType.FRAME]
    for size in range(ends[0], len(stream)):
        report, data = repaired(stream[:size])
        assert report.frames == sum(end <= size for end in ends)
        assert report.ends_early
        assert len([p for p in read(data) if p.type == PacketType.FRAME]) == report.frames


def test_header_is_taken_from_another_stream(stream: bytes) -> None:
    broken = b"x" + stream[1 : headers_of(stream)[-1].end]
    with pytest.raises(CorruptStreamError, match=r"not an \.ssf stream"):
        repaired(broken)
    report, data = repaired(broken, header_from=stream)
    assert data == stream
    assert report.ends_early


def test_stream_without_a_sound_frame_fails(tmp_path: Path, stream: bytes) -> None:
    for frame in (0, 4, 8):
        stream = flipped(stream, frame_at(stream, frame))
    with pytest.raises(CorruptStreamError, match="no frame of the stream can be saved"):
        repair(stream, tmp_path / "out.ssf")
    assert list(tmp_path.iterdir()) == []


def test_stream_of_no_frames_stays() -> None:
    empty = stream_of(SILENT, [])
    assert repaired(empty)[1] == empty


def test_what_cannot_be_repaired_fails(tmp_path: Path, stream: bytes) -> None:
    with pytest.raises(SourceError):
        repair(tmp_path / "none.ssf", tmp_path / "out.ssf")
    (tmp_path / "out.ssf").write_bytes(b"before")
    with pytest.raises(OutputError, match="exists"):
        repair(stream, tmp_path / "out.ssf")
    with pytest.raises(UnsupportedStreamError, match="limit gops"):
        repaired(stream, limits=Limits(gops=2))
    newer = flipped(stream, 10)  # the minor version, with a right checksum
    with pytest.raises(CorruptStreamError):
        repaired(newer[:-200])
    assert (tmp_path / "out.ssf").read_bytes() == b"before"


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream = stream_of(SILENT, packets_of(SILENT))
    broken, out = tmp_path / "broken.ssf", tmp_path / "out.ssf"
    broken.write_bytes(flipped(stream, frame_at(stream, 5)))
    assert run(["repair", str(broken), str(out)]) == 4
    assert "frames 5..7 of GOP 1" in capsys.readouterr().err
    assert run(["repair", str(broken), str(out)]) == 1
    assert run(["repair", str(broken), str(out), "-y", "--json"]) == 4
    facts = json.loads(capsys.readouterr().out)
    assert (facts["lost_frames"], facts["frames"], facts["ends_early"]) == (3, 9, False)
    assert run(["repair", str(out), str(tmp_path / "again.ssf"), "--quiet"]) == 0
    assert (tmp_path / "again.ssf").read_bytes() == out.read_bytes()
    (tmp_path / "noise.ssf").write_bytes(b"noise" * 100)
    assert run(["repair", str(tmp_path / "noise.ssf"), str(tmp_path / "no.ssf")]) == 3
    assert not (tmp_path / "no.ssf").exists()
