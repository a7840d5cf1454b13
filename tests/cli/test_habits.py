"""What people expect of a command line: it says at once what is missing, and what they may have meant."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import streamcodec
from streamcodec._version import __version__
from streamcodec.cli import run
from streamcodec.cli.common import say_notes
from streamcodec.errors import CorruptStreamError, OutputError
from streamcodec.types import ColorSpec
from support.streams import of_another_format

SLOW = ("numpy", "av", "torch", "ray", "PIL", "rich")
MISSING = [
    ["encode", "missing.mp4", "out.ssf"],
    ["search", "missing.mp4"],
    ["decode", "missing.ssf", "out.mp4"],
    ["play", "missing.ssf"],
    ["info", "missing.ssf"],
    ["verify", "missing.ssf"],
    ["repair", "missing.ssf", "out.ssf"],
    ["cut", "missing.ssf", "out.ssf"],
    ["concat", "missing.ssf", "out.ssf"],
    ["image", "encode", "missing.png", "out.ssf"],
    ["image", "encode", "missing.png", "--out", "out"],
    ["image", "decode", "missing.ssf", "out.png"],
    ["transcode", "missing.mp4", "--out", "out"],
    ["transcode", "@missing.txt", "--out", "out"],
    ["evaluate", "missing.mp4", "--out", "out"],
    ["compare", "missing.mp4", "missing.ssf", "-o", "out.html"],
]


def test_a_missing_input_is_said_before_anything_slow_is_imported(tmp_path: Path) -> None:
    """All commands in one process: what one of them imports stays."""
    code = (
        "import sys\nfrom streamcodec.cli import run\n"
        f"for arguments in {MISSING!r}:\n"
        f"    code = run(arguments)\n"
        f"    print(*arguments, code, sorted(set({SLOW!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.splitlines() == [f"{' '.join(each)} 1 []" for each in MISSING]
    said = done.stderr.splitlines()
    assert len(said) == len(MISSING)
    assert all(line.startswith("streamcodec: cannot open ") for line in said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["encod"], "no command is called 'encod'; did you mean encode or decode?"),
        (["transcdoe", "x"], "did you mean transcode?"),
        (["nonsense"], "no command is called 'nonsense'; accepted: encode, search, decode"),
        (["encode", "--gopp", "3", "a", "b"], "--gop"),
        (["--vrsion"], "--version"),
        (["image", "encod"], "encode"),
    ],
)
def test_did_you_mean(command: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 2
    assert said in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"streamcodec, version {__version__}\n"


@pytest.mark.parametrize("order", [["--version", "-v"], ["-v", "--version"]])
def test_version_of_everything(order: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(order) == 0
    said = capsys.readouterr().out
    for part in ("format", ".ssf 1.", "model dct-intra", "model dct-inter", "FFmpeg", "PyAV"):
        assert part in said
    assert any(name in said for name in ("scalar", "avx2", "avx512", "neon"))


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals of this kind here")
def test_no_bytes_for_a_terminal(
    tiny_models: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = np.zeros((3, 32, 48), np.uint8)
    stream, clip = tmp_path / "in.ssf", tmp_path / "clip.mp4"
    streamcodec.encode([picture, picture], stream, **tiny_models)
    clip.write_bytes(b"not looked at")
    ours, terminal = os.openpty()
    monkeypatch.setattr(sys, "stdout", os.fdopen(terminal, "w"))
    for name, source in (
        ("encode", clip), ("decode", stream), ("cut", stream), ("repair", stream), ("concat", stream)
    ):  # fmt: skip
        assert run([name, str(source), "-"]) == 1
        [line] = capsys.readouterr().err.splitlines()  # no bar before it
        assert line.startswith("streamcodec: standard output is a terminal")
    sys.stdout.close()
    os.close(ours)


FOREIGN = {
    "clip.mp4": (b"\0\0\0\x20ftypisom", "it is a video (MP4): encode it first"),
    "clip.mkv": (b"\x1a\x45\xdf\xa3", "it is a video (Matroska or WebM): encode it first"),
    "clip.avi": (b"RIFF\0\0\0\0AVI LIST", "it is a video (AVI): encode it first"),
    "clip.y4m": (b"YUV4MPEG2 W2 H2\n", "it is a video (y4m): encode it first"),
    "a.png": (
        b"\x89PNG\r\n\x1a\n",
        "it is a picture (PNG): encode it first, with `streamcodec image",
    ),
    "empty": (b"", "it is empty"),
    "text": (b"something else", "it starts with 736f6d657468696e"),
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("command", [["info"], ["verify"], ["decode"], ["cut"], ["repair"]])
def test_what_is_no_stream_is_named(
    name: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, said = FOREIGN[name]
    file = tmp_path / name
    file.write_bytes(data)
    out = [] if command[0] in ("info", "verify") else [str(tmp_path / "out.ssf")]
    if command == ["decode"]:
        out = [str(tmp_path / "out.mkv")]
    assert run([*command, str(file), *out]) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"streamcodec: {file}: not an .ssf stream: {said}")
    assert list(tmp_path.iterdir()) == [file]


def test_damage_names_the_file_and_what_to_do(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mkv"
    assert run(["decode", str(damaged), str(out), "--quiet"]) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"streamcodec: {damaged}: byte ")
    assert line.endswith("; --on-damage skip leaves out what is lost")
    assert run(["image", "decode", str(damaged), str(tmp_path / "a.png"), "--frame", "1"]) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"streamcodec: {damaged}: ")
    assert "--on-damage" not in line  # which that command does not have
    assert run(["cut", str(damaged), str(tmp_path / "b.ssf")]) == 3
    assert capsys.readouterr().err.startswith(f"streamcodec: {damaged}: ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda data: data[:100],
            "byte 100: the stream ends within its header: no frame can be read",
        ),
        (
            lambda data: data[:30] + b"????" + data[34:-150],
            "CRC of the header is wrong: no frame can be read without that of another stream (`streamcodec repair --header-from`)",
        ),
    ],
)
@pytest.mark.parametrize("on_damage", ["raise", "skip"])
def test_nothing_is_promised_without_a_header(
    change: Callable[[bytes], bytes],
    said: str,
    on_damage: str,
    one: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one.write_bytes(change(one.read_bytes()))
    command = ["decode", str(one), str(tmp_path / "a.mkv"), "--on-damage", on_damage, "--quiet"]
    assert run(command) == 3
    assert capsys.readouterr().err == f"streamcodec: {one}: {said}\n"


@pytest.mark.parametrize("get", [list, lambda video: video[1], lambda video: video[0:3]])
def test_damage_names_the_file_in_python(damaged: Path, get: Callable[[Any], Any]) -> None:
    with pytest.raises(CorruptStreamError) as caught, streamcodec.open(damaged) as video:
        get(video)
    assert str(caught.value).startswith(f"{damaged}: byte ")
    assert str(caught.value).count(str(damaged)) == 1


def test_bytes_have_no_name(damaged: Path) -> None:
    with pytest.raises(CorruptStreamError, match=r"^byte "):
        list(streamcodec.open(damaged.read_bytes()))


@pytest.mark.parametrize("workers", [0, 1])
def test_damage_names_the_file_in_a_data_loader(damaged: Path, workers: int) -> None:
    data = pytest.importorskip("torch.utils.data")
    loader = data.DataLoader(streamcodec.VideoDataset([damaged]), num_workers=workers)
    with pytest.raises(CorruptStreamError) as caught:
        list(loader)
    assert f"{damaged}: byte " in str(caught.value)
    assert "--on-damage skip (on_damage='skip') leaves out what is lost" in str(caught.value)


def test_no_python_in_messages_of_the_command_line(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.ssf"
    out.touch()
    assert run(["repair", str(damaged), str(out)]) == 1
    assert capsys.readouterr().err == (
        f"streamcodec: {out} exists; overwrite it with -y or name another file\n"
    )
    assert run(["image", "decode", str(damaged), str(tmp_path / "a.png")]) == 2
    assert "with --frame N, or all" in capsys.readouterr().err
    assert run(["decode", str(damaged), str(tmp_path / "a.mkv"), "--max-pixels", "9"]) == 3
    assert capsys.readouterr().err.endswith("allow more with --max-pixels\n")


def test_python_is_told_python(damaged: Path, tmp_path: Path) -> None:
    (tmp_path / "out.ssf").touch()
    with pytest.raises(OutputError, match=r"-y \(overwrite=True\)"):
        streamcodec.repair(damaged, tmp_path / "out.ssf")


def test_one_is_no_plural(one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", str(one)]) == 0
    assert ", 1 frame, " in capsys.readouterr().out
    assert run(["verify", str(one)]) == 0
    assert "1 frame in 1 GOP; all frames decode, bit-exact in 1 of 1 GOP\n" in (
        capsys.readouterr().out
    )
    assert run(["cut", str(one), str(tmp_path / "cut.ssf")]) == 0
    assert "cut.ssf: 1 frame in 1 GOP, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("color", "said"),
    [
        (ColorSpec(1, 1, 1), "bt709, limited range"),
        (ColorSpec(), "unspecified, limited range"),
        (ColorSpec(9, 16, 9, full_range=True), "transfer smpte2084 (PQ), full range"),
        (
            ColorSpec(2, 2, 5),
            "matrix bt470bg, primaries unspecified, transfer unspecified, limited",
        ),
        (ColorSpec(200, 1, 1), "matrix bt709, primaries 200, transfer bt709, limited range"),
    ],
)
def test_info_names_colours(
    color: ColorSpec, said: str, one: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["info", str(of_another_format(one, color=color))]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "what", "notes"),
    [
        ("back.mkv", "1 frame, ", False),
        ("back", "1 PNG picture, 48x32", True),
        ("back/", "1 PNG picture, 48x32", False),
    ],
)
def test_decode_says_what_it_wrote(
    name: str,
    what: str,
    notes: bool,
    one: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = f"{tmp_path}/{name}"
    assert run(["decode", str(one), out]) == 0
    said = capsys.readouterr().err
    assert f"{out}: {what}" in said
    assert (f"without a suffix it is a folder; for a video name it {out}.mp4" in said) == notes
    if name == "back.mkv":
        assert " bytes, 48x32, " in said or " kB, 48x32, " in said


def test_encode_says_what_it_wrote(
    one: Path, tiny_models: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    y4m, out = tmp_path / "a.y4m", tmp_path / "a.ssf"
    assert run(["decode", str(one), str(y4m), "--quiet"]) == 0
    models = ["--intra", tiny_models["intra"], "--inter", tiny_models["inter"]]
    assert run(["encode", str(y4m), str(out), *models]) == 0
    assert f"{out}: 1 frame in 1 GOP, " in capsys.readouterr().err


def test_pictures_that_are_done_are_kept(
    tiny_models: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures, out = tmp_path / "pictures", tmp_path / "out"
    pictures.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (48, 32)).save(pictures / name)
    command = ["image", "encode", str(pictures), "--out", str(out), "--intra", tiny_models["intra"]]
    assert run(command) == 0
    capsys.readouterr()
    (out / "b.ssf").unlink()
    before = (out / "a.ssf").stat().st_mtime_ns
    assert run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["out"] for row in told["pictures"]] == [str(out / "b.ssf")]
    assert told["kept"] == [str(out / "a.ssf")]
    assert (out / "a.ssf").stat().st_mtime_ns == before
    assert run(command) == 0
    assert capsys.readouterr().err == "2 of 2 pictures done before; -y encodes them anew\n"
    assert run([*command, "-y"]) == 0
    assert (out / "a.ssf").stat().st_mtime_ns > before


def test_the_process_ends_while_a_stage_waits(tmp_path: Path) -> None:
    """As for a source that has stalled when Ctrl-C comes: what was said is there, and so is the code."""
    code = (
        "import threading, streamcodec.cli as cli\n"
        "from streamcodec.interrupts import STAGE\n"
        "threading.Thread(target=threading.Event().wait, name=STAGE).start()\n"
        "cli.main(['info', 'missing.ssf'])\n"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "missing.ssf" in done.stderr


def test_no_python_in_notes(capsys: pytest.CaptureFixture[str]) -> None:
    say_notes("a.mp4", ["--video-track (video_track=) takes another", "as it was (1 of 2)"])
    said = "streamcodec: note: a.mp4: --video-track takes another; as it was (1 of 2)\n"
    assert capsys.readouterr().err == said
