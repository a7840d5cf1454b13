import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.cli.options import parse_kbit_per_second
from streamcodec.errors import UsageError

pytestmark = pytest.mark.usefixtures("tiny_models")

TINY = ["--intra", "tiny-intra", "--inter", "tiny-inter"]


@pytest.fixture(scope="session")
def small_clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """6 frames, 48x32."""
    path: Path = synthetic.write_clip(
        tmp_path_factory.mktemp("clips") / "small.mkv", 6, size=(48, 32)
    )
    return path


def test_table_of_qualities(small_clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", str(small_clip), "-q", "10", "-q", "50", *TINY]) == 0
    heads, first, second, sample = capsys.readouterr().out.splitlines()
    for head in ("quality", "size", "bpp", "kbit/s", "PSNR", "time to encode"):
        assert head in heads
    assert (first.split()[0], second.split()[0]) == ("10", "50")
    assert sample.startswith("from 6 of 6 frames")


def test_usual_qualities_as_json(small_clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", str(small_clip), "--json", "--frames", "2", *TINY]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [row["quality"] for row in facts["predictions"]] == [0, 16, 32, 48, 63]
    assert (facts["frames"], facts["target"], facts["found"], facts["reached"]) == (
        2,
        None,
        None,
        True,
    )


def test_search_tells_what_encode_does(
    small_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.ssf"
    assert run(["search", str(small_clip), "--json", "--target-bpp", "2.5", *TINY]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["target"] == {"measure": "bpp", "value": 2.5}
    assert run(["encode", str(small_clip), str(out), "--target-bpp", "2.5", *TINY]) == 0
    assert f"quality {facts['found']['quality']}" in capsys.readouterr().err
    assert out.stat().st_size == facts["found"]["size_bytes"]
    assert streamcodec.open(out).metadata.quality == facts["found"]["quality"]


@pytest.mark.parametrize("command", ["search", "encode"])
def test_target_out_of_reach_is_a_warning(
    command: str, small_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = [str(tmp_path / "out.ssf")] if command == "encode" else []
    assert run([command, str(small_clip), *out, "--target-psnr", "80", "--quiet", *TINY]) == 0
    said = capsys.readouterr()
    assert "warning: 80.00 dB PSNR is out of reach: quality 63, the highest, gives" in said.err
    assert ("63 *" in said.out) == (command == "search")


def test_target_from_a_pipe(synthetic: ModuleType, tmp_path: Path) -> None:
    y4m = synthetic.write_clip(
        tmp_path / "in.y4m", 6, size=(48, 32), codec="wrapped_avframe", container="yuv4mpegpipe"
    )
    command = [
        sys.executable,
        "-P",
        "-m",
        "streamcodec",
        "encode",
        "-",
        "-",
        "--bitrate",
        "1",
        *TINY,
    ]
    done = subprocess.run(command, input=y4m.read_bytes(), capture_output=True, check=True)
    assert b"quality varies" in done.stderr
    assert b"warning: 1 kbit/s was missed" in done.stderr
    assert len(streamcodec.open(done.stdout)) == 6


FAILURES = [
    (
        ["encode", "IN", "out.ssf", "-q", "3", "--target-bpp", "1"],
        "-q and --target-bpp were given; accepted: one of",
    ),
    (
        ["encode", "IN", "out.ssf", "--bitrate", "1M", "--target-psnr", "30"],
        "--target-psnr and --bitrate",
    ),
    (["encode", "IN", "out.ssf", "--bitrate", "fast"], "bit rate is 'fast'; accepted"),
    (["encode", "IN", "out.ssf", "--target-psnr", "-1"], "accepted: above 0, to 200"),
    (["encode", "IN", "out.ssf", "--target-bpp", "nan"], "accepted: above 0, to 1000"),
    (["encode", "IN", "out.ssf", "--target-bpp", "much"], "'much' is not a valid float"),
    (["search", "IN", "-q", "64"], "64"),
    (["search", "IN", "-q", "3", "--bitrate", "80"], "-q and --bitrate were given"),
    (["search", "-"], "existing video file"),
]


@pytest.mark.parametrize(
    ("arguments", "said"),
    FAILURES,
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_errors(
    arguments: list[str],
    said: str,
    small_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        run([str(small_clip) if argument == "IN" else argument for argument in arguments] + TINY)
        == 2
    )
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_missing_video_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["search", "missing.mp4", *TINY]) == 1
    assert "cannot open missing.mp4: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "kbit"), [("800", 800), ("800k", 800), ("1.5M", 1500), ("64.5", 64.5)]
)
def test_bit_rates(text: str, kbit: float) -> None:
    assert parse_kbit_per_second(text) == kbit


@pytest.mark.parametrize("text", ["", "k", "0", "-3M", "inf", "nan", "1G", "1 M b"])
def test_what_is_no_bit_rate_fails(text: str) -> None:
    with pytest.raises(UsageError, match="as in 800 or 800k"):
        parse_kbit_per_second(text)
