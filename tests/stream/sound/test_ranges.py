"""Sound, subtitles and chapters of ranges and parts, and where in the stream they lie."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

import streamcodec
from streamcodec.container import PacketHeader, PacketType, Reader
from streamcodec.parts import encode_part, join_parts, plan_video
from support.sounding import SRT, Sound, Sounding, frame_times, packets_of, write_sounding

from .coding import SETTINGS, between, there_and_back

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "what",
    [
        Sounding([Sound(first=24000)]),  # begins behind the pictures
        Sounding(first_frame=20),  # and before them
        Sounding([Sound(samples=20000)]),  # is shorter
        Sounding([Sound(samples=200_000)]),  # and longer
        Sounding([Sound(samples=20000), Sound("flac", first=30000, samples=90000)]),
    ],
)
def test_sound_need_not_begin_or_end_with_the_pictures(tmp_path: Path, what: Sounding) -> None:
    source = write_sounding(tmp_path / "in.mkv", what)
    back = there_and_back(source, tmp_path / "back.mkv")
    assert packets_of(back) == packets_of(source)
    assert frame_times(back) == frame_times(source)


@pytest.mark.parametrize("where", ["encode", "decode"])
@pytest.mark.parametrize(
    ("start", "duration", "frames"),
    [(0.4, None, None), (0.5, 0.6, None), (0.2, None, 9), (0, 0.7, 3)],
)
def test_ranges_have_their_sound(
    tmp_path: Path, where: str, start: float, duration: float | None, frames: int | None
) -> None:
    source = write_sounding(tmp_path / "in.mp4", Sounding())
    prefix = "encode_" if where == "encode" else ""
    chosen = {"start_seconds": start, "duration_seconds": duration, "max_frames": frames}
    options = {prefix + name: value for name, value in chosen.items()}
    back = there_and_back(source, tmp_path / "back.mp4", **options)
    [sent], [found], times = packets_of(source), packets_of(back), frame_times(back)
    every, wish = frame_times(source), Fraction(start).limit_denominator(100)
    chosen_times = [time for time in every if time >= wish][: len(times)]
    moved = chosen_times[0] - times[0]
    assert times == [time - moved for time in chosen_times]
    end = None if duration is None and frames is None else chosen_times[-1] + Fraction(1, 25)
    begin = chosen_times[0] if start else Fraction(-1)
    wanted = between(sent, wish if where == "decode" and start else begin, end)
    assert [packet[2] for packet in found] == [packet[2] for packet in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        assert abs(ours[0] + moved - theirs[0]) <= Fraction(1, 48000)
    first = min(times[0], found[0][0]) if start else times[0]
    assert abs(first) <= Fraction(1, 1000)  # as exact as Matroska's times


def test_sound_before_the_pictures_is_heard_from_0_on(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.mkv", Sounding([Sound("flac")], first_frame=20))
    back = there_and_back(source, tmp_path / "back.mp4")
    [sent], [found] = packets_of(source), packets_of(back)
    assert [packet[2] for packet in found] == [packet[2] for packet in sent]
    assert found[0][0] == 0
    assert frame_times(back) == frame_times(source)
    assert frame_times(back)[0] == Fraction(4, 5)


@pytest.mark.parametrize("where", ["encode", "decode"])
def test_subtitle_that_is_shown_at_the_start_is_kept(tmp_path: Path, where: str) -> None:
    source = write_sounding(tmp_path / "in.mkv", Sounding(subtitles=[(SRT, "ger")]))
    name = "encode_start_seconds" if where == "encode" else "start_seconds"
    back = there_and_back(source, tmp_path / "back.mkv", **{name: 0.64})
    sound, (one, two) = packets_of(back)
    assert (one[2], two[2]) == (b"Eins", b"Zwei")
    assert one[0] == 0  # not 0.44 s before the pictures, which would move them
    assert abs(one[1] - Fraction(26, 100)) <= Fraction(1, 40)
    assert abs(two[0] - Fraction(36, 100)) <= Fraction(1, 40)
    assert abs(min(frame_times(back)[0], sound[0][0])) <= Fraction(1, 1000)
    late = there_and_back(source, tmp_path / "late.mkv", **{name: 0.92})
    assert [packet[2] for packet in packets_of(late)[1]] == [b"Zwei"]


@pytest.mark.parametrize(
    "chosen", [{}, {"start_seconds": 0.3}, {"start_seconds": 0.1, "max_frames": 25}]
)
def test_parts_are_a_straight_encode(tmp_path: Path, chosen: dict[str, Any]) -> None:
    sounds = [Sound(samples=100_000), Sound("flac", first=10_000, samples=40_000)]
    source = write_sounding(tmp_path / "in.mkv", Sounding(sounds, [(SRT, "ger")]))
    whole = tmp_path / "whole.ssf"
    report = streamcodec.encode(source, whole, **SETTINGS, **chosen)
    plan = plan_video(source, **SETTINGS, **chosen)
    assert len(plan.gops) >= 4
    runs = [range(0, 1), range(1, 3), range(3, len(plan.gops))]
    parts = [tmp_path / f"{run.start}.part.ssf" for run in runs]
    for run, part in zip(runs, parts, strict=True):
        encode_part(source, plan, run, part)
    joined = join_parts(plan, parts, tmp_path / "joined.ssf")
    assert (tmp_path / "joined.ssf").read_bytes() == whole.read_bytes()
    assert joined.track_bytes == report.track_bytes > 0
    assert joined.bpp == report.bpp


def sound_first(source: Path, out: Path) -> Path:
    """The same packets; two encodes of the pictures need not be the same."""
    options = {"max_interleave_delta": "1"}
    with av.open(str(source)) as container, av.open(str(out), "w", container_options=options) as to:
        streams = [to.add_stream_from_template(stream) for stream in container.streams]
        packets = [packet for packet in container.demux() if packet.size]
        for packet in sorted(packets, key=lambda packet: packet.stream.type):
            packet.stream = streams[packet.stream.index]
            to.mux(packet)
    return out


def test_sound_that_lies_apart_in_the_file_is_dealt_out_all_the_same(tmp_path: Path) -> None:
    streams = []
    together = write_sounding(tmp_path / "together.mkv", Sounding())
    apart = sound_first(together, tmp_path / "apart.mkv")
    for source, interleaved in ((together, True), (apart, False)):
        with av.open(str(source)) as container:
            kinds = [p.stream.type for p in container.demux() if p.size]
        assert (set(kinds[:60]) == {"audio"}) != interleaved  # all sound, then all pictures
        streamcodec.encode(source, tmp_path / "out.ssf", **SETTINGS)
        with (tmp_path / "out.ssf").open("rb") as file:
            streams.append(list(Reader(file)))
        (tmp_path / "out.ssf").unlink()
    assert streams[0] == streams[1]


def test_sound_lies_behind_the_frame_that_is_shown(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.mp4", Sounding())
    streamcodec.encode(source, tmp_path / "out.ssf", **SETTINGS)
    with (tmp_path / "out.ssf").open("rb") as file:
        reader = Reader(file)
        audio, video = reader.header.audio_tracks[0].time_base, reader.header.video.time_base
        shown, gop = Fraction(-100), 0
        for header in reader.headers():
            assert isinstance(header, PacketHeader)
            if header.type == PacketType.FRAME:
                shown, gop = header.pts * video, header.gop
            elif header.type == PacketType.AUDIO:
                assert header.gop == gop
                assert header.pts * audio >= shown or header.gop == 0
                assert header.pts * audio < shown + Fraction(1, 25) or gop == 4


@pytest.mark.parametrize("where", ["encode_", ""])
def test_range_has_its_chapters(tmp_path: Path, where: str) -> None:
    chapters = [(0, 400, "eins"), (400, 900, "zwei"), (900, 1440, "drei")]
    source = write_sounding(tmp_path / "in.mkv", Sounding(chapters=chapters))
    chosen = {f"{where}start_seconds": 0.44, f"{where}duration_seconds": 0.4}
    back = there_and_back(source, tmp_path / "back.mkv", **chosen)
    again = tmp_path / "again.ssf"
    streamcodec.encode(back, again, **SETTINGS)
    with streamcodec.open(again) as video:
        assert [dict(chapter.tags)["title"] for chapter in video.header.chapters] == ["zwei"]
