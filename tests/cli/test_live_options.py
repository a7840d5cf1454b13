import json
from pathlib import Path
from types import ModuleType

import pytest

import streamcodec
from streamcodec.cli import run
from support.growing import growing

pytestmark = pytest.mark.usefixtures("tiny_models")

TINY = ["--intra", "tiny-intra", "--inter", "tiny-inter"]


@pytest.fixture(scope="module")
def clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 frames of 96x64."""
    path: Path = synthetic.write_clip(tmp_path_factory.mktemp("live") / "clip.mp4", 24)
    return path


@pytest.fixture
def stream(clip: Path, tmp_path: Path) -> Path:
    path = tmp_path / "whole.ssf"
    assert run(["encode", str(clip), str(path), *TINY, "--gop", "6", "--scenecut", "0"]) == 0
    return path


def test_info_tells_gops_as_they_come(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = stream.with_name("grows.ssf")
    with growing(path, stream.read_bytes()):
        assert run(["info", "--follow", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0][:12] for line in lines[:4]] == ["frame key at"] * 4
    assert "gop 2 frame 12" in lines[2]
    assert run(["info", str(stream)]) == 0
    assert lines[4:] == capsys.readouterr().out.splitlines()


def test_info_gives_an_object_a_line(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = stream.with_name("grows.ssf")
    with growing(path, stream.read_bytes()):
        assert run(["info", "--follow", "--packets", "--json", str(path)]) == 0
    *packets, whole = map(json.loads, capsys.readouterr().out.splitlines())
    assert [packet["frame"] for packet in packets if packet["type"] == "frame"] == list(range(24))
    assert packets[0]["key"]
    assert whole["frames"] == 24


def test_decode_and_verify_follow(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = stream.with_name("grows.ssf")
    for command in (["verify", str(path)], ["decode", str(path), str(stream.with_name("v.mp4"))]):
        with growing(path, stream.read_bytes()):
            assert run([*command, "--follow", "--quiet"]) == 0
    assert stream.with_name("v.mp4").exists()
    assert capsys.readouterr().err == ""


def test_stream_that_does_not_end_fails(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = stream.with_name("short.ssf"), stream.with_name("v.y4m")
    path.write_bytes(stream.read_bytes()[:-50])
    command = ["decode", str(path), str(out), "--follow", "--follow-timeout", "0.05", "--quiet"]
    assert run(command) == 3
    assert "has not grown for 0.05 s, the --follow-timeout, and its end" in capsys.readouterr().err
    assert not out.exists()
    assert run([*command, "--on-damage", "skip"]) == 0
    with streamcodec.open(path, on_damage="skip") as video:
        assert len(video) == 24


def test_missing_file_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "no.ssf")
    for command in (["info"], ["verify"], ["decode", "--quiet"]):
        out = [str(tmp_path / "v.y4m")] if command[0] == "decode" else []
        assert run([*command, missing, *out, "--follow", "--follow-timeout", "0.05"]) == 1
        assert "has not appeared for 0.05 s, the --follow-timeout;" in capsys.readouterr().err
        assert run([*command, missing, *out]) == 1
        assert "No such file" in capsys.readouterr().err


def test_low_latency(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "v.ssf"
    assert run(["encode", str(clip), str(path), "--low-latency", *TINY]) == 0
    assert "24 frames" in capsys.readouterr().err
    for other in (["--jobs", "2"], ["--resume"]):
        assert run(["encode", str(clip), str(path), "-y", "--low-latency", *other, *TINY]) == 2
    assert streamcodec.verify(path).ok
