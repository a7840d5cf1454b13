"""Pipes, standard streams that are closed or full, and signals."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from streamcodec.cli import run

from .conftest import TINY, count_frames

pytestmark = pytest.mark.usefixtures("tiny_models")


def test_pipes(clip: Path, tmp_path: Path) -> None:
    """video -> y4m | encode - - | decode - - | a video again"""
    command = [sys.executable, "-P", "-m", "streamcodec"]
    y4m = tmp_path / "clip.y4m"
    assert run(["encode", str(clip), str(tmp_path / "a.ssf"), *TINY, "--quiet"]) == 0
    assert run(["decode", str(tmp_path / "a.ssf"), str(y4m), "--quiet"]) == 0
    coded = subprocess.run(
        [*command, "encode", "-", "-", *TINY, "--quiet"],
        input=y4m.read_bytes(),
        capture_output=True,
        check=True,
    )
    decoded = subprocess.run(
        [*command, "decode", "-", "-", "--quiet"],
        input=coded.stdout,
        capture_output=True,
        check=True,
    )
    back = tmp_path / "back.y4m"
    back.write_bytes(decoded.stdout)
    assert count_frames(back) == 6


@pytest.mark.parametrize("command", ["info", "verify"])
def test_stream_from_a_pipe(stream: Path, command: str) -> None:
    arguments = [sys.executable, "-P", "-m", "streamcodec", command, "-"]
    assert (
        b"6 frames"
        in subprocess.run(
            arguments, input=stream.read_bytes(), capture_output=True, check=True
        ).stdout
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_standard_output(stream: Path) -> None:
    arguments = [sys.executable, "-P", "-m", "streamcodec", "info", str(stream)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "streamcodec: cannot write standard output: No space left on device"
    ]


@pytest.mark.parametrize(
    ("command", "closed", "code"),
    [
        ("encode - out.ssf", "<&-", 1),
        ("decode in.ssf -", ">&-", 1),
        ("info -", "<&-", 1),
        ("info in.ssf", "<&-", 0),
    ],
)
def test_closed_standard_streams(
    stream: Path, tmp_path: Path, command: str, closed: str, code: int
) -> None:
    stream.rename(tmp_path / "in.ssf")
    arguments = f"{sys.executable} -P -m streamcodec {command} {closed}"
    done = subprocess.run(
        ["sh", "-c", arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == code
    assert (b"is closed" in done.stderr) == (code == 1)
    assert b"Traceback" not in done.stderr


def test_idle_threads_sleep(stream: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert run(["verify", str(stream), "--quiet"]) == 0
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")  # the user's choice stands
    assert run(["verify", str(stream), "--quiet"]) == 0
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_interrupted_encode_leaves_no_output(
    long_clip: Path, tmp_path: Path, kill: signal.Signals
) -> None:
    out = tmp_path / "out.ssf"
    command = [sys.executable, "-P", "-m", "streamcodec", "encode", str(long_clip), str(out)]
    usual = (
        None if kill == signal.SIGKILL else partial(signal.signal, kill, signal.SIG_DFL)
    )  # the tests' parent may ignore it
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=os.environ,
        preexec_fn=usual,  # noqa: PLW1509
    )
    while not list(tmp_path.iterdir()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(kill)
    _, said = process.communicate(timeout=600)
    assert not out.exists()
    if kill == signal.SIGKILL:
        return
    assert process.returncode == 128 + kill
    assert (b"interrupted" in said) == (kill == signal.SIGINT)
    assert list(tmp_path.iterdir()) == []
