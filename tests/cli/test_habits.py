"""What people expect of a command line: it says at once what is missing, and what they may have meant."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import streamcodec
from streamcodec._version import __version__
from streamcodec.cli import run

SLOW = ("numpy", "av", "torch", "ray", "PIL", "rich")
MISSING = [
    ["encode", "missing.mp4", "out.ssf"],
    ["search", "missing.mp4"],
    ["decode", "missing.ssf", "out.mp4"],
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
        assert capsys.readouterr().err.startswith("streamcodec: standard output is a terminal")
    sys.stdout.close()
    os.close(ours)
