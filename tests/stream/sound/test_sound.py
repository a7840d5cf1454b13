"""Sound, subtitles, chapters and tags through a stream and back: the packets are the same, at the same times."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamcodec
from streamcodec.container import PacketHeader, PacketType, Reader
from streamcodec.errors import CorruptStreamError, OutputError, SourceError, UsageError
from streamcodec.parts import plan_video
from streamcodec.video.tracks import read
from support.pipes import Pipe
from support.sounding import (
    ASS,
    SRT,
    Sound,
    Sounding,
    frame_times,
    packets_of,
    tracks_of,
    write_sounding,
)

from .coding import CODEC_OPTIONS, SETTINGS, between, there_and_back

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("aac", ".mp4"),
        ("aac", ".mkv"),
        ("aac", ".mov"),
        ("libopus", ".mkv"),
        ("libopus", ".webm"),
        ("libopus", ".mp4"),
        ("libmp3lame", ".mp4"),
        ("libmp3lame", ".mkv"),
        ("flac", ".mkv"),
        ("pcm_s16le", ".mov"),
        ("pcm_s16le", ".mkv"),
        ("ac3", ".mkv"),
    ],
)
def test_packets_times_and_trims_return(tmp_path: Path, codec: str, suffix: str) -> None:
    source = write_sounding(tmp_path / f"in{suffix}", Sounding([Sound(codec, language="ger")]))
    back = there_and_back(source, tmp_path / f"back{suffix}")
    [sent], [found] = packets_of(source), packets_of(back)
    assert found == sent
    assert frame_times(back) == frame_times(source)
    assert tracks_of(back) == tracks_of(source)


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_delay_of_the_encoder_goes_into_other_containers(tmp_path: Path, suffix: str) -> None:
    source = write_sounding(tmp_path / "in.mp4", Sounding([Sound("libopus")]))
    back = there_and_back(source, tmp_path / f"back{suffix}")
    [sent], [found] = packets_of(source), packets_of(back)
    assert [packet[2] for packet in found] == [packet[2] for packet in sent]
    assert found[0][3] == sent[0][3] == [("skip_samples", bytes.fromhex("38010000000000000000"))]
    assert max(abs(a[0] - b[0]) for a, b in zip(sent, found, strict=True)) <= Fraction(1, 1000)
    assert frame_times(back) == frame_times(source)


def test_headers_of_aac_in_a_transport_stream_are_taken_off(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.ts", Sounding())
    back = there_and_back(source, tmp_path / "back.mp4")
    [sent], [found] = packets_of(source), packets_of(back)
    assert [packet[2] for packet in found] == [packet[2][7:] for packet in sent]
    first = frame_times(source)[0] - frame_times(back)[0]
    shifts = [a[0] - b[0] - first for a, b in zip(sent, found, strict=True)]
    assert max(map(abs, shifts)) <= Fraction(1, 40000)


def test_tracks_keep_language_title_and_disposition(tmp_path: Path) -> None:
    sounds = [Sound(language="ger", title="Ton"), Sound("flac", language="eng", disposition=0x20)]
    subtitles = [(SRT, "fre"), (ASS, "jpn")]
    source = write_sounding(tmp_path / "in.mkv", Sounding(sounds, subtitles))
    back = there_and_back(source, tmp_path / "back.mkv")
    assert tracks_of(back) == tracks_of(source)
    assert [track[:2] for track in tracks_of(back)] == [
        ("aac", "ger"),
        ("flac", "eng"),
        ("subrip", "fre"),
        ("ass", "jpn"),
    ]
    assert packets_of(back) == packets_of(source)


def test_text_of_mp4_returns(tmp_path: Path) -> None:
    texts = [(200, 700, "Eins"), (1000, 400, "Zwei")]
    source = write_sounding(tmp_path / "in.mp4", Sounding(mov_text=texts))
    back = there_and_back(source, tmp_path / "back.mp4")
    assert packets_of(back) == packets_of(source)
    assert any(packet[2] == b"\0\4Zwei" for packet in packets_of(back)[1])


def test_chapters_and_tags_return_and_brands_do_not(tmp_path: Path) -> None:
    chapters = [(0, 500, "Anfang"), (500, 1440, "Ende")]
    what = Sounding(chapters=chapters, tags={"title": "Käse", "comment": "a"})
    source = write_sounding(tmp_path / "in.mp4", what)
    report = streamcodec.encode(source, tmp_path / "out.ssf", **SETTINGS)
    assert report.notes == ()
    with streamcodec.open(tmp_path / "out.ssf") as video:
        tags = dict(video.header.metadata)
        assert (tags["title"], tags["comment"]) == ("Käse", "a")
        assert not {"major_brand", "minor_version", "compatible_brands"} & set(tags)
        found = [(c.start_seconds, c.end_seconds, dict(c.tags)) for c in video.header.chapters]
    assert [(float(a), float(b), tags["title"]) for a, b, tags in found] == [
        (0, 0.5, "Anfang"),
        (0.5, 1.44, "Ende"),
    ]
    back = there_and_back(source, tmp_path / "back.mkv")
    again = streamcodec.encode(back, tmp_path / "again.ssf", **SETTINGS)
    assert again.notes == ()
    with streamcodec.open(tmp_path / "again.ssf") as video:
        assert [dict(c.tags)["title"] for c in video.header.chapters] == ["Anfang", "Ende"]


def test_what_is_not_kept_is_noted(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.avi", Sounding([Sound("adpcm_ms")]))
    report = streamcodec.encode(source, tmp_path / "a.ssf", **SETTINGS)
    [note] = report.notes
    assert note.startswith("its audio track 1 (adpcm_ms) is not kept")
    source = write_sounding(tmp_path / "in.mkv", Sounding(attachment=b"font"))
    report = streamcodec.encode(source, tmp_path / "b.ssf", **SETTINGS)
    assert report.notes == ("its attachment is not kept",)
    assert plan_video(source, **SETTINGS).notes == report.notes


def test_tracks_can_be_left_out(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.mkv", Sounding(subtitles=[(SRT, "ger")]))
    report = streamcodec.encode(source, tmp_path / "a.ssf", **SETTINGS, audio="none")
    assert report.notes == ()
    with streamcodec.open(tmp_path / "a.ssf") as video:
        assert [track.codec for track in video.header.tracks] == ["subrip"]
    assert len(tracks_of(there_and_back(source, tmp_path / "b.mkv", subtitles="none"))) == 1
    with pytest.raises(UsageError, match=r"audio is 'no'; accepted: copy, none"):
        streamcodec.encode(source, tmp_path / "c.ssf", **SETTINGS, audio="no")  # type: ignore[arg-type]


def test_track_that_does_not_fit_fails_before_anything_is_decoded(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.mkv", Sounding(subtitles=[(SRT, "ger")]))
    with pytest.raises(
        OutputError,
        match=r"\.mp4 file cannot hold subtitle track 2 \(subrip\); name .*\.mkv.*--subtitles none",
    ):
        there_and_back(source, tmp_path / "back.mp4")
    with pytest.raises(OutputError, match=r"\.webm file cannot hold audio track 1 \(aac\)"):
        there_and_back(source, tmp_path / "back.webm", encode_overwrite=True)
    assert not (tmp_path / "back.mp4").exists()


def test_pictures_alone_have_a_note(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.mp4", Sounding())
    streamcodec.encode(source, tmp_path / "out.ssf", **SETTINGS)
    report = streamcodec.decode(tmp_path / "out.ssf", tmp_path / "out.y4m")
    assert report.notes == (
        "audio track 1 (aac): not kept, y4m and pictures have no room for tracks",
    )


def test_pipe_brings_its_sound(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.mkv", Sounding(subtitles=[(SRT, "ger")]))
    streamcodec.encode(Pipe(source.read_bytes()), tmp_path / "out.ssf", **SETTINGS)
    streamcodec.decode(tmp_path / "out.ssf", tmp_path / "back.mkv", codec_options=CODEC_OPTIONS)
    assert packets_of(tmp_path / "back.mkv") == packets_of(source)


def test_stream_from_a_pipe_decodes_with_its_sound(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.mp4", Sounding())
    streamcodec.encode(source, tmp_path / "out.ssf", **SETTINGS)
    pipe = Pipe((tmp_path / "out.ssf").read_bytes())
    streamcodec.decode(pipe, tmp_path / "back.mp4", codec_options=CODEC_OPTIONS)
    assert packets_of(tmp_path / "back.mp4") == packets_of(source)


def test_sound_too_far_ahead_in_a_pipe_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "MAX_QUEUED_BYTES", 10)
    source = write_sounding(tmp_path / "in.mkv", Sounding())
    with pytest.raises(SourceError, match="sound comes too far ahead of the pictures"):
        streamcodec.encode(Pipe(source.read_bytes()), tmp_path / "out.ssf", **SETTINGS)


def test_sound_that_cannot_be_read_on_ends_on_demand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_sounding(tmp_path / "in.mp4", Sounding())
    take = read._Clock.take

    def broken(clock: Any, packet: Any) -> Any:
        if packet.pts is not None and packet.pts > 20_000:
            raise OSError("the disk is gone")
        return take(clock, packet)

    monkeypatch.setattr(read._Clock, "take", broken)
    with pytest.raises(SourceError, match=r"cannot read audio track 1 \(aac\) of .*disk is gone"):
        streamcodec.encode(source, tmp_path / "out.ssf", **SETTINGS)
    report = streamcodec.encode(source, tmp_path / "out.ssf", **SETTINGS, on_error="skip")
    assert report.frames == 36
    [note] = report.notes
    assert note.startswith("what is damaged is left out (cannot read audio track 1")
    streamcodec.decode(tmp_path / "out.ssf", tmp_path / "back.mp4", codec_options=CODEC_OPTIONS)
    [sent], [found] = packets_of(source), packets_of(tmp_path / "back.mp4")
    assert [packet[2] for packet in found] == [packet[2] for packet in sent[: len(found)]]
    assert 0 < len(found) < len(sent)


def damage(stream: Path, kind: PacketType, number: int) -> None:
    """Flip a bit of the payload of the packet of this number among those of a kind."""
    data = bytearray(stream.read_bytes())
    headers = [h for h in Reader(io.BytesIO(data)).headers() if isinstance(h, PacketHeader)]
    of_kind = [header for header in headers if header.type == kind]
    data[of_kind[number].end - 1] ^= 1
    stream.write_bytes(data)


def test_damaged_packet_of_sound_costs_itself(tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "in.mp4", Sounding())
    stream = tmp_path / "out.ssf"
    streamcodec.encode(source, stream, **SETTINGS)
    damage(stream, PacketType.AUDIO, 20)
    with pytest.raises(CorruptStreamError):
        streamcodec.decode(stream, tmp_path / "back.mp4", codec_options=CODEC_OPTIONS)
    report = streamcodec.decode(
        stream, tmp_path / "back.mp4", codec_options=CODEC_OPTIONS, on_damage="skip"
    )
    [sent], [found] = packets_of(source), packets_of(tmp_path / "back.mp4")
    assert [p[:1] + p[2:] for p in found] == [p[:1] + p[2:] for p in sent[:20] + sent[21:]]
    assert report.frames == 36
    assert report.lost == ()
    assert report.damage is not None
    assert report.damage.startswith("one place is damaged: no frame is known to be lost")


@pytest.mark.parametrize("on_damage", ["skip", "conceal"])
@pytest.mark.parametrize("start", [0.0, 0.2])
def test_lost_frames_cost_no_sound(tmp_path: Path, on_damage: str, start: float) -> None:
    source = write_sounding(tmp_path / "in.mp4", Sounding())
    stream = tmp_path / "out.ssf"
    streamcodec.encode(source, stream, b_frames=0, **SETTINGS)
    damage(stream, PacketType.FRAME, 12)
    report = streamcodec.decode(
        stream,
        tmp_path / "back.mp4",
        codec_options=CODEC_OPTIONS,
        start_seconds=start,
        on_damage=on_damage,  # type: ignore[arg-type]
    )
    [sent], [found] = packets_of(source), packets_of(tmp_path / "back.mp4")
    wanted = between(sent, Fraction(1, 5), None) if start else sent
    assert [packet[2] for packet in found] == [packet[2] for packet in wanted]
    assert sum(loss.frames for loss in report.lost) == 4
    assert report.concealed == (4 if on_damage == "conceal" else 0)
