"""One video by several processes: the bytes of one, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

import streamcodec
from streamcodec import parts
from streamcodec.errors import OutputError, StreamCodecError, UsageError
from streamcodec.parts import parallel

SETTINGS = {"gop": 4, "scenecut": 0.0}


@pytest.fixture
def clip(synthetic: ModuleType, tmp_path: Path) -> Path:
    path: Path = synthetic.write_clip(tmp_path / "clip.mkv", 18)
    return path


def test_the_same_bytes(clip: Path, tiny_models: dict[str, str], tmp_path: Path) -> None:
    straight, ours = tmp_path / "straight.ssf", tmp_path / "ours.ssf"
    told = streamcodec.encode(clip, straight, psnr=True, **SETTINGS, **tiny_models)
    planned: list[int] = []
    seen: list[tuple[int, int | None]] = []
    report = parts.encode_in_jobs(
        clip,
        ours,
        jobs=2,
        psnr=True,
        plan_progress=lambda frames, _: planned.append(frames),
        progress=lambda frames, total: seen.append((frames, total)),
        **SETTINGS,
        **tiny_models,
    )
    assert ours.read_bytes() == straight.read_bytes()
    assert (report.frames, report.gops, report.size_bytes) == (18, 5, ours.stat().st_size)
    assert report.psnr_db == pytest.approx(told.psnr_db)
    assert planned[-1] == 18
    assert seen[-1] == (18, 18)
    assert sorted(tmp_path.iterdir()) == [clip, ours, straight]


def test_failures_leave_nothing(clip: Path, tiny_models: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out.ssf"
    with pytest.raises(UsageError, match="number of jobs is 0"):
        parts.encode_in_jobs(clip, out, jobs=0, **tiny_models)
    with pytest.raises(UsageError, match="ordinary file"):
        parts.encode_in_jobs(tmp_path, out, jobs=2, **tiny_models)
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        parts.encode_in_jobs(clip, out, jobs=2, **tiny_models)
    assert out.read_bytes() == b"mine"
    assert sorted(tmp_path.iterdir()) == [clip, out]


def test_an_error_of_a_job_is_the_callers(
    clip: Path, tiny_models: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source is gone when the parts begin."""
    plan_video = parallel.plan_video

    def planned(*arguments: object, **more: object) -> parts.VideoPlan:
        plan = plan_video(*arguments, **more)  # type: ignore[arg-type]
        clip.unlink()
        return plan

    monkeypatch.setattr(parallel, "plan_video", planned)
    with pytest.raises(StreamCodecError, match=r"clip\.mkv: No such file"):
        parts.encode_in_jobs(clip, tmp_path / "out.ssf", jobs=2, **SETTINGS, **tiny_models)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no groups of processes here")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interrupted_jobs_leave_nothing(long_clip: Path, tmp_path: Path, name: str) -> None:
    """Ctrl-C reaches all processes of a terminal, the others only the one that is named."""
    number = signal.Signals[name]
    command = [sys.executable, "-P", "-m", "streamcodec", "encode", str(long_clip), "out.ssf"]
    process = subprocess.Popen(
        [*command, "--jobs", "2", "--gop", "8", "--preset", "slow"],
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        start_new_session=True,
        preexec_fn=partial(signal.signal, number, signal.SIG_DFL),  # noqa: PLW1509 (the tests' parent may ignore it)
    )
    while not list(tmp_path.glob(".streamcodec-*/*.ssf")):
        assert process.poll() is None
        time.sleep(0.02)
    (os.killpg if name == "SIGINT" else os.kill)(process.pid, number)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 128 + number
    assert b"Traceback" not in said
    assert list(tmp_path.iterdir()) == []
