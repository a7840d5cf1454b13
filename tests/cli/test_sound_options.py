"""--audio and --subtitles, and what the commands say of tracks."""

import json
from pathlib import Path

import pytest

from streamcodec import cli
from support.sounding import SRT, Sounding, tracks_of, write_sounding

FAST = ["-q", "10", "--preset", "fast"]


def run(*words: str | Path) -> int:
    return cli.run([str(word) for word in words])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    what = Sounding(subtitles=[(SRT, "ger")], attachment=b"font", chapters=[(0, 1440, "alles")])
    return write_sounding(tmp_path_factory.mktemp("sound") / "in.mkv", what)


def test_notes_are_one_line(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("encode", source, tmp_path / "a.ssf", *FAST) == 0
    said = capsys.readouterr().err
    assert said.count("note:") == 1
    assert f"streamcodec: note: {source}: its attachment is not kept\n" in said
    assert "of it sound and subtitles" in said
    assert run("encode", source, tmp_path / "b.ssf", *FAST, "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_tracks_are_left_out_both_ways(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream, back = tmp_path / "a.ssf", tmp_path / "back.mkv"
    assert run("encode", source, stream, *FAST, "--audio", "none") == 0
    assert run("decode", stream, back) == 0
    assert [track[0] for track in tracks_of(back)] == ["subrip"]
    assert run("encode", source, stream, *FAST, "-y") == 0
    assert run("decode", stream, back, "--subtitles", "none", "-y") == 0
    assert [track[0] for track in tracks_of(back)] == ["aac"]
    capsys.readouterr()
    assert run("decode", stream, tmp_path / "back.mp4") == 1
    assert "name the output .mkv, or leave the subtitles out (--subtitles none)" in (
        capsys.readouterr().err
    )
    assert run("decode", stream, tmp_path / "a.y4m") == 0
    assert "note: " in capsys.readouterr().err


def test_info_lists_tracks_and_chapters(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("encode", source, tmp_path / "a.ssf", *FAST, "--quiet") == 0
    assert run("info", tmp_path / "a.ssf") == 0
    said = capsys.readouterr().out
    assert "1: aac, 48000 Hz, stereo" in said
    assert "2: subrip, ger" in said
    assert "0.000 s alles" in said
    assert run("info", tmp_path / "a.ssf", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["audio_tracks"][0]["sample_rate"] == 48000
    assert facts["subtitle_tracks"][0]["language"] == "ger"
    assert facts["chapters"] == [{"start_seconds": 0.0, "end_seconds": 1.44, "title": "alles"}]
