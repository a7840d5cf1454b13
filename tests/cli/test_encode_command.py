"""`encode` of several videos, in several processes, from pipes; --json of encode, decode and verify."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

from streamcodec.cli import run

MODELS = ["--intra", "tiny-intra", "--inter", "tiny-inter", "--scenecut", "0"]

pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.fixture
def clips(synthetic: ModuleType, tmp_path: Path) -> Path:
    """A folder with a.mkv, below/b.mkv and notes.txt."""
    folder = tmp_path / "clips"
    (folder / "below").mkdir(parents=True)
    synthetic.write_clip(folder / "a.mkv", 6)
    synthetic.write_clip(folder / "below" / "b.mkv", 4)
    (folder / "notes.txt").write_text("no video")
    return folder


@pytest.mark.slow
def test_jobs_give_the_same_bytes(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, many = tmp_path / "one.ssf", tmp_path / "many.ssf"
    command = ["encode", str(clips / "a.mkv")]
    assert run([*command, str(one), "--gop", "2", *MODELS, "--quiet"]) == 0
    assert run([*command, str(many), "--gop", "2", *MODELS, "--jobs", "2"]) == 0
    assert f"{many}: 6 frames in 3 GOPs, " in capsys.readouterr().err
    assert many.read_bytes() == one.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "many.ssf", "one.ssf"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-", "out.ssf", "--jobs", "2"], "accepted: a file, not standard input"),
        (["a.mkv", "out.ssf", "--jobs", "2", "--resume"], "--jobs and --resume"),
        (["a.mkv", "out.ssf", "--jobs", "0"], "--jobs"),
        (["a.mkv"], "IN OUT.ssf (OUT may be -), or IN... --out FOLDER"),
        (["a.mkv", "b.mkv", "out.ssf"], "IN... --out FOLDER"),
        (
            ["below", "out.ssf"],
            "below is a folder; accepted: a video, or for all videos in it --out",
        ),
        (["a.mkv", "below/../a.mkv", "below/a.avi", "--out", "x"], "would both become x/a.ssf"),
    ],
)
def test_wrong_usage(
    arguments: list[str],
    said: str,
    clips: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(clips)
    (clips / "below" / "a.avi").touch()
    assert run(["encode", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not list(clips.rglob("*.ssf"))


def test_several_videos(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (clips / "broken.mp4").write_bytes(b"nothing of the kind")
    out = tmp_path / "out"
    command = ["encode", str(clips), "--out", str(out), *MODELS]
    assert run(command) == 4
    said = capsys.readouterr().err
    assert f"{out / 'a.ssf'}: 6 frames in 1 GOP, " in said
    assert f"{out / 'below' / 'b.ssf'}: 4 frames in 1 GOP, " in said
    assert "broken.mp4" in said
    assert "1 of 3 videos failed" in said
    (clips / "broken.mp4").unlink()
    (out / "a.ssf").unlink()
    assert run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["out"] for row in told["videos"]] == [str(out / "a.ssf")]
    assert (told["kept"], told["failed"]) == ([str(out / "below" / "b.ssf")], [])
    assert run(command) == 0
    assert capsys.readouterr().err == "2 of 2 videos done before; -y encodes them anew\n"


def test_a_folder_without_videos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("no video")
    assert run(["encode", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert f"{tmp_path} holds no videos" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_json(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out, back = clips / "a.mkv", tmp_path / "a.ssf", tmp_path / "back.mkv"
    command = ["encode", str(source), str(out), *MODELS, "--gop", "2"]
    assert run([*command, "--psnr", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["source"], told["out"]) == (str(source), str(out))
    assert (told["frames"], told["gops"], told["size_bytes"]) == (6, 3, out.stat().st_size)
    assert told["psnr_db"] > 0
    assert {"width", "height", "bpp", "kbit_per_second", "fps", "notes", "target"} <= set(told)
    assert run(["decode", str(out), str(back), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["out"], told["frames"], told["lost_frames"]) == (str(back), 6, 0)
    assert told["size_bytes"] == back.stat().st_size
    assert run(["verify", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["frames"], told["decoded"], told["problems"]) == (True, 6, 6, [])
    data = bytearray(out.read_bytes())
    data[len(data) // 2] ^= 0xFF
    out.write_bytes(data)
    assert run(["verify", str(out), "--json"]) == 3
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert not told["ok"]
    assert told["problems"]
    assert told["lost_frames"] > 0
    assert said.err == ""
    assert run(["decode", str(out), str(back), "-y", "--on-damage", "skip", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["lost_frames"] > 0
    assert "lost to damage" in told["damage"]


def encode_piped(clip: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    """`cat clip | streamcodec encode - out.ssf`, in `folder`."""
    command = [sys.executable, "-P", "-m", "streamcodec", "encode", "-", "out.ssf", *MODELS]
    with clip.open("rb") as file:
        piped = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
        done = subprocess.run(
            command,
            stdin=piped.stdout,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            check=False,
        )
        piped.communicate()
    return done


@pytest.mark.parametrize("name", ["piped.mkv", "piped.ts"])
def test_a_pipe_of_any_kind_that_can_be_read_front_to_back(
    name: str, synthetic: ModuleType, tmp_path: Path
) -> None:
    clip = synthetic.write_clip(tmp_path / name, 4)
    done = encode_piped(clip, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "out.ssf: 4 frames in 1 GOP" in done.stderr


def test_a_pipe_that_would_have_to_go_back_says_so(tmp_path: Path) -> None:
    """MP4 has its index at the end, unless it was written otherwise."""
    clip = tmp_path / "piped.mp4"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for seed in range(30):  # noise: more bytes than FFmpeg keeps
            noise = np.random.default_rng(seed).integers(0, 256, (64, 96, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(stream.encode(None))
    done = encode_piped(clip, tmp_path)
    assert done.returncode == 1
    assert "standard input" in done.stderr
    assert "its index at the end" in done.stderr
    assert list(tmp_path.iterdir()) == [clip]
